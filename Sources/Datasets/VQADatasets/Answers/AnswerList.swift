import FileSystem
import Foundation
import TextFiles

/// The answers a model chooses from, each with its number: the number of its logit.
public struct AnswerList: Sendable {
    let index: StringIndex

    /// The most frequent answers of annotation files, in order of first appearance: the normal forms of
    /// `multiple_choice_answer` (`AnswerNormalizer`) that are seen more often than the threshold.
    ///
    /// - Parameters:
    ///   - tables: the annotations, in the order that numbers the answers; the official release takes
    ///     `OfficialLayout/answerSplits`, which gives 3,129 answers on VQA-v2.
    ///   - threshold: how often an answer may be seen and still be left out.
    public init(annotations tables: [AnnotationTable], seenMoreThan threshold: Int = 8) {
        var seen = StringIndex()
        var counts: [Int] = []
        for table in tables {
            var numbers = ComputedOncePerString<Int32>(table.strings)
            for answer in table.multipleChoiceAnswers {
                let number = Int(
                    numbers.value(of: answer) { seen.intern(AnswerNormalizer.normalize($0)[...]) })
                if number == counts.count { counts.append(0) }
                counts[number] += 1
            }
        }
        var index = StringIndex()
        for (number, count) in counts.enumerated() where count > threshold {
            _ = index.intern(seen.strings[number])
        }
        self.index = index
    }

    /// A list of answers that differ.
    init(index: StringIndex) { self.index = index }

    /// A list that was saved: its ``answers``.
    ///
    /// - Throws: ``AnswerListError`` where an answer comes twice.
    public init(answers: [String]) throws {
        var index = StringIndex()
        for (position, answer) in answers.enumerated() where index.intern(answer) != position {
            throw AnswerListError.duplicateAnswer(answer)
        }
        self.index = index
    }

    /// Reads a list in the form of the official release: `[{answer: number}, {"number": answer}]`.
    ///
    /// - Throws: `DatasetFileError` where the file cannot be read, is not of this form, or its two
    ///   halves do not number the same answers 0, 1, 2, ...
    public init(contentsOf file: URL) throws {
        do {
            let contents = try SmallFile.contents(of: file.path, byteLimit: Self.byteLimit)
            let halves = try JSONDecoder().decode(OfficialAnswerFile.self, from: contents)
            try self.init(answers: halves.answersInOrder())
        } catch let error as AnswerListError {
            throw DatasetFileError(file: file, problem: error.description)
        } catch let error as SmallFileError {
            throw DatasetFileError(file: file, problem: "\(error): it is no answer list")
        } catch let error as DecodingError {
            throw DatasetFileError(
                file: file,
                problem: "is not an answer list, [{answer: number}, {\"number\": answer}]: \(error.reason)")
        } catch {
            throw DatasetFileError(file: file, problem: "cannot be read", cause: error)
        }
    }

    /// VQA-v2's list of 3,129 answers has 120 KB.
    private static let byteLimit = 64 << 20

    /// Writes the list in the form of the official release, whole or not at all.
    ///
    /// - Throws: `DatasetFileError` where it cannot be written.
    public func write(to file: URL) throws {
        var text = JSONText()
        text.append("[{")
        for (number, answer) in answers.enumerated() {
            if number > 0 { text.append(", ") }
            text.append(quoting: answer)
            text.append(": \(number)")
        }
        text.append("}, {")
        for (number, answer) in answers.enumerated() {
            if number > 0 { text.append(", ") }
            text.append("\"\(number)\": ")
            text.append(quoting: answer)
        }
        text.append("}]")
        try text.write(to: file)
    }

    /// How many answers there are.
    public var count: Int { index.count }

    /// All answers in the order of their numbers.
    public var answers: [String] { (0..<count).map { index.strings[$0] } }

    /// The answer of a number below ``count``.
    public subscript(answer: AnswerIndex) -> String {
        index.strings[Int(answer.rawValue)]
    }

    /// The number of an answer in normal form, or nil where the list lacks it.
    public func index(of answer: String) -> AnswerIndex? {
        index.number(of: answer).map(AnswerIndex.init(rawValue:))
    }

    /// Whether all answers of another list are among these; not where that has none.
    func hasAll(of other: AnswerList) -> Bool {
        other.count > 0
            && (0..<other.count).allSatisfy { index.number(of: other.index.strings.bytes(of: $0)) != nil }
    }

    func index(of answer: ArraySlice<UInt8>) -> AnswerIndex? {
        index.number(of: answer).map(AnswerIndex.init(rawValue:))
    }
}

/// A list of answers that cannot be one.
public enum AnswerListError: Error, Sendable, Equatable, CustomStringConvertible {
    /// An answer is in the list more than once.
    case duplicateAnswer(String)
    /// The halves of an official file have different counts.
    case unequalHalves(numberOfAnswer: Int, answerOfNumber: Int)
    /// The second half of an official file has no answer of this number.
    case missingNumber(Int)
    /// The first half of an official file gives an answer another number than the second.
    case contradictoryNumbers(answer: String, number: Int)

    /// The error in one line.
    public var description: String {
        switch self {
        case .duplicateAnswer(let answer):
            "the answer list has '\(answer)' twice"
        case .unequalHalves(let numberOfAnswer, let answerOfNumber):
            "the answer list numbers \(numberOfAnswer) answers but names \(answerOfNumber) numbers"
        case .missingNumber(let number):
            "the answer list has no answer of number \(number)"
        case .contradictoryNumbers(let answer, let number):
            "the answer list names '\(answer)' for number \(number), but numbers it otherwise"
        }
    }
}

/// `[{answer: number}, {"number": answer}]`
private struct OfficialAnswerFile: Decodable {
    let numberOfAnswer: [String: Int]
    let answerOfNumber: [String: String]

    init(from decoder: any Decoder) throws {
        var halves = try decoder.unkeyedContainer()
        numberOfAnswer = try halves.decode([String: Int].self)
        answerOfNumber = try halves.decode([String: String].self)
        guard halves.isAtEnd else {
            throw DecodingError.dataCorruptedError(in: halves, debugDescription: "more than two objects")
        }
    }

    /// The answers as the second half has them. The first is only held against it: its keys lose answers
    /// that differ in nothing but how Unicode composes a letter, which Swift takes for the same and Python
    /// does not.
    func answersInOrder() throws -> [String] {
        let lost = Set(answerOfNumber.values.map { Array($0.utf8) }).count - Set(answerOfNumber.values).count
        guard numberOfAnswer.count == answerOfNumber.count - lost else {
            throw AnswerListError.unequalHalves(
                numberOfAnswer: numberOfAnswer.count, answerOfNumber: answerOfNumber.count)
        }
        return try (0..<answerOfNumber.count).map { number in
            guard let answer = answerOfNumber[String(number)] else {
                throw AnswerListError.missingNumber(number)
            }
            guard let stated = numberOfAnswer[answer], stated == number || isTwin(of: answer, number: stated)
            else {
                throw AnswerListError.contradictoryNumbers(answer: answer, number: number)
            }
            return answer
        }
    }

    /// Whether a number's answer is the same for Swift, and another one for Python.
    private func isTwin(of answer: String, number: Int) -> Bool {
        guard let other = answerOfNumber[String(number)] else { return false }
        return other == answer && !other.utf8.elementsEqual(answer.utf8)
    }
}

extension DecodingError {
    /// What the decoder stumbled over, in one line.
    var reason: String {
        switch self {
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context),
            .dataCorrupted(let context):
            context.debugDescription
        @unknown default: localizedDescription
        }
    }
}
