import Archives
import VQAFeatures

/// Writes a question or annotation file in VQA-v2's form record by record, whole or not at all.
final class OfficialFileWriter {
    private let file: AtomicFile
    private let records: VQAv2File.Records
    private var text = JSONText()
    private var count = 0

    /// How much is kept in memory before it is written.
    private static let bufferByteCount = 1 << 20

    /// - Throws: `ArchiveError` where the file cannot be made.
    init(_ records: VQAv2File.Records, path: String, head: OfficialFileHead) throws {
        self.records = records
        file = try AtomicFile(path: path)
        text.append("{\"info\": {\"description\": ")
        text.append(quoting: head.description)
        text.append(", \"version\": \"2.0\"}, \"task_type\": \"Open-Ended\", \"data_type\": \"mscoco\", ")
        text.append("\"data_subtype\": ")
        text.append(quoting: head.dataSubtype)
        if let license = head.license {
            text.append(", \"license\": {\"name\": ")
            text.append(quoting: license.name)
            text.append(", \"url\": ")
            text.append(quoting: license.url)
            text.append("}")
        }
        text.append(", \"\(records.rawValue)\": [")
    }

    /// Appends a question.
    ///
    /// - Throws: `ArchiveError` where it cannot be written.
    func write(_ question: OfficialQuestion) throws {
        begin()
        text.append("{\"image_id\": ")
        text.append(question.imageID)
        text.append(", \"question\": ")
        text.append(quoting: question.question)
        text.append(", \"question_id\": ")
        text.append(question.questionID)
        text.append("}")
        try flush(above: Self.bufferByteCount)
    }

    /// Appends an annotation.
    ///
    /// - Throws: `ArchiveError` where it cannot be written.
    func write(_ annotation: OfficialAnnotation) throws {
        begin()
        text.append("{\"question_type\": ")
        text.append(quoting: annotation.questionType)
        text.append(", \"multiple_choice_answer\": ")
        text.append(quoting: annotation.multipleChoiceAnswer)
        text.append(", \"answers\": [")
        for (place, answer) in annotation.answers.enumerated() {
            if place > 0 { text.append(", ") }
            text.append("{\"answer\": ")
            text.append(quoting: answer)
            text.append(", \"answer_confidence\": \"yes\", \"answer_id\": \(place + 1)}")
        }
        text.append("], \"image_id\": ")
        text.append(annotation.imageID)
        text.append(", \"answer_type\": ")
        text.append(quoting: annotation.answerType)
        text.append(", \"question_id\": ")
        text.append(annotation.questionID)
        text.append("}")
        try flush(above: Self.bufferByteCount)
    }

    /// Puts the file in its place.
    ///
    /// - Throws: `ArchiveError` where that fails; what was there before is then as it was.
    func commit() throws {
        text.append("]}\n")
        try flush(above: 0)
        try file.commit()
    }

    private func begin() {
        if count > 0 { text.append(", ") }
        count += 1
    }

    private func flush(above byteCount: Int) throws {
        guard text.bytes.count > byteCount else { return }
        try file.write(text.bytes)
        text = JSONText()
    }
}
