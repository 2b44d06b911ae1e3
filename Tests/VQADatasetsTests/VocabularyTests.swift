import Foundation
import Testing
@testable import VQADatasets

@Suite struct VocabularyTests {
    private func vocabulary() throws -> Vocabulary {
        Vocabulary(questions: try OfficialLayout.vocabularySplits.map(TextFixtures.questions))
    }

    private func questions(_ texts: String...) throws -> QuestionTable {
        try QuestionTable(
            texts.enumerated().map {
                Question(id: .init(rawValue: Int64($0)), imageID: .init(rawValue: 0), text: $1)
            })
    }

    @Test(
        "a question is split into words as the official release does",
        arguments: [
            (
                "Does this bench's photo look old/new?",
                ["does", "this", "benchs", "photo", "look", "old", "new"]
            ),
            (
                "pre-war (in the picture); is it #1: \"A\"*!",
                ["pre", "war", "in", "the", "picture", "is", "it", "1", "a"]
            ),
            (" \t two\nlines\r\u{B}and\u{1F}more ", ["two", "lines", "and", "more"]),
            ("50% of [x] & y_z", ["50%", "of", "[x]", "&", "y_z"]),
            ("?!", []),
            ("", []),
            ("Is the CAFÉ\u{A0}naïve\u{3000}ÀÈ—x?", ["is", "the", "café", "naïve", "àè—x"]),
            ("İstanbul ΟΔΟΣ ΣΑΣ Σ", ["i\u{307}stanbul", "οδος", "σας", "σ"]),
        ])
    func splitsWords(question: String, words: [String]) {
        // Compared as scalars: String's equality would take a letter and its decomposed form as one.
        let found = QuestionTokenizer.words(in: question).map { Array($0.unicodeScalars) }
        #expect(found == words.map { Array($0.unicodeScalars) })
    }

    @Test("the vocabulary over train, val, test and vg is the official release's")
    func equalsOfficial() throws {
        let expected = try TextFixtures.decode(
            [String: Int32].self, from: TextFixtures.mini.appending(path: "expected/tokens.json"))
        let vocabulary = try vocabulary()
        let numbers = Dictionary(uniqueKeysWithValues: zip(vocabulary.words, Int32(0)...))
        #expect(numbers == expected)
    }

    @Test("words are encoded as their numbers, unknown ones as UNK, and only as many as asked for")
    func encodes() throws {
        let vocabulary = try Vocabulary(words: ["PAD", "UNK", "is", "it", "café"])
        #expect(vocabulary.encode("It is flumox, is it? CAFÉ", maximumCount: 16) == [3, 2, 1, 2, 3, 4])
        #expect(vocabulary.encode("It is flumox, is it?", maximumCount: 2) == [3, 2])
        #expect(vocabulary.encode("", maximumCount: 16) == [])
        #expect(vocabulary.number(of: "café") == 4)
        #expect(vocabulary.number(of: "flumox") == nil)
    }

    @Test("a table of questions is encoded as its questions one by one, packed")
    func encodesTables() throws {
        let vocabulary = try vocabulary()
        let questions = try questions("What color is the kite?", "", "xyzzy kite")
        let encoded = vocabulary.encode(questions, maximumCount: 3)
        #expect(encoded.count == 3)
        #expect(encoded.offsets == [0, 3, 3, 5])
        for row in 0..<3 {
            #expect(Array(encoded[row]) == vocabulary.encode(questions[row].text, maximumCount: 3))
        }
    }

    @Test("a vocabulary made again from its words is the same")
    func restores() throws {
        let vocabulary = try vocabulary()
        let restored = try Vocabulary(words: vocabulary.words)
        #expect(restored.words == vocabulary.words)
        #expect(restored.number(of: "kite") == vocabulary.number(of: "kite"))
    }

    @Test("a large vocabulary keeps every word apart")
    func growsLarge() throws {
        let words = Vocabulary.reservedWords + (0..<5000).map { "w\($0)" }
        let vocabulary = try Vocabulary(words: words)
        #expect(vocabulary.count == 5002)
        for (number, word) in words.enumerated() { #expect(vocabulary.number(of: word) == Int32(number)) }
    }

    @Test("a word list without PAD and UNK, or with a word twice, is an error")
    func refusesWrongLists() {
        #expect(throws: VocabularyError.missingReservedWords(found: ["UNK", "PAD"])) {
            try Vocabulary(words: ["UNK", "PAD", "is"])
        }
        #expect(throws: VocabularyError.missingReservedWords(found: [])) { try Vocabulary(words: []) }
        #expect(throws: VocabularyError.duplicateWord("is")) {
            try Vocabulary(words: ["PAD", "UNK", "is", "is"])
        }
    }
}
