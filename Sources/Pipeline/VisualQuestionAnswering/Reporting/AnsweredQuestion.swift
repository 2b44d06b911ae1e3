import Torch
import VQADatasets
import VQAFeatures
import VQATraining

/// A question of an annotated split, what the model answered, and what that is worth.
public struct AnsweredQuestion: Sendable {
    /// The question's id.
    public let id: QuestionID
    /// The question, the image that it is about, and what people answered.
    public let question: ReadableQuestion
    /// The model's best answers, the best first; never empty.
    public let answers: [ScoredAnswer]
    /// What the best one is worth by the dataset's metric, from 0 to 1.
    public let accuracy: Double

    /// How sure the model is: the score of its best answer.
    public var confidence: Double { answers[0].score }
    /// Nobody gave the model's answer.
    public var isWrong: Bool { accuracy == 0 }
}

extension Answerer {
    /// The questions of an annotated split, one by one, with answers and scores.
    public struct Examination: Sendable {
        /// The split.
        public let split: String
        /// The accuracies.
        public let report: AccuracyReport
        /// The questions that were answered, in the order of the annotations.
        public let questions: [AnsweredQuestion]
        /// How long answering took, in seconds.
        public let seconds: Double
    }

    /// Answers the questions of the split that is answered after each epoch of training, and keeps how sure the model is
    /// of each.
    ///
    /// - Parameters:
    ///   - count: How many answers to each question.
    ///   - onProgress: As of ``evaluate(split:savingLogitsTo:onProgress:)``.
    /// - Throws: As ``evaluate(split:savingLogitsTo:onProgress:)``.
    public func examine(
        top count: Int = 3, onProgress: (_ answered: Int, _ count: Int) throws -> Bool = { _, _ in true }
    ) throws -> Examination {
        let dataset = try requireDataset()
        let split = type(of: dataset).evaluatedSplit
        let annotated = try dataset.annotatedQuestions(
            of: split, vocabulary: vocabulary, maximumWords: configuration.data.maxToken, metric: metric)
        if let notice = annotated.notice { onNotice("\(split): \(notice)") }
        let builder = try checkedBuilder(annotated.examples, of: split, dataset, onProgress)
        var scored: [[ScoredAnswer]] = []
        let total = builder.count
        let start = ContinuousClock.now
        let found = try Predictor(model, device: device, precision: precision, configuration.training).answer(
            builder, onLogits: { [self] in scored += try scoredAnswers($0, top: count) },
            onProgress: { try onProgress($0, total) })
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        LeftOutQuestions(of: builder)?.tell(consequence: ": the report lacks them", onNotice)
        let predictions = found.predictions(answers)
        let report = try annotated.metric.evaluate(predictions, leavingOut: Set(builder.leftOut))
        let answersByID = Dictionary(zip(found.questionIDs, scored), uniquingKeysWith: { first, _ in first })
        return Examination(
            split: split, report: report,
            questions: try QuestionsByID(dataset, split).answered(report) { answersByID[$0] ?? [] },
            seconds: seconds)
    }
}

/// The questions of a split as people read them, by their ids.
struct QuestionsByID {
    private let questions: ReadableQuestions
    private let rows: [QuestionID: Int]
    private let split: String

    /// - Throws: What reading the questions throws.
    init(_ dataset: any VQADataset, _ split: String) throws {
        questions = try dataset.questions(of: split) ?? ReadableQuestions([])
        var rows: [QuestionID: Int] = [:]
        for (row, question) in questions.enumerated() {
            if let id = question.id { rows[id] = row }
        }
        (self.rows, self.split) = (rows, split)
    }

    /// The questions that a report is about, with the answers to each; a question to which there is none is left out.
    func answered(_ report: AccuracyReport, _ answers: (QuestionID) -> [ScoredAnswer]) -> [AnsweredQuestion] {
        zip(report.questionIDs, report.perQuestion).compactMap { id, percentage in
            let answers = answers(id)
            guard !answers.isEmpty else { return nil }
            return AnsweredQuestion(id: id, question: self[id], answers: answers, accuracy: percentage / 100)
        }
    }

    /// A question; one without words where the dataset does not have it.
    subscript(id: QuestionID) -> ReadableQuestion {
        rows[id].map { questions[$0] }
            ?? ReadableQuestion(image: ImageID(rawValue: 0), text: "question \(id)", answer: nil, id: id)
    }
}
