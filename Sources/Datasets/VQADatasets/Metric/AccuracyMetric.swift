/// The official accuracy of VQA-v2 (`vqaEval.py`, GT-Vision-Lab/VQA), in one of two forms (``MetricVersion``).
///
/// The accuracy of an answer is the mean, over the ten people who were asked, of
/// `min(1, m / 3)`, where m is how many of the *other* people gave that answer. "Other" goes by what
/// was recorded: an answer with the same text, confidence and id as another does not count as other.
///
/// A metric is made once for a set of annotations and evaluates any number of predictions.
public struct AccuracyMetric: AnswerMetric {
    /// What an answer to each question scores: every text that scores anything, with its accuracy.
    struct ScoringTexts: Sendable {
        /// Those of row i are at `offsets[i]..<offsets[i + 1]` of the columns below.
        var offsets = [0]
        /// Numbers of the metric's texts.
        var texts: [Int32] = []
        /// From 0 to 1.
        var accuracies: [Double] = []
        /// For each row, whether answers are compared as they were given; empty where none is.
        var areAsGiven: [Bool] = []
    }

    /// Which metric it is.
    public let version: MetricVersion
    /// Its word: "release", "vqa-2021".
    public var name: String { version.rawValue }

    /// The annotated questions, in the order of the annotations.
    public let questionIDs: [QuestionID]
    /// The names of answer types and question types, which the columns below number.
    let types: StringColumn
    let answerTypes: [Int32]
    let questionTypes: [Int32]
    /// The texts of all human answers, in the form in which they are compared.
    let texts: StringIndex
    let scoring: ScoringTexts
    private let rows: RowIndex

    /// Prepares the human answers. Those of a question are compared as they are where all are the same. Where they
    /// differ, they are compared without punctuation (`AnswerNormalizer/removePunctuation(_:)`), or, in
    /// ``MetricVersion/vqa2021``, in normal form.
    public init(_ annotations: AnnotationTable, version: MetricVersion = .release) {
        self.version = version
        var types = StringIndex()
        var typeNumbers = ComputedOncePerString<Int32>(annotations.strings)
        func numbered(_ column: [Int32]) -> [Int32] {
            column.map { typeNumbers.value(of: $0) { types.intern($0) } }
        }
        answerTypes = numbered(annotations.answerTypes)
        questionTypes = numbered(annotations.questionTypes)
        self.types = types.strings
        questionIDs = annotations.questionIDs
        rows = annotations.rows
        var comparison = AnswerComparison(annotations, version)
        for row in annotations.indices { comparison.add(row) }
        texts = comparison.texts
        scoring = comparison.scoring
    }

    /// A metric that was kept in columns.
    ///
    /// - Throws: ``DuplicateQuestionError`` where a question comes twice.
    init(
        version: MetricVersion, questionIDs: [QuestionID], types: StringColumn, answerTypes: [Int32],
        questionTypes: [Int32], texts: StringIndex, scoring: ScoringTexts
    ) throws {
        self.version = version
        self.questionIDs = questionIDs
        self.types = types
        self.answerTypes = answerTypes
        self.questionTypes = questionTypes
        self.texts = texts
        self.scoring = scoring
        rows = try RowIndex(of: questionIDs)
    }

    /// The accuracies of predictions, which may be in any order.
    ///
    /// - Parameters:
    ///   - predictions: The predictions.
    ///   - leftOut: Questions that need no prediction: the accuracies are those of the others.
    /// - Throws: ``EvaluationError`` where the predictions do not answer each annotated question exactly
    ///   once, those left out apart, and no other.
    public func evaluate(
        _ predictions: [Prediction], leavingOut leftOut: Set<QuestionID>
    ) throws -> AccuracyReport {
        guard !questionIDs.isEmpty else { throw EvaluationError.noAnnotations }
        let predictedTexts = try predictedTexts(of: predictions, leavingOut: leftOut)
        let evaluated = questionIDs.indices.filter { predictedTexts[$0] != .leftOut }
        guard !evaluated.isEmpty else { throw EvaluationError.allLeftOut(questionIDs.count) }
        var total = Mean()
        var ofAnswerType = Array(repeating: Mean(), count: types.count)
        var ofQuestionType = ofAnswerType
        let perQuestion = evaluated.map { row in
            let accuracy = accuracy(of: predictedTexts[row], row: row)
            total.add(accuracy)
            ofAnswerType[Int(answerTypes[row])].add(accuracy)
            ofQuestionType[Int(questionTypes[row])].add(accuracy)
            return roundedToTwoDecimals(100 * accuracy)
        }
        return AccuracyReport(
            metric: name, overall: total.percentage,
            perAnswerType: percentages(ofAnswerType), perQuestionType: percentages(ofQuestionType),
            questionIDs: evaluated.map { questionIDs[$0] },
            leftOutCount: questionIDs.count - evaluated.count, perQuestion: perQuestion)
    }

    /// What was predicted for an annotation.
    private enum PredictedAnswer: Equatable {
        /// The number in ``texts`` of the answer.
        case known(Int32)
        /// An answer that nobody gave.
        case unknown
        /// No answer.
        case leftOut

