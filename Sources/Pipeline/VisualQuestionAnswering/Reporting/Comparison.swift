import Foundation
import TextFiles
import VQADatasets

/// Two sets of answers to the same annotated questions, side by side: is the difference between them real?
public struct Comparison: Sendable, Encodable {
    /// One side.
    public struct Side: Sendable {
        /// What it is called: a run, or a file.
        public let name: String
        let report: AccuracyReport
        let answers: [QuestionID: String]

        init(name: String, report: AccuracyReport, answers: [QuestionID: String]) {
            (self.name, self.report, self.answers) = (name, report, answers)
        }

        /// The best answers of a model.
        init(name: String, _ examination: Answerer.Examination) {
            self.init(
                name: name, report: examination.report,
                answers: Dictionary(
                    examination.questions.map { ($0.id, $0.answers[0].text) },
                    uniquingKeysWith: { first, _ in first }))
        }
    }

    /// The accuracies of both on some questions.
    public struct Pair: Sendable, Encodable {
        /// Which questions: an answer type, a question type, or all.
        public let name: String
        /// The first side's accuracy in percent.
        public let first: Double
        /// The second side's.
        public let second: Double
        /// Whether the difference is real, in percent; nil where it was not asked for.
        public let bootstrap: PairedBootstrap?
    }

    /// A question that both answer, one of them better.
    public struct Question: Sendable, Encodable {
        /// The question's id.
        public let id: String
        /// The question.
        public let text: String
        /// What people answered most often.
        public let people: String?
        /// What the first side answers.
        public let first: String
        /// What the second side answers.
        public let second: String
        /// What the first answer is worth, in percent.
        public let firstAccuracy: Double
        /// What the second answer is worth, in percent.
        public let secondAccuracy: Double

        enum CodingKeys: String, CodingKey {
            case id, people, first, second
            case text = "question"
            case firstAccuracy = "first_accuracy"
            case secondAccuracy = "second_accuracy"
        }
    }

    /// What the first side is called.
    public let first: String
    /// What the second side is called.
    public let second: String
    /// The metric.
    public let metric: String
    /// How many questions both answer.
    public let questions: Int
    /// Of these, to how many both have one answer.
    public let sameAnswers: Int
    /// All of them.
    public let overall: Pair
    /// By answer type.
    public let answerTypes: [Pair]
    /// By question type, those first that differ most in how many answers are right.
    public let questionTypes: [Pair]
    /// The questions that the first side answers better than the second, those that differ most first.
    public let firstBetter: [Question]
    /// The questions that the second side answers better.
    public let secondBetter: [Question]
    /// How many there are of each.
    public let firstBetterCount: Int
    /// How many there are of each.
    public let secondBetterCount: Int

    /// How many questions of each kind are named.
    static let namedQuestions = 10

    enum CodingKeys: String, CodingKey {
        case first, second, metric, questions, overall
        case sameAnswers = "same_answers"
        case answerTypes = "answer_types"
        case questionTypes = "question_types"
        case firstBetter = "first_better"
        case secondBetter = "second_better"
        case firstBetterCount = "first_better_count"
        case secondBetterCount = "second_better_count"
    }

    /// Compares answers to the questions that both have answered.
    ///
    /// - Throws: ``NothingInCommonError`` where there is none.
    init(_ first: Side, _ second: Side, _ questions: QuestionsByID) throws(NothingInCommonError) {
        let rows = Self.rows(first, second, questions)
        guard !rows.isEmpty else { throw NothingInCommonError(first: first.name, second: second.name) }
        (self.first, self.second, metric) = (first.name, second.name, first.report.metric)
        self.questions = rows.count
        sameAnswers = rows.count { $0.firstAnswer == $0.secondAnswer }
        overall = Self.pair("all", rows[...], isTested: true)
        answerTypes = Self.pairs(rows, by: \.question.answerType, areTested: true)
            .sorted { $0.name < $1.name }
        questionTypes = Self.pairs(rows, by: \.question.questionType, areTested: false)
        let (better, worse) = (rows.filter { $0.difference > 0 }, rows.filter { $0.difference < 0 })
        (firstBetterCount, secondBetterCount) = (worse.count, better.count)
        firstBetter = Self.named(worse)
        secondBetter = Self.named(better)
    }

    private struct Row {
        let question: ReadableQuestion
        let id: QuestionID
        let firstAnswer, secondAnswer: String
        /// In percent.
        let first, second: Double
        var difference: Double { second - first }
    }

