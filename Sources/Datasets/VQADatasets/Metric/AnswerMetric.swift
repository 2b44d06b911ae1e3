/// What counts as right: how well answers to annotated questions agree with what people said.
///
/// A dataset with a measure of its own has a type that conforms to this, and hands it to ``AnnotatedQuestions``.
public protocol AnswerMetric: Sendable {
    /// Its name in reports: "release", "vqa-2021".
    var name: String { get }
    /// The annotated questions, each once.
    var questionIDs: [QuestionID] { get }

    /// The accuracies of predictions, which may be in any order.
    ///
    /// - Parameters:
    ///   - predictions: The predictions.
    ///   - leftOut: Questions that need no prediction: the accuracies are those of the others.
    /// - Throws: ``EvaluationError`` where the predictions do not answer each annotated question exactly
    ///   once, those left out apart, and no other.
    func evaluate(_ predictions: [Prediction], leavingOut leftOut: Set<QuestionID>) throws -> AccuracyReport
}

extension AnswerMetric {
    /// The accuracies of predictions that answer every annotated question.
    ///
    /// - Throws: As ``evaluate(_:leavingOut:)``.
    public func evaluate(_ predictions: [Prediction]) throws -> AccuracyReport {
        try evaluate(predictions, leavingOut: [])
    }
}

/// The accuracies of a set of predictions, in percent, rounded to two decimals as the official metric
/// rounds them.
public struct AccuracyReport: Sendable, Equatable {
    /// The name of the metric.
    public let metric: String
    /// The accuracy over all questions.
    public let overall: Double
    /// The accuracy over the questions of each answer type: "yes/no", "number", "other".
    public let perAnswerType: [String: Double]
    /// The accuracy over the questions of each question type: "how many", "is the", ...
    public let perQuestionType: [String: Double]
    /// The annotated questions that are evaluated, in the order of the annotations.
    public let questionIDs: [QuestionID]
    /// How many annotated questions were left out.
    public let leftOutCount: Int
    /// The accuracy of each of ``questionIDs``.
    public let perQuestion: [Double]

    /// - Parameters: as the properties.
    public init(
        metric: String, overall: Double, perAnswerType: [String: Double], perQuestionType: [String: Double],
        questionIDs: [QuestionID], leftOutCount: Int, perQuestion: [Double]
    ) {
        self.metric = metric
        self.overall = overall
        self.perAnswerType = perAnswerType
        self.perQuestionType = perQuestionType
        self.questionIDs = questionIDs
        self.leftOutCount = leftOutCount
        self.perQuestion = perQuestion
    }
}
