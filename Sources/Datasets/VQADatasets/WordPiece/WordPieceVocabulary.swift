import Foundation
import TextFiles

/// The lines of a `vocab.txt`, each a token.
///
/// Tokens are compared as bytes: as Swift's strings, two that Unicode calls equal would be one.
struct WordPieceVocabulary: Sendable {
    /// The token that stands for words which cannot be put together from tokens.
    let unknown: Int32
    /// The token that begins a question.
    let start: Int32
    /// The token that ends a question.
    let end: Int32
    /// How many scalars the longest token has.
    let longestToken: Int

    private let specials: [(text: [Unicode.Scalar], id: Int32)]
    private let lines: StringColumn
    private let index: StringIndex
    /// The last line of each token of the index.
    private let lastLines: [Int32]

    /// Reads the file.
    ///
    /// - Throws: `DatasetFileError` where it cannot be read, is too long, is not UTF-8, or lacks a special token.
    init(contentsOf file: URL) throws {
        var tokens: [String] = []
        for (number, line) in try VocabularyFile.lines(of: file).enumerated() {
            guard let token = String(validating: line, as: UTF8.self) else {
                throw DatasetFileError(
                    file: file, location: .line(number + 1),
                    problem: "expected a token in UTF-8, found other bytes: it is no vocab.txt")
            }
            tokens.append(token)
        }
        do {
            try self.init(tokens: tokens)
        } catch {
            throw DatasetFileError(
                file: file,
                problem: "\(error): take the vocab.txt that was published with the model")
        }
    }

    /// - Parameter tokens: The tokens in the order of their ids.
    /// - Throws: ``VocabularyError`` where a special token is missing.
    init(tokens: [String]) throws(VocabularyError) {
        var (lines, index, lastLines, longest) = (StringColumn(), StringIndex(), [Int32](), 0)
        for (number, token) in zip(Int32(0)..., tokens) {
            let line = Array(token.utf8)[...]
            lines.append(line)
            longest = max(longest, token.unicodeScalars.count)
            let place = Int(index.intern(line))
            // Of a token that comes twice the last line counts, as in a dictionary of Python's.
            if place < lastLines.count { lastLines[place] = number } else { lastLines.append(number) }
        }
        func id(_ special: SpecialToken) throws(VocabularyError) -> Int32 {
            guard let place = index.number(of: special.rawValue) else {
                throw .missingSpecialToken(special.rawValue, among: tokens.count)
            }
            return lastLines[Int(place)]
        }
        var specials: [(text: [Unicode.Scalar], id: Int32)] = []
        for special in SpecialToken.allCases {
            specials.append((Array(special.rawValue.unicodeScalars), try id(special)))
        }
        self.specials = specials
        (unknown, start, end) = (try id(.unknown), try id(.start), try id(.end))
        (self.lines, self.index, self.lastLines, longestToken) = (lines, index, lastLines, longest)
    }

    /// The tokens in the order of their ids.
    var tokens: [String] { (0..<count).map { lines[$0] } }

    /// Tells vocabularies apart.
    var checksum: String { lines.checksum }

    /// How many lines there are.
    var count: Int { lines.count }

    /// The token of an id.
    func token(_ id: Int32) -> String { lines[Int(id)] }

    /// The id of a token in UTF-8; nil where it is none.
    func id(of token: ArraySlice<UInt8>) -> Int32? { index.number(of: token).map { lastLines[Int($0)] } }

    /// The special token that stands at a position of a text, and how many scalars it has.
    func special(at position: Int, in text: [Unicode.Scalar]) -> (id: Int32, length: Int)? {
        guard text[position] == SpecialToken.firstScalar else { return nil }
        return specials.first { text[position...].starts(with: $0.text) }.map { ($0.id, $0.text.count) }
    }
}

/// Tokens that are no words.
enum SpecialToken: String, CaseIterable {
    case padding = "[PAD]"
    case unknown = "[UNK]"
    case start = "[CLS]"
    case end = "[SEP]"
    case mask = "[MASK]"

    /// What all of them begin with.
    static let firstScalar: Unicode.Scalar = "["
}
