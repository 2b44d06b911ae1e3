import Foundation
import TestSupport
import Testing

@testable import VQADatasets

/// Words as they were written, and what a model reads of each.
@Suite struct WrittenWordsTests {
    private static let pieces = Result {
        Vocabulary(
            pieces: try WordPiece(vocabulary: Fixtures.url("hub/vilt/vocab.txt"), WordPieceSettings()))
    }
    private static let whole = Result {
        try Vocabulary(words: ["PAD", "UNK", "is", "the", "mans", "hat", "red", "blue"])
    }

    private struct Texts: Decodable {
        struct Row: Decodable { let text: String }
        let questions: [Row]
        let table: [Row]
    }

    /// Texts of every kind, those for WordPiece among them.
    private static func texts() throws -> [String] {
        let found = try TextFixtures.decode(Texts.self, from: Fixtures.url("hub/text.json"))
        return (found.questions + found.table).map(\.text) + [
            "", " ", "?", "what", " what\u{b}is\u{c}it ", "a \u{3000}b", "[MASK] is [SEP]it?", "(red)-blue?!",
            "ΟΔΟΣ ΟΔΟΣ?",
            "- / -", "İs  \u{1C}it\u{85}so", "cat\u{301}s e\u{301}?", "«what» 猫色?", "\u{200B} ?",
        ]
    }

    @Test("words are written as the user wrote them, and marks are words where they are read")
    func words() throws {
        let question = " Is the  man's hat (red-blue)?"
        let whole = try Self.whole.get().writtenWords(of: question, maximumCount: 14)
        #expect(whole.map(\.text) == ["Is", "the", "man's", "hat", "(red-blue)?"])
        #expect(whole.map(\.rows) == [0..<1, 1..<2, 2..<3, 3..<4, 4..<6])
        let pieces = try Self.pieces.get().writtenWords(of: question, maximumCount: 40)
        #expect(pieces.map(\.text) == ["Is", "the", "man's", "hat", "(", "red-blue", ")?"])
        #expect(pieces.map(\.rows) == [1..<2, 2..<3, 3..<6, 6..<7, 7..<8, 8..<11, 11..<13])
        let unaffable = try Self.pieces.get().writtenWords(of: "unaffable?", maximumCount: 40)
        #expect(unaffable.map(\.rows) == [1..<4, 4..<5])
        let special = try Self.pieces.get().writtenWords(of: "the [MASK] is", maximumCount: 40)
        #expect(special.map(\.text) == ["the", "[MASK]", "is"] && special.map(\.rows.count) == [1, 1, 1])
    }

    @Test("what the model does not read of a question has no rows")
    func cut() throws {
        let question = "Is the man's hat red-blue?"
        let whole = try Self.whole.get().writtenWords(of: question, maximumCount: 5)
        #expect(whole.map(\.rows) == [0..<1, 1..<2, 2..<3, 3..<4, 4..<5])
        #expect(
            try Self.whole.get().writtenWords(of: question, maximumCount: 2).map(\.rows.count) == [
                1, 1, 0, 0, 0,
            ])
        // Two of the places are those of [CLS] and [SEP].
        let pieces = try Self.pieces.get().writtenWords(of: question, maximumCount: 6)
        #expect(pieces.map(\.rows.count) == [1, 1, 2, 0, 0])
        #expect(
            try Self.pieces.get().writtenWords(of: question, maximumCount: 0).allSatisfy { $0.rows.isEmpty })
        #expect(
            try Self.whole.get().writtenWords(of: "is - the", maximumCount: 5).map(\.rows.count) == [1, 0, 1])
    }

    @Test(
        "together words have all that is read, each once, and a question without one lacks its numbers alone")
    func rows() throws {
        for (vocabulary, specials) in [(try Self.whole.get(), 0), (try Self.pieces.get(), 2)] {
            for text in try Self.texts() {
                let numbers = vocabulary.encode(text, maximumCount: 10_000)
                let words = vocabulary.writtenWords(of: text, maximumCount: 10_000)
                #expect(words.reduce(0) { $0 + $1.rows.count } == numbers.count - specials, "\(text)")
                #expect(zip(words, words.dropFirst()).allSatisfy { $0.rows.upperBound == $1.rows.lowerBound })
                for word in words.prefix(60) {
                    var kept = numbers
                    kept.removeSubrange(word.rows)
                    let without = vocabulary.question(text, without: word)
                    #expect(
                        vocabulary.encode(without, maximumCount: 10_000) == kept,
                        "\(text) without \(word.text)")
                }
            }
        }
    }

    @Test("a question of a million scalars is taken apart in as much time as it is long")
    func long() throws {
        for text in ["a ", "a", "?", "?a"].map({ String(repeating: $0, count: 500_000) }) {
            let words = try Self.pieces.get().writtenWords(of: text, maximumCount: 40)
            #expect(words.reduce(0) { $0 + $1.rows.count } <= 38)
            #expect(!(try Self.whole.get().writtenWords(of: text, maximumCount: 14).isEmpty))
        }
    }
}
