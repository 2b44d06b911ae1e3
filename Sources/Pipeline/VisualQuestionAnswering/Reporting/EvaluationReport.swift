import VQADatasets

/// What a model's answers to the questions of an annotated split are worth, and where it is wrong.
public struct EvaluationReport: Sendable, Encodable {
    /// The accuracy of one kind of questions.
    public struct OfType: Sendable, Encodable {
        /// The answer type or question type.
        public let name: String
        /// The accuracy in percent.
        public let accuracy: Double
        /// How many questions; nil where the dataset does not say.
        public let questions: Int?
    }

    /// An answer that the model gives where people say another one.
    public struct Confusion: Sendable, Hashable, Encodable {
        /// What people answered most often.
        public let people: String
        /// What the model answers.
        public let model: String
    }

    /// How often an answer is taken for another.
    public struct ConfusionCount: Sendable, Encodable {
        /// The two answers.
        public let confusion: Confusion
        /// How many questions.
        public let questions: Int

        enum CodingKeys: String, CodingKey {
            case people, model, questions
        }

        /// Flat, as a row of a table.
        public func encode(to encoder: any Encoder) throws {
            var container = encoder.container(keyedBy: CodingKeys.self)
            try container.encode(confusion.people, forKey: .people)
            try container.encode(confusion.model, forKey: .model)
            try container.encode(questions, forKey: .questions)
        }
    }

    /// The split.
    public let split: String
    /// The name of the metric.
    public let metric: String
    /// How many questions were answered.
    public let questions: Int
    /// How many were left out, for the features of their images cannot be read.
    public let leftOut: Int
    /// The accuracy over all, in percent.
    public let accuracy: Double
    /// By answer type.
    public let answerTypes: [OfType]
    /// By question type, the most frequent first.
    public let questionTypes: [OfType]
    /// How well the model knows how sure it may be.
    public let calibration: Calibration
    /// How many answers nobody gave.
    public let wrong: Int
    /// The answers that are most often taken for others, where nobody gave the model's.
    public let confusions: [ConfusionCount]
    /// The answers that nobody gave of which the model is most sure.
    public let sureAndWrong: [Mistake]
    /// How many questions were answered each second.
    public let questionsPerSecond: Double

    /// How many confusions and mistakes are shown.
    static let (shownConfusions, shownMistakes) = (15, 12)

    enum CodingKeys: String, CodingKey {
        case split, metric, questions, accuracy, calibration, wrong, confusions
        case leftOut = "left_out"
        case answerTypes = "answer_types"
        case questionTypes = "question_types"
        case sureAndWrong = "sure_and_wrong"
        case questionsPerSecond = "questions_per_second"
    }

    /// - Parameters:
    ///   - examination: The answers.
    ///   - answerer: The model that gave them.
    /// - Throws: What looking at the images of mistakes throws.
    init(_ examination: Answerer.Examination, by answerer: Answerer) throws {
        let (report, answered) = (examination.report, examination.questions)
        (split, metric, accuracy) = (examination.split, report.metric, report.overall)
        (questions, leftOut) = (answered.count, report.leftOutCount)
        answerTypes = Self.ofTypes(report.perAnswerType, answered) { $0.answerType }
            .sorted { $0.name < $1.name }
        questionTypes = Self.ofTypes(report.perQuestionType, answered) { $0.questionType }
        calibration = Calibration(
            confidences: answered.map(\.confidence), accuracies: answered.map(\.accuracy))
        let mistakes = answered.filter(\.isWrong)
        wrong = mistakes.count
        confusions = Self.confusions(mistakes)
        sureAndWrong = try answerer.lookingAt(
            Self.surest(mistakes, Self.shownMistakes), of: examination.split)
        questionsPerSecond = Double(answered.count) / max(examination.seconds, 1e-9)
    }

    /// The most frequent first.
    private static func ofTypes(
        _ accuracies: [String: Double], _ questions: [AnsweredQuestion],
        _ type: (ReadableQuestion) -> String?
    ) -> [OfType] {
        var counts: [String: Int] = [:]
        for question in questions {
            if let type = type(question.question) { counts[type, default: 0] += 1 }
        }
        return accuracies.sorted { (-(counts[$0.key] ?? 0), $0.key) < (-(counts[$1.key] ?? 0), $1.key) }
            .map { OfType(name: $0.key, accuracy: $0.value, questions: counts[$0.key]) }
    }

    private static func confusions(_ mistakes: [AnsweredQuestion]) -> [ConfusionCount] {
        var counts: [Confusion: Int] = [:]
        for mistake in mistakes {
            guard let people = mistake.question.answer else { continue }
            counts[Confusion(people: people, model: mistake.answers[0].text), default: 0] += 1
        }
        return counts.map { ConfusionCount(confusion: $0.key, questions: $0.value) }
            .sorted {
                (-$0.questions, $0.confusion.people, $0.confusion.model)
                    < (-$1.questions, $1.confusion.people, $1.confusion.model)
            }.prefix(shownConfusions).map { $0 }
    }

    /// Those of which the model is most sure, the surest first; no more than one about each image.
    static func surest(_ mistakes: [AnsweredQuestion], _ count: Int) -> [AnsweredQuestion] {
        let sorted = mistakes.enumerated().sorted {
            (-$0.element.confidence, $0.offset) < (-$1.element.confidence, $1.offset)
        }
        var (images, chosen) = (Set<ImageID>(), [AnsweredQuestion]())
        for (_, mistake) in sorted where chosen.count < count {
            if images.insert(mistake.question.image).inserted { chosen.append(mistake) }
        }
        return chosen
    }
}
