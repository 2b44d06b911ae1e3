import FileSystem
import Foundation
import TextFiles

/// What the `tokenizer_config.json` of a published model says of how questions are brought to the form of its tokens.
package struct WordPieceSettings: Codable, Sendable, Equatable {
    /// Whether text is in lower case: `do_lower_case`.
    package let isLowercasing: Bool
    /// Whether accents are dropped: `strip_accents`, and where that says nothing, ``isLowercasing``.
    package let dropsAccents: Bool
    /// Whether each Chinese character is a word of its own: `tokenize_chinese_chars`.
    package let separatesIdeographs: Bool

    private enum CodingKeys: String, CodingKey {
        case isLowercasing = "do_lower_case"
        case dropsAccents = "strip_accents"
        case separatesIdeographs = "tokenize_chinese_chars"
    }

    /// What counts where there is no file, or it does not say.
    package init(
        isLowercasing: Bool = true, dropsAccents: Bool? = nil, separatesIdeographs: Bool = true
    ) {
        self.isLowercasing = isLowercasing
        self.dropsAccents = dropsAccents ?? isLowercasing
        self.separatesIdeographs = separatesIdeographs
    }

    /// Reads a `tokenizer_config.json`, of an older or a newer form.
    ///
    /// - Throws: `DatasetFileError` where it cannot be read, or asks for what is not done here: a tokenizer of another
    ///   kind, or special tokens of other names.
    package init(contentsOf file: URL) throws {
        do {
            let contents = try SmallFile.contents(of: file.path, byteLimit: Self.byteLimit)
            let found = try JSONDecoder().decode(TokenizerFile.self, from: contents)
            if let problem = found.problem { throw DatasetFileError(file: file, problem: problem) }
            self.init(
                isLowercasing: found.isLowercasing ?? true, dropsAccents: found.dropsAccents,
                separatesIdeographs: found.separatesIdeographs ?? true)
        } catch let error as DatasetFileError {
            throw error
        } catch let error as SmallFileError {
            throw DatasetFileError(file: file, problem: "\(error): it is no tokenizer_config.json")
        } catch let error as DecodingError {
            throw DatasetFileError(file: file, problem: "is not a tokenizer_config.json: \(error.reason)")
        } catch {
            throw DatasetFileError(file: file, problem: "cannot be read", cause: error)
        }
    }

    /// Those of BERT's have a kilobyte.
    private static let byteLimit = 1 << 20
}

/// The keys of a `tokenizer_config.json` that say what the ids are.
private struct TokenizerFile: Decodable {
    let isLowercasing: Bool?
    let dropsAccents: Bool?
    let separatesIdeographs: Bool?
    private let splitsBasically: Bool?
    private let neverSplit: [String]?
    private let kind: String?
    private let padding: Token?
    private let unknown: Token?
    private let start: Token?
    private let end: Token?
    private let mask: Token?
    private let added: [String: Token]?

    private enum CodingKeys: String, CodingKey {
        case isLowercasing = "do_lower_case"
        case dropsAccents = "strip_accents"
        case separatesIdeographs = "tokenize_chinese_chars"
        case splitsBasically = "do_basic_tokenize"
        case neverSplit = "never_split"
        case kind = "tokenizer_class"
        case padding = "pad_token"
        case unknown = "unk_token"
        case start = "cls_token"
        case end = "sep_token"
        case mask = "mask_token"
        case added = "added_tokens_decoder"
    }

    /// The tokenizers that are this one under several names.
    private static let classes = [
        "BertTokenizer", "BertTokenizerFast", "LxmertTokenizer", "LxmertTokenizerFast",
    ]

    /// What is asked for and not done here, in one line; nil where there is nothing.
    var problem: String? {
        if let kind, !Self.classes.contains(kind) {
            return
                "expected the tokenizer_class \(Self.classes[0]), found '\(kind)': take the file that was published "
                + "with the model"
        }
        if splitsBasically == false {
            return
                "expected do_basic_tokenize to be true, found false: questions are split at spaces and punctuation"
        }
        if let word = neverSplit?.first {
            return "expected no words in never_split, found '\(word)': every word is split"
        }
        let named: [(Token?, SpecialToken, CodingKeys)] = [
            (padding, .padding, .padding), (unknown, .unknown, .unknown), (start, .start, .start),
            (end, .end, .end), (mask, .mask, .mask),
        ]
        for case let (found?, expected, key) in named where found.text != expected.rawValue {
            return
                "expected the \(key.rawValue) \(expected.rawValue), found '\(found.text)': take the file that was "
                + "published with the model"
        }
        let others = added?.values.map(\.text).filter { SpecialToken(rawValue: $0) == nil } ?? []
        return others.min().map {
            "expected no added tokens but BERT's five, found '\($0)': such tokens are not read"
        }
    }

    /// A token, as its text or as an object with it.
    struct Token: Decodable {
        let text: String

        private enum Keys: String, CodingKey { case content }

        init(from decoder: any Decoder) throws {
            if let text = try? decoder.singleValueContainer().decode(String.self) {
                self.text = text
            } else {
                text = try decoder.container(keyedBy: Keys.self).decode(String.self, forKey: .content)
            }
        }
    }
}
