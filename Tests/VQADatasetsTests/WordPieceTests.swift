import Foundation
import TestSupport
import Testing
import TextFiles
@testable import VQADatasets

/// Questions as ids, held against those that transformers' tokenizers give.
@Suite struct WordPieceTests {
    private static let vocabulary = Fixtures.url("hub/vilt/vocab.txt")

    /// What a file of fixtures says of a text.
    private struct Row: Decodable {
        let text: String
        let ids: [Int32]
        let pieces: [String]?
        let idsOfViLT: [Int32]?
        let idsOfLXMERT: [Int32]?

        private enum CodingKeys: String, CodingKey {
            case text, ids, pieces
            case idsOfViLT = "ids_vilt"
            case idsOfLXMERT = "ids_lxmert"
        }
    }

    private struct Texts: Decodable {
        let questions: [Row]
        let table: [Row]
        let casedTable: [Row]

        private enum CodingKeys: String, CodingKey {
            case questions, table
            case casedTable = "table_cased"
        }

        static func read() throws -> Texts {
            try TextFixtures.decode(Texts.self, from: Fixtures.url("hub/text.json"))
        }
    }

    private static func wordPiece(_ settings: WordPieceSettings = WordPieceSettings()) throws -> WordPiece {
        try WordPiece(vocabulary: vocabulary, settings)
    }

    /// The ids of a text with these tokens alone as the vocabulary, behind the special ones: 5 is the first.
    private static func ids(
        of text: String, tokens: [String], _ settings: WordPieceSettings = WordPieceSettings()
    ) throws -> [Int32] {
        let lines = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + tokens
        return try withFile(lines.joined(separator: "\n") + "\n") { file in
            let wordPiece = try WordPiece(vocabulary: file, settings)
            return Array(wordPiece.ids(of: text, limit: 1000).ids.dropFirst().dropLast())
        }
    }

    @Test("questions have the ids of transformers, whole and cut to what ViLT and LXMERT take")
    func questions() throws {
        let wordPiece = try Self.wordPiece()
        let rows = try Texts.read().questions
        #expect(rows.count == 6)
        for row in rows {
            #expect(wordPiece.ids(of: row.text, limit: .max) == (row.ids, false), "\(row.text)")
            #expect(wordPiece.pieces(of: row.text, limit: .max) == row.pieces, "\(row.text)")
            for (limit, expected) in [(40, row.idsOfViLT), (20, row.idsOfLXMERT)] {
                let found = wordPiece.ids(of: row.text, limit: limit)
                #expect(found.ids == expected, "\(row.text)")
                #expect(found.isCut == (row.ids.count > limit), "\(row.text)")
            }
        }
    }

    @Test("texts of every kind have the ids of transformers")
    func texts() throws {
        let wordPiece = try Self.wordPiece()
        let rows = try Texts.read().table
        #expect(rows.count == 86)
        for row in rows {
            #expect(wordPiece.ids(of: row.text, limit: .max).ids == row.ids, "\(row.text.debugDescription)")
        }
    }

    @Test("texts that are not brought to lower case have the ids of transformers")
    func casedTexts() throws {
        let wordPiece = try Self.wordPiece(WordPieceSettings(isLowercasing: false))
        let rows = try Texts.read().casedTable
        #expect(rows.count == 10)
        for row in rows {
            #expect(wordPiece.ids(of: row.text, limit: .max).ids == row.ids, "\(row.text.debugDescription)")
        }
    }

    /// BERT's own vocabulary, which is not kept here: `vocab.txt` of bert-base-uncased.
    private static let released = ProcessInfo.processInfo.environment["RWSAN_BERT_VOCABULARY"]

