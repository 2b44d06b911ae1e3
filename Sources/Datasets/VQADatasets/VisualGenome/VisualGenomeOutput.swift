import Archives
import Foundation
import TextFiles
import VQAFeatures

/// Visual Genome's questions and annotations in VQA-v2's form, written as they come.
final class VisualGenomeOutput {
    private let files: (questions: AtomicFile, annotations: AtomicFile)
    private var questions = JSONText()
    private var annotations = JSONText()
    private var ids: Set<Int64> = []

    /// Visual Genome's ids are below this, and with it added beyond all of VQA-v2's, which are some 10^9 at most.
    private static let idOffset: Int64 = 1_000_000_000_000
    /// What is handed to the system at once.
    private static let chunkByteCount = 1 << 20

    /// Files that appear when all is written.
    ///
    /// - Throws: `ArchiveError` where they cannot be made.
    init(questions: URL, annotations: URL) throws {
        files = (try AtomicFile(path: questions.path), try AtomicFile(path: annotations.path))
        self.questions.append("{\"questions\": [")
        self.annotations.append("{\"annotations\": [")
    }

    /// Adds a question and its annotation.
    ///
    /// - Returns: Whether it was added; false where a question of this id was before.
    /// - Throws: `DatasetFileError` where the id is none of Visual Genome's; `ArchiveError`, a full disk included.
    func write(id: Int64, image: Int64, _ question: String, _ answer: String) throws -> Bool {
        guard 0..<Self.idOffset ~= id else {
            throw DatasetFileError(
                file: URL(fileURLWithPath: files.questions.path),
                problem: "expected qa_id from 0 to \(Self.idOffset - 1), found \(id)")
        }
        guard ids.insert(id).inserted else { return false }
        if ids.count > 1 {
            questions.append(", ")
            annotations.append(", ")
        }
        let identity = "\"image_id\": \(image), \"question_id\": \(id + Self.idOffset)"
        questions.append("{\(identity), \"question\": ")
        questions.append(quoting: question)
        questions.append("}")
        var quoted = JSONText()
        quoted.append(quoting: answer)
        append(identity, answer: String(decoding: quoted.bytes, as: UTF8.self), question, answer)
        try questions.move(to: files.questions, atLeast: Self.chunkByteCount)
        try annotations.move(to: files.annotations, atLeast: Self.chunkByteCount)
        return true
    }

    private func append(_ identity: String, answer quoted: String, _ question: String, _ answer: String) {
        annotations.append("{\(identity), \"question_type\": ")
        annotations.append(quoting: OfficialFileRecord.questionType(of: question))
        annotations.append(", \"answer_type\": \"\(OfficialFileRecord.answerType(of: answer))\"")
        annotations.append(", \"multiple_choice_answer\": \(quoted), \"answers\": [")
        for person in 1...10 {
            if person > 1 { annotations.append(", ") }
            annotations.append(
                "{\"answer\": \(quoted), \"answer_confidence\": \"yes\", \"answer_id\": \(person)}")
        }
        annotations.append("]}")
    }

    /// Puts both files in their places.
    ///
    /// - Throws: `ArchiveError`, a full disk included.
    func commit() throws {
        questions.append("]}")
        annotations.append("]}")
        try questions.move(to: files.questions)
        try annotations.move(to: files.annotations)
        try files.questions.commit()
        try files.annotations.commit()
    }
}
