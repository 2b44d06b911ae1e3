import CVQAJSON
import Foundation
import VQAFeatures

/// One of the answers that people gave to a question.
public struct HumanAnswer: Sendable, Hashable {
    /// The answer as it was given.
    public let answer: String
    /// How sure its author was: "yes", "maybe" or "no"; empty where the file does not say.
    public let confidence: String
    /// The number of the answer within its question, from 1 (Visual Genome's are all 1).
    public let answerID: Int32

    /// An answer of these values.
    public init(answer: String, confidence: String, answerID: Int32) {
        self.answer = answer
        self.confidence = confidence
        self.answerID = answerID
    }
}

/// What people answered to one question.
public struct Annotation: Sendable, Equatable {
    /// The question that was answered.
    public let questionID: QuestionID
    /// The image that was asked about.
    public let imageID: ImageID
    /// The first words of the question, for reporting: "how many", "is the", ...
    public let questionType: String
    /// "yes/no", "number" or "other".
    public let answerType: String
    /// The answer given most often.
    public let multipleChoiceAnswer: String
    /// At least one; ten in VQA-v2.
    public let answers: [HumanAnswer]

    /// An annotation of these values.
    public init(
        questionID: QuestionID, imageID: ImageID, questionType: String, answerType: String,
        multipleChoiceAnswer: String, answers: [HumanAnswer]
    ) {
        self.questionID = questionID
        self.imageID = imageID
        self.questionType = questionType
        self.answerType = answerType
        self.multipleChoiceAnswer = multipleChoiceAnswer
        self.answers = answers
    }
}

/// The annotations of one file, in the order of the file, kept as columns.
///
/// The file has the VQA-v2 form: `{"annotations": [{"question_id": int, "image_id": int,
/// "question_type": str, "answer_type": str, "multiple_choice_answer": str,
/// "answers": [{"answer": str, "answer_confidence": str, "answer_id": int}, ...]}, ...], ...}`. Ids may be texts too.
///
/// Files of other datasets, such as OK-VQA's, may leave some of it out. What counts then: for `multiple_choice_answer`
/// the most frequent answer, the first of those that are equally so; for `question_type` "none of the above"; for
/// `answer_type` "other"; for `answer_confidence` nothing; for `answer_id` the answer's place, from 1, so that all answers
/// count as different people's. An answer that is a number is read as it is written: `2` as "2". Other members are passed
/// over.
public struct AnnotationTable: Sendable, RandomAccessCollection {
    /// A ``HumanAnswer`` whose strings are numbers of strings in ``strings``.
    struct AnswerRecord: Sendable, Hashable {
        let answer: Int32
        let confidence: Int32
        let answerID: Int32
    }

    /// The ids of the annotated questions, one a row.
    public let questionIDs: [QuestionID]
    /// The ids of the images asked about, one a row.
    public let imageIDs: [ImageID]
    /// Every different string of the table; the columns below hold numbers of these.
    let strings: StringColumn
    let questionTypes: [Int32]
    let answerTypes: [Int32]
    let multipleChoiceAnswers: [Int32]
    /// The answers of row i are `answers[answerOffsets[i]..<answerOffsets[i + 1]]`.
    let answerOffsets: [Int]
    let answers: [AnswerRecord]
    let rows: RowIndex

    /// Reads an annotation file.
    ///
    /// - Throws: `DatasetFileError` where the file cannot be read, is not of this form, has a record
    ///   without answers, or annotates a question twice.
    public init(contentsOf file: URL) throws {
        let columns = try readColumns(of: file, with: vqa_annotations_read, into: VQAAnnotations()) {
            let identifiers = FileIdentifiers($0.id_texts)
            let answerOffsets = column($0.answer_offsets, count: $0.count + 1) { Int($0) }
            return Columns(
                questionIDs: identifiers.column($0.question_ids, count: $0.count),
                imageIDs: identifiers.column($0.image_ids, count: $0.count),
                questionTypes: column($0.question_types, count: $0.count) { $0 },
                answerTypes: column($0.answer_types, count: $0.count) { $0 },
                multipleChoiceAnswers: column($0.multiple_choice_answers, count: $0.count) { $0 },
                answerOffsets: answerOffsets,
                answers: column($0.answers, count: answerOffsets.last ?? 0) {
                    AnswerRecord(answer: $0.answer, confidence: $0.confidence, answerID: $0.answer_id)
                },
                strings: StringColumn($0.strings))
        }
        self.init(columns, rows: try RowIndex(of: columns.questionIDs, in: file, name: "annotations"))
    }