    private static func rows(_ first: Side, _ second: Side, _ questions: QuestionsByID) -> [Row] {
        let ofSecond = Dictionary(
            zip(second.report.questionIDs, second.report.perQuestion), uniquingKeysWith: { first, _ in first }
        )
        return zip(first.report.questionIDs, first.report.perQuestion).compactMap { id, accuracy in
            guard let other = ofSecond[id], let answer = first.answers[id],
                let otherAnswer = second.answers[id]
            else { return nil }
            return Row(
                question: questions[id], id: id, firstAnswer: answer, secondAnswer: otherAnswer,
                first: accuracy, second: other)
        }
    }

    private static func pair(_ name: String, _ rows: ArraySlice<Row>, isTested: Bool) -> Pair {
        let count = Double(max(1, rows.count))
        return Pair(
            name: name, first: rows.reduce(0) { $0 + $1.first } / count,
            second: rows.reduce(0) { $0 + $1.second } / count,
            bootstrap: isTested ? PairedBootstrap(rows.map(\.difference)) : nil)
    }

    /// By type, those first in which the sides differ by the most answers.
    private static func pairs(_ rows: [Row], by type: (Row) -> String?, areTested: Bool) -> [Pair] {
        let groups = Dictionary(grouping: rows.filter { type($0) != nil }) { type($0) ?? "" }
        func weight(_ rows: [Row]) -> Double { abs(rows.reduce(0) { $0 + $1.difference }) }
        return groups.sorted { (-weight($0.value), $0.key) < (-weight($1.value), $1.key) }
            .map { pair($0.key, $0.value[...], isTested: areTested) }
    }

    private static func named(_ rows: [Row]) -> [Question] {
        // The sort keeps the order of the file among those that differ alike.
        let order = rows.enumerated().sorted {
            (-abs($0.element.difference), $0.offset) < (-abs($1.element.difference), $1.offset)
        }
        return order.prefix(namedQuestions).map { _, row in
            Question(
                id: "\(row.id)", text: row.question.text, people: row.question.answer,
                first: row.firstAnswer, second: row.secondAnswer, firstAccuracy: row.first,
                secondAccuracy: row.second)
        }
    }
}

extension Comparison {
    /// The first of some models' answers with those of each of the others.
    ///
    /// - Throws: ``NothingInCommonError``; what reading the questions throws.
    public static func of(
        _ examinations: [(name: String, found: Answerer.Examination)], _ dataset: any VQADataset
    ) throws -> [Comparison] {
        guard let first = examinations.first, examinations.count > 1 else { return [] }
        let questions = try QuestionsByID(dataset, first.found.split)
        return try examinations.dropFirst().map {
            try Comparison(
                Side(name: first.name, first.found), Side(name: $0.name, $0.found), questions)
        }
    }

    /// Compares two result files.
    ///
    /// - Parameters:
    ///   - first: A file of answers to the questions of the split that is answered after each epoch of training.
    ///   - second: Another one.
    ///   - dataset: The dataset.
    ///   - metric: Which metric.
    /// - Throws: `DatasetFileError` that names the file where one is missing, damaged, or does not answer each annotated
    ///   question exactly once.
    public init(
        _ first: URL, _ second: URL, of dataset: any VQADataset, metric: MetricVersion = .release
    ) throws {
        let split = type(of: dataset).evaluatedSplit
        // Words are of no concern here.
        let annotated = try dataset.annotatedQuestions(
            of: split, vocabulary: Vocabulary(questions: []), maximumWords: 1, metric: metric)
        let sides = try [first, second].map { file in
            let predictions = try ResultFile.read(file)
            do {
                return Side(
                    name: file.relativePath, report: try annotated.metric.evaluate(predictions),
                    answers: Dictionary(
                        predictions.map { ($0.questionID, $0.answer) },
                        uniquingKeysWith: { first, _ in first }))
            } catch let error as EvaluationError {
                throw DatasetFileError(file: file, problem: "\(error)")
            }
        }
        try self.init(sides[0], sides[1], QuestionsByID(dataset, split))
    }
}

/// Two sets of answers without a question that both answer.
public struct NothingInCommonError: Error, Sendable, CustomStringConvertible {
    /// What the first set is called.
    public let first: String
    /// What the second set is called.
    public let second: String
    /// One line.
    public var description: String {
        "expected questions that \(first) and \(second) both answer, found none"
    }
}
