import CVQAJSON
import Foundation
import VQAFeatures

/// A question about an image.
public struct Question: Sendable, Equatable {
    /// The question's number or name.
    public let id: QuestionID
    /// The image that is asked about.
    public let imageID: ImageID
    /// The question as it was asked.
    public let text: String

    /// A question of these values.
    public init(id: QuestionID, imageID: ImageID, text: String) {
        self.id = id
        self.imageID = imageID
        self.text = text
    }
}

/// The questions of one file, in the order of the file, kept as columns.
///
/// The file has the VQA-v2 form:
/// `{"questions": [{"question_id": int, "image_id": int, "question": str}, ...], ...}`. Ids may be texts too, and
/// whole numbers written with a point (`39318.0`).
/// A question is looked up by its row (`table[3]`) or by its id (``row(of:)``).
public struct QuestionTable: Sendable, RandomAccessCollection {
    /// The question ids, one a row.
    public let ids: [QuestionID]
    /// The ids of the images asked about, one a row.
    public let imageIDs: [ImageID]
    let texts: StringColumn
    let rows: RowIndex

    /// Reads a question file.
    ///
    /// - Throws: `DatasetFileError` where the file cannot be read, is not of this form, or gives two
    ///   questions the same id.
    public init(contentsOf file: URL) throws {
        (ids, imageIDs, texts) = try readColumns(of: file, with: vqa_questions_read, into: VQAQuestions()) {
            let identifiers = FileIdentifiers($0.id_texts)
            return (
                identifiers.column($0.question_ids, count: $0.count),
                identifiers.column($0.image_ids, count: $0.count), StringColumn($0.texts)
            )
        }
        rows = try RowIndex(of: ids, in: file, name: "questions")
    }

    /// A table of given questions.
    ///
    /// - Throws: ``DuplicateQuestionError`` where two questions have the same id.
    public init(_ questions: some Sequence<Question>) throws {
        let questions = Array(questions)
        ids = questions.map(\.id)
        imageIDs = questions.map(\.imageID)
        texts = questions.reduce(into: StringColumn()) { $0.append($1.text.utf8) }
        rows = try RowIndex(of: ids)
    }

    /// The first row: 0.
    public var startIndex: Int { 0 }
    /// The count of rows.
    public var endIndex: Int { ids.count }

    /// The question of a row.
    public subscript(row: Int) -> Question {
        Question(id: ids[row], imageID: imageIDs[row], text: texts[row])
    }

    /// The row of a question, or nil where the table does not have it.
    public func row(of id: QuestionID) -> Int? {
        rows[id]
    }
}

/// Two questions, annotations or predictions with the same question id where there may be only one.
public struct DuplicateQuestionError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The number of the question.
    public let id: QuestionID
    /// The two rows that have it, from 0.
    public let rows: [Int]

    /// The error in one line.
    public var description: String {
        "question id \(id) appears twice, in rows \(rows.map(String.init).joined(separator: " and "))"
    }
}