    @Test(
        "with the released vocabulary, texts have the released models' ids",
        .enabled(if: released != nil, "RWSAN_BERT_VOCABULARY does not name bert-base-uncased's vocab.txt"))
    func releasedVocabulary() throws {
        struct Released: Decodable {
            let lines: Int
            let table: [Row]
        }
        let expected = try TextFixtures.decode(Released.self, from: Fixtures.url("hub/real_vocab.json"))
        let file = URL(fileURLWithPath: try #require(Self.released))
        let wordPiece = try WordPiece(vocabulary: file, WordPieceSettings())
        #expect(wordPiece.count == expected.lines)
        #expect(expected.table.count == 28)
        for row in expected.table {
            #expect(wordPiece.ids(of: row.text, limit: .max).ids == row.ids, "\(row.text.debugDescription)")
        }
    }

    @Test("a question is cut only where it has more ids than the limit, which never leaves fewer than two")
    func limits() throws {
        let wordPiece = try Self.wordPiece()
        let whole = wordPiece.ids(of: "cat dog cat", limit: 5)
        #expect(whole.ids.count == 5)
        #expect(!whole.isCut)
        #expect(
            wordPiece.ids(of: "cat dog cat", limit: 4) == (Array(whole.ids[..<3] + whole.ids.suffix(1)), true)
        )
        for limit in [2, 1, 0, -1, Int.min] {
            #expect(wordPiece.ids(of: "cat", limit: limit) == ([whole.ids[0], whole.ids[4]], true))
            #expect(!wordPiece.ids(of: " ", limit: limit).isCut)
        }
    }