        init(_ text: Int32?) { self = text.map(Self.known) ?? .unknown }
    }

    /// For each annotation, what was predicted.
    private func predictedTexts(
        of predictions: [Prediction], leavingOut leftOut: Set<QuestionID>
    ) throws -> [PredictedAnswer] {
        var coverage = EvaluationError.Coverage()
        var predictedTexts = Array(repeating: PredictedAnswer.leftOut, count: questionIDs.count)
        var answers = StringIndex()
        var textOfAnswer: [PredictedText] = []
        for prediction in predictions {
            guard let row = rows[prediction.questionID] else {
                coverage.unknown.append(prediction.questionID)
                continue
            }
            if predictedTexts[row] != .leftOut { coverage.repeated.append(prediction.questionID) }
            let answer = Int(answers.intern(prediction.answer))
            if answer == textOfAnswer.count {
                textOfAnswer.append(PredictedText(prediction.answer, among: texts))
            }
            let isAsGiven = !scoring.areAsGiven.isEmpty && scoring.areAsGiven[row]
            predictedTexts[row] = PredictedAnswer(
                isAsGiven ? textOfAnswer[answer].asGiven : textOfAnswer[answer].normalized)
        }
        coverage.missing = questionIDs.indices.lazy.filter { predictedTexts[$0] == .leftOut }
            .map { questionIDs[$0] }.filter { !leftOut.contains($0) }
        guard coverage.isExact else { throw EvaluationError.coverage(coverage) }
        return predictedTexts
    }

    /// The accuracy of one answer, from 0 to 1.
    private func accuracy(of answer: PredictedAnswer, row: Int) -> Double {
        guard case .known(let predicted) = answer else { return 0 }
        let range = scoring.offsets[row]..<scoring.offsets[row + 1]
        return range.first { scoring.texts[$0] == predicted }.map { scoring.accuracies[$0] } ?? 0
    }

    /// Named by their strings: types that Swift takes for the same string are counted as one.
    private func percentages(_ means: [Mean]) -> [String: Double] {
        let named = means.indices.filter { means[$0].count > 0 }.map { (types[$0], means[$0]) }
        return Dictionary(named, uniquingKeysWith: { $0 + $1 }).mapValues(\.percentage)
    }
}

/// A predicted answer as a number of the people's texts; nil where nobody gave it.
private struct PredictedText {
    /// Without the white space around it.
    let asGiven: Int32?
    let normalized: Int32?

    init(_ answer: String, among texts: StringIndex) {
        let stripped = PythonText.stripped(answer)
        asGiven = texts.number(of: stripped)
        normalized = texts.number(of: AnswerNormalizer.normalize(stripped))
    }
}

/// Predictions that cannot be evaluated.
public enum EvaluationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Which questions predictions miss, add or repeat.
    public struct Coverage: Sendable, Equatable {
        /// Annotated questions without a prediction.
        public var missing: [QuestionID] = []
        /// Questions with a prediction that are not annotated.
        public var unknown: [QuestionID] = []
        /// Questions with another prediction already.
        public var repeated: [QuestionID] = []

        var isExact: Bool { missing.isEmpty && unknown.isEmpty && repeated.isEmpty }
    }

    /// There is no annotation, so no mean.
    case noAnnotations
    /// All annotated questions, this many, were left out.
    case allLeftOut(Int)
    /// The predictions are for other questions than the annotations.
    case coverage(Coverage)

    /// The error in one line.
    public var description: String {
        switch self {
        case .noAnnotations: return "there are no annotations to evaluate predictions against"
        case .allLeftOut(let count): return "all \(count) annotated questions were left out"
        case .coverage(let coverage):
            let parts = [
                ("not predicted", coverage.missing), ("not annotated", coverage.unknown),
                ("predicted more than once", coverage.repeated),
            ]
            let problems = parts.filter { !$0.1.isEmpty }.map { "\($0.1.count) \($0.0) (\($0.1.listed()))" }
            return
                "predictions must cover the annotated questions exactly: \(problems.joined(separator: "; "))"
        }
    }
}

/// The mean of accuracies, added up in the order of the questions as the official metric does.
private struct Mean {
    var sum = 0.0
    var count = 0

    mutating func add(_ accuracy: Double) {
        sum += accuracy
        count += 1
    }

    static func + (left: Mean, right: Mean) -> Mean {
        Mean(sum: left.sum + right.sum, count: left.count + right.count)
    }

    var percentage: Double { roundedToTwoDecimals(100 * sum / Double(count)) }
}

/// Python's `round(value, 2)`: by the exact value of the number, not by that of `100 * value`, which
/// is itself rounded. For values from 0 to 100.
func roundedToTwoDecimals(_ value: Double) -> Double {
    let hundredths = value * 100
    let whole = hundredths.rounded(.down)
    let fraction = hundredths - whole
    // The product is off by this much; it decides where the product ends in one half.
    let error = (-hundredths).addingProduct(value, 100)
    if fraction == 0.5, error != 0 { return (error > 0 ? whole + 1 : whole) / 100 }
    return hundredths.rounded(.toNearestOrEven) / 100
}
