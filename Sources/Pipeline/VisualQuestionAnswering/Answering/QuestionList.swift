import Foundation
import TextFiles
import VQADatasets
import VQAFeatures

/// Questions about pictures in a file of one's own: JSON Lines, an object a line with `id` (a whole number or a text),
/// `question`, and either `picture` or `features`, a path that counts from the file's folder.
///
///     {"id": 1, "picture": "cat.jpg", "question": "What colour is the cat?"}
///     {"id": "b", "features": "cat.npz", "question": "Where is it?"}
struct QuestionList {
    /// The questions, in the order of the lines.
    let table: QuestionTable
    /// Where the features of each image come from.
    let origins: [ImageID: PictureFeatures.Origin]

    /// More lines than fit into memory with what is made of them.
    private static let mostLines = 10_000_000

    private static let blanks = Array(" \t\r".utf8)

    private struct Line: Decodable {
        let id: Identifier
        let question: String
        let picture: String?
        let features: String?
    }

    private struct Identifier: Decodable {
        let value: QuestionID

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let number = try? container.decode(Int64.self) {
                value = QuestionID(rawValue: number)
            } else {
                value = QuestionID(try container.decode(String.self))
            }
        }
    }

    /// Reads a file.
    ///
    /// - Throws: `DatasetFileError` that names the line where one is not of this form, or an id comes twice.
    init(contentsOf file: URL) throws {
        let folder = file.deletingLastPathComponent()
        let reader = try LineReader(file)
        var questions: [Question] = []
        var images: [PictureFeatures.Origin: ImageID] = [:]
        var lines: [QuestionID: Int] = [:]
        while let bytes = try reader.next() {
            guard bytes.contains(where: { !Self.blanks.contains($0) }) else { continue }
            guard questions.count < Self.mostLines else {
                throw reader.failure("expected at most \(Self.mostLines) questions, found more")
            }
            let line = try Self.line(bytes, reader)
            if let other = lines.updateValue(reader.lineNumber, forKey: line.id.value) {
                throw reader.failure(
                    "expected an id of its own, found '\(line.id.value)', which line \(other) has too")
            }
            let origin = try Self.origin(line, folder, reader)
            let image = images[origin] ?? ImageID(rawValue: Int64(images.count))
            images[origin] = image
            questions.append(Question(id: line.id.value, imageID: image, text: line.question))
        }
        guard !questions.isEmpty else {
            throw DatasetFileError(file: file, problem: "expected questions, found none")
        }
        table = try QuestionTable(questions)
        origins = Dictionary(images.map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    }

    private static func line(_ bytes: UnsafeBufferPointer<UInt8>, _ reader: LineReader) throws -> Line {
        do {
            return try JSONDecoder().decode(Line.self, from: Data(bytes))
        } catch let error {
            let problem = (error as? DecodingError)?.whatIsWrong ?? "\(error)"
            throw reader.failure(
                "expected an object with id (a whole number or a text), question, and picture or features, found '"
                    + String(decoding: bytes.prefix(60), as: UTF8.self) + (bytes.count > 60 ? "…'" : "'")
                    + " (\(problem))")
        }
    }

    private static func origin(_ line: Line, _ folder: URL, _ reader: LineReader) throws
        -> PictureFeatures.Origin
    {
        func path(_ name: String) -> String {
            name.hasPrefix("/") ? name : folder.appending(path: name).relativePath
        }
        switch (line.picture, line.features) {
        case (let picture?, nil) where !picture.isEmpty: return .picture(path(picture))
        case (nil, let features?) where !features.isEmpty: return .features(path(features))
        case (nil, nil): throw reader.failure("expected picture or features, found neither")
        case (_?, _?): throw reader.failure("expected one of picture and features, found both")
        default: throw reader.failure("expected a path, found an empty text")
        }
    }
}