    @Test("a question of a million scalars takes no longer than its length asks for, whatever they are")
    func longQuestion() throws {
        let wordPiece = try Self.wordPiece()
        func many(_ scalar: Unicode.Scalar) -> String {
            String(String.UnicodeScalarView(repeatElement(scalar, count: 250_000)))
        }
        let question = many("\u{200B}") + "cat" + many("\u{301}") + " " + many("é") + " " + many("[")
        let found = wordPiece.pieces(of: question, limit: 40)
        // One word too long to be known; of the others, those that the limit leaves.
        let expected = ["[CLS]", "cat", "[UNK]"] + Array(repeating: "[", count: 36) + ["[SEP]"]
        #expect(found == expected)
        #expect(
            wordPiece.ids(of: "cat" + many("q"), limit: 40) == (wordPiece.ids(of: "q", limit: 40).ids, false))
    }

    @Test("marks that stay are brought to their order, but not over what separates them")
    func markOrder() throws {
        // Classes 224 and 216; U+034F has class 0 and no width.
        let tokens = ["a\u{1D165}\u{302E}", "a\u{302E}\u{1D165}"]
        #expect(try Self.ids(of: "a\u{302E}\u{1D165}", tokens: tokens) == [5])
        #expect(try Self.ids(of: "a\u{1D165}\u{301}\u{302E}", tokens: tokens) == [5])
        #expect(try Self.ids(of: "a\u{302E}\u{34F}\u{1D165}", tokens: tokens) == [6])
    }

    @Test("accents and lower case are settings of their own, and so are Chinese characters")
    func settings() throws {
        let tokens = ["É", "E", "é", "e", "猫", "##猫", "E\u{301}"]
        func ids(_ text: String, _ isLowercasing: Bool, _ dropsAccents: Bool?) throws -> [Int32] {
            try Self.ids(
                of: text, tokens: tokens,
                WordPieceSettings(isLowercasing: isLowercasing, dropsAccents: dropsAccents))
        }
        #expect(try ids("É", true, nil) == [8])
        #expect(try ids("É", true, false) == [7])
        #expect(try ids("É", false, nil) == [5])
        #expect(try ids("E\u{301}", false, nil) == [11])
        #expect(try ids("É", false, true) == [6])
        #expect(try Self.ids(of: "e猫", tokens: tokens) == [8, 9])
        #expect(
            try Self.ids(of: "e猫", tokens: tokens, WordPieceSettings(separatesIdeographs: false)) == [8, 10])
    }

    @Test(
        "only line feeds end a line, a carriage return before one is dropped, and of a token the last line counts"
    )
    func lines() throws {
        let lines = "\u{FEFF}[PAD]\r\n[UNK]\n[CLS]\n[SEP]\n[MASK]\n\ncat\na\u{2028}b\r\ncat\ndog"
        try withFile(lines) { file in
            let wordPiece = try WordPiece(vocabulary: file, WordPieceSettings())
            #expect(wordPiece.count == 10)
            #expect(wordPiece.ids(of: "cat dog", limit: 40).ids == [2, 8, 9, 3])
            #expect(wordPiece.pieces(of: "cat dog", limit: 40) == ["[CLS]", "cat", "dog", "[SEP]"])
        }
    }

    @Test(
        "a vocabulary without a special token is refused by the token's name",
        arguments: SpecialToken.allCases)
    func missingToken(token: SpecialToken) throws {
        let lines = SpecialToken.allCases.filter { $0 != token }.map(\.rawValue) + ["cat"]
        let error = try fileError(lines.joined(separator: "\n")) {
            _ = try WordPiece(vocabulary: $0, WordPieceSettings())
        }
        #expect(
            try #require(error).problem.hasPrefix("expected a line \(token.rawValue), found none among 5"))
    }

    @Test("a vocabulary that is not UTF-8, or is not there, is refused in one line")
    func unreadableVocabulary() throws {
        try withTemporaryFolder { folder in
            let file = folder.appending(component: "vocab.txt")
            #expect(throws: DatasetFileError.self) { try WordPiece(vocabulary: file, WordPieceSettings()) }
            try Data([0x61, 0x0A, 0xFF, 0x0A]).write(to: file)
            let error = #expect(throws: DatasetFileError.self) {
                try WordPiece(vocabulary: file, WordPieceSettings())
            }
            #expect(error?.location == .line(2))
            #expect(throws: DatasetFileError.self) { try WordPiece(vocabulary: folder, WordPieceSettings()) }
        }
    }

    @Test("both forms of tokenizer_config.json say the same, and what they leave out is as BERT has it")
    func settingsFiles() throws {
        for name in ["tokenizer_config.json", "tokenizer_config_old.json"] {
            let settings = try WordPieceSettings(contentsOf: Fixtures.url("hub/vilt/" + name))
            #expect(settings == WordPieceSettings())
        }
        let settings = try withFile("{}") { try WordPieceSettings(contentsOf: $0) }
        #expect(settings == WordPieceSettings())
        let text = #"{"do_lower_case": false, "strip_accents": true, "tokenize_chinese_chars": false}"#
        try withFile(text) { file in
            let settings = try WordPieceSettings(contentsOf: file)
            #expect(!settings.isLowercasing && settings.dropsAccents && !settings.separatesIdeographs)
        }
    }

    @Test(
        "a tokenizer_config.json that asks for something else is refused in one line",
        arguments: [
            (#"{"tokenizer_class": "RobertaTokenizer"}"#, "tokenizer_class"),
            (#"{"do_basic_tokenize": false}"#, "do_basic_tokenize"),
            (#"{"never_split": ["cat"]}"#, "never_split"),
            (#"{"unk_token": "<unk>"}"#, "unk_token [UNK], found '<unk>'"),
            (#"{"mask_token": {"content": "<mask>"}}"#, "mask_token [MASK], found '<mask>'"),
            (#"{"added_tokens_decoder": {"5": {"content": "<image>"}}}"#, "found '<image>'"),
            (#"{"do_lower_case": "yes"}"#, "is not a tokenizer_config.json"),
            ("[]", "is not a tokenizer_config.json"), ("", "is not a tokenizer_config.json"),
        ])
    func refusedSettings(text: String, problem: String) throws {
        let error = try fileError(text) { _ = try WordPieceSettings(contentsOf: $0) }
        #expect(try #require(error).problem.contains(problem), "\(String(describing: error))")
    }
}
