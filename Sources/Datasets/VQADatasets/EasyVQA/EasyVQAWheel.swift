import Archives
import Foundation

/// What the easy-VQA wheel holds: `easy_vqa/data/{train,test}/questions.json`, a list of
/// [question, answer, picture's number], and `easy_vqa/data/{train,test}/images/<number>.png`.
enum EasyVQAWheel {
    enum Part: CaseIterable {
        case training
        case test

        /// Where its entries are in the wheel.
        var folder: String { self == .training ? "easy_vqa/data/train/" : "easy_vqa/data/test/" }
    }

    struct Question: Equatable {
        var text: String
        var answer: String
        /// The number of the picture it is about.
        var picture: Int64
        /// Which of the questions about that picture it is, from 0.
        var numberInPicture: Int64 = 0
    }

    /// One part of the dataset. Each question's picture is among the pictures.
    struct Content {
        let part: Part
        let pictures: Set<Int64>
        let questions: [Question]
    }

    /// Picture numbers are smaller than this (1.0 has 4,000).
    static let pictureNumberLimit: Int64 = 1_000_000
    /// There are fewer questions about a picture than this (1.0 has 21).
    static let questionsPerPictureLimit: Int64 = 1_000

    private static let questionsByteLimit = 64 << 20
    private static let pictureByteLimit = 1 << 20

    /// Goes through a wheel once, and hands over each picture's PNG file with its part and number.
    ///
    /// - Returns: both parts.
    /// - Throws: `ArchiveError` when the file is no archive or damaged, `EasyVQAError` when it is not an
    ///   easy-VQA wheel, and what `handlePicture` throws.
    static func read(
        _ wheel: String, handlePicture: (Part, Int64, [UInt8]) throws -> Void
    ) throws -> [Content] {
        var pictures: [Part: Set<Int64>] = [:]
        var questions: [Part: [Question]] = [:]
        let reader = try ArchiveReader(path: wheel)
        while let entry = try reader.nextEntry() {
            guard let part = Part.allCases.first(where: { entry.path.hasPrefix($0.folder) }) else { continue }
            let name = entry.path.dropFirst(part.folder.count)
            if name == "questions.json" {
                let bytes = try reader.readContents(byteLimit: questionsByteLimit)
                questions[part] = try parseQuestions(bytes, wheel: wheel, entry: entry.path)
            } else if name.hasPrefix("images/"), name.hasSuffix(".png") {
                let number = try pictureNumber(name, wheel: wheel)
                try handlePicture(part, number, reader.readContents(byteLimit: pictureByteLimit))
                pictures[part, default: []].insert(number)
            }
        }
        return try Part.allCases.map { part in
            guard let questions = questions[part] else {
                throw EasyVQAError(
                    path: wheel, expected: "the easy-vqa wheel, with an entry \(part.folder)questions.json",
                    found: "no such entry")
            }
            let content = Content(part: part, pictures: pictures[part, default: []], questions: questions)
            try checkPictures(of: content, wheel: wheel)
            return content
        }
    }

    private static func checkPictures(of content: Content, wheel: String) throws {
        guard let orphan = content.questions.first(where: { !content.pictures.contains($0.picture) }) else {
            return
        }
        throw EasyVQAError(
            path: wheel, expected: "an entry \(content.part.folder)images/\(orphan.picture).png",
            found: "only a question about it, '\(orphan.text)'")
    }

    private static func pictureNumber(_ name: Substring, wheel: String) throws -> Int64 {
        let digits = name.dropFirst("images/".count).dropLast(".png".count)
        guard let number = Int64(digits), 0..<pictureNumberLimit ~= number else {
            throw EasyVQAError(
                path: wheel, expected: "pictures named 0.png to \(pictureNumberLimit - 1).png",
                found: "'\(name)'")
        }
        return number
    }

    private static func parseQuestions(_ bytes: [UInt8], wheel: String, entry: String) throws -> [Question] {
        var questions: [Question]
        do {
            questions = try JSONDecoder().decode([Question].self, from: Data(bytes))
        } catch {
            throw EasyVQAError(
                path: wheel, expected: "a list of [question, answer, picture's number] in \(entry)",
                found: error.localizedDescription)
        }
        var counts: [Int64: Int64] = [:]
        for index in questions.indices {
            let picture = questions[index].picture
            questions[index].numberInPicture = counts[picture, default: 0]
            counts[picture, default: 0] += 1
        }
        if let (picture, count) = counts.first(where: { $0.value > questionsPerPictureLimit }) {
            throw EasyVQAError(
                path: wheel, expected: "at most \(questionsPerPictureLimit) questions about a picture",
                found: "\(count) about picture \(picture) in \(entry)")
        }
        return questions
    }
}

extension EasyVQAWheel.Question: Decodable {
    init(from decoder: any Decoder) throws {
        var values = try decoder.unkeyedContainer()
        text = try values.decode(String.self)
        answer = try values.decode(String.self)
        picture = try values.decode(Int64.self)
    }
}
