import Foundation
import TextFiles
import VQAFeatures

/// Visual Genome's questions and annotations in VQA-v2's form, written as they come.
final class VisualGenomeOutput {
    private let path: String
    private let questions: OfficialFileWriter
    private let annotations: OfficialFileWriter
    private var ids: Set<Int64> = []

    /// Visual Genome's ids are below this, and with it added beyond all of VQA-v2's, which are some 10^9 at most.
    private static let idOffset: Int64 = 1_000_000_000_000

    /// Files that appear when all is written.
    ///
    /// - Throws: `ArchiveError` where they cannot be made.
    init(questions: URL, annotations: URL) throws {
        let head = OfficialFileHead(
            description: "Visual Genome's questions about pictures of COCO", dataSubtype: "vg", license: nil)
        path = questions.path
        self.questions = try OfficialFileWriter(.questions, path: questions.path, head: head)
        self.annotations = try OfficialFileWriter(.annotations, path: annotations.path, head: head)
    }

    /// Adds a question and its annotation.
    ///
    /// - Returns: Whether it was added; false where a question of this id was before.
    /// - Throws: `DatasetFileError` where the id is none of Visual Genome's; `ArchiveError`, a full disk included.
    func write(id: Int64, image: Int64, _ question: String, _ answer: String) throws -> Bool {
        guard 0..<Self.idOffset ~= id else {
            throw DatasetFileError(
                file: URL(fileURLWithPath: path),
                problem: "expected qa_id from 0 to \(Self.idOffset - 1), found \(id)")
        }
        guard ids.insert(id).inserted else { return false }
        let (image, id) = (ImageID(rawValue: image), QuestionID(rawValue: id + Self.idOffset))
        try questions.write(OfficialQuestion(imageID: image, question: question, questionID: id))
        try annotations.write(
            OfficialAnnotation(question: question, answers: [answer], imageID: image, questionID: id))
        return true
    }

    /// Puts both files in their places.
    ///
    /// - Throws: `ArchiveError`, a full disk included.
    func commit() throws {
        try questions.commit()
        try annotations.commit()
    }
}