    /// A table of given annotations.
    ///
    /// - Throws: ``DuplicateQuestionError`` where a question is annotated twice, ``UnansweredError``
    ///   where an annotation has no answers.
    public init(_ annotations: some Sequence<Annotation>) throws {
        var columns = Columns()
        var strings = StringIndex()
        for annotation in annotations {
            guard !annotation.answers.isEmpty else { throw UnansweredError(id: annotation.questionID) }
            columns.questionIDs.append(annotation.questionID)
            columns.imageIDs.append(annotation.imageID)
            columns.questionTypes.append(strings.intern(annotation.questionType))
            columns.answerTypes.append(strings.intern(annotation.answerType))
            columns.multipleChoiceAnswers.append(strings.intern(annotation.multipleChoiceAnswer))
            for answer in annotation.answers {
                columns.answers.append(
                    AnswerRecord(
                        answer: strings.intern(answer.answer), confidence: strings.intern(answer.confidence),
                        answerID: answer.answerID))
            }
            columns.answerOffsets.append(columns.answers.count)
        }
        columns.strings = strings.strings
        self.init(columns, rows: try RowIndex(of: columns.questionIDs))
    }

    private init(_ columns: Columns, rows: RowIndex) {
        questionIDs = columns.questionIDs
        imageIDs = columns.imageIDs
        strings = columns.strings
        questionTypes = columns.questionTypes
        answerTypes = columns.answerTypes
        multipleChoiceAnswers = columns.multipleChoiceAnswers
        answerOffsets = columns.answerOffsets
        answers = columns.answers
        self.rows = rows
    }

    /// The first row: 0.
    public var startIndex: Int { 0 }
    /// The count of rows.
    public var endIndex: Int { questionIDs.count }

    /// The annotation of a row.
    public subscript(row: Int) -> Annotation {
        Annotation(
            questionID: questionIDs[row], imageID: imageIDs[row],
            questionType: strings[Int(questionTypes[row])], answerType: strings[Int(answerTypes[row])],
            multipleChoiceAnswer: strings[Int(multipleChoiceAnswers[row])],
            answers: answers[answerRange(of: row)].map {
                HumanAnswer(
                    answer: strings[Int($0.answer)], confidence: strings[Int($0.confidence)],
                    answerID: $0.answerID)
            })
    }

    /// The row of a question's annotation, or nil where it is not annotated.
    public func row(of id: QuestionID) -> Int? {
        rows[id]
    }

    /// Where the answers of a row lie in ``answers``.
    func answerRange(of row: Int) -> Range<Int> {
        answerOffsets[row]..<answerOffsets[row + 1]
    }

    /// For each annotation, in order, the row of its question.
    ///
    /// - Throws: ``MissingQuestionsError`` where `questions` lacks some.
    public func questionRows(in questions: QuestionTable) throws -> [Int] {
        try questionRows(questions.row(of:))
    }

    /// For each annotation, in order, the row that `row` finds for its question.
    ///
    /// - Throws: ``MissingQuestionsError`` where it finds none.
    func questionRows(_ row: (QuestionID) -> Int?) throws -> [Int] {
        let found = questionIDs.compactMap(row)
        guard found.count == count else {
            throw MissingQuestionsError(ids: questionIDs.filter { row($0) == nil })
        }
        return found
    }
}

extension AnnotationTable {
    fileprivate struct Columns {
        var questionIDs: [QuestionID] = []
        var imageIDs: [ImageID] = []
        var questionTypes: [Int32] = []
        var answerTypes: [Int32] = []
        var multipleChoiceAnswers: [Int32] = []
        var answerOffsets = [0]
        var answers: [AnswerRecord] = []
        var strings = StringColumn()
    }
}

/// An annotation without answers, which no score could be computed from.
public struct UnansweredError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The question that has no answers.
    public let id: QuestionID

    /// The error in one line.
    public var description: String { "the annotation of question \(id) has no answers" }
}

/// Annotations whose questions are not there.
public struct MissingQuestionsError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The ids that were looked for and not found.
    public let ids: [QuestionID]

    /// The error in one line.
    public var description: String {
        "\(ids.count) annotations have no question: question ids \(ids.listed())"
    }
}

extension Collection where Element == QuestionID {
    /// The first few ids, for messages: "3, 5, 8, ...".
    func listed() -> String {
        let shown = prefix(5).map(\.description).joined(separator: ", ")
        return count > 5 ? shown + ", ..." : shown
    }
}
