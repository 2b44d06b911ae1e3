import Foundation

/// Splits questions into the pieces of words that BERT's vocabulary has, and numbers them: what ViLT and LXMERT read.
///
/// The ids are those of transformers' tokenizers (`BertTokenizerFast`). Text is taken scalar by scalar, and letters that
/// Unicode calls equal but writes in two ways are told apart where the vocabulary does so. The work grows with the
/// length of the question, whatever is in it.
///
///     let wordPiece = try WordPiece(vocabulary: folder.appending(path: "vocab.txt"), WordPieceSettings())
///     wordPiece.ids(of: "How many cats are there?", limit: 40).ids  // [101, 2129, 2116, 8870, 2024, 2045, 1029, 102]
package struct WordPiece: Sendable {
    fileprivate let vocabulary: WordPieceVocabulary
    /// How questions are brought to the form of the tokens.
    package let settings: WordPieceSettings
    private let normalizer: WordPieceNormalizer

    /// A word of more scalars is unknown as a whole.
    private static let longestWord = 100

    /// Reads a vocabulary.
    ///
    /// - Parameters:
    ///   - file: A `vocab.txt`: a token a line, in UTF-8; a token's id is the number of its line, from 0.
    ///   - settings: How questions are brought to the form of the tokens.
    /// - Throws: `DatasetFileError` where the file cannot be read, is longer than 16 MiB, is not UTF-8, or lacks one of
    ///   [PAD], [UNK], [CLS], [SEP] and [MASK].
    package init(vocabulary file: URL, _ settings: WordPieceSettings) throws {
        self.init(try WordPieceVocabulary(contentsOf: file), settings)
    }

    /// Takes pieces that were saved.
    ///
    /// - Throws: ``VocabularyError`` where one of [PAD], [UNK], [CLS], [SEP] and [MASK] is missing.
    package init(_ list: WordPieceList) throws(VocabularyError) {
        self.init(try WordPieceVocabulary(tokens: list.tokens), list.settings)
    }

    private init(_ vocabulary: WordPieceVocabulary, _ settings: WordPieceSettings) {
        self.vocabulary = vocabulary
        self.settings = settings
        normalizer = WordPieceNormalizer(settings)
    }

    /// Tells pieces of words, and ways of finding them, apart.
    var checksum: String { "\(vocabulary.checksum) \(settings)" }

    /// How many lines the vocabulary has; every id is below that.
    package var count: Int { vocabulary.count }

    /// A question's ids, between those of [CLS] and [SEP].
    ///
    /// - Parameters:
    ///   - question: Any text.
    ///   - limit: How many ids a model takes, [CLS] and [SEP] with them; at least 2.
    /// - Returns: At most `limit` ids, and whether the question has more, which are left out.
    package func ids(of question: String, limit: Int) -> (ids: [Int32], isCut: Bool) {
        let room = max(2, limit) - 2
        let found = ids(of: Array(question.unicodeScalars), untilMoreThan: room)
        return ([vocabulary.start] + found.prefix(room) + [vocabulary.end], found.count > room)
    }

    /// The ids of a question in UTF-8, as of ``ids(of:limit:)-(String,_)``.
    func ids(of question: ArraySlice<UInt8>, limit: Int) -> (ids: [Int32], isCut: Bool) {
        ids(of: String(decoding: question, as: UTF8.self), limit: limit)
    }

    /// The tokens whose ids ``ids(of:limit:)`` gives: `[CLS]`, `un`, `##aff`, `##able`, `[SEP]`.
    package func pieces(of question: String, limit: Int) -> [String] {
        ids(of: question, limit: limit).ids.map { vocabulary.token($0) }
    }

    /// The ids of a text; of a longer one, more than `count` of them from its beginning.
    private func ids(of text: [Unicode.Scalar], untilMoreThan count: Int) -> [Int32] {
        var ids: [Int32] = []
        var (start, position) = (0, 0)
        while position < text.count, ids.count <= count {
            // Special tokens count where they stand in the question in so many letters.
            if let special = vocabulary.special(at: position, in: text) {
                append(text[start..<position], to: &ids, untilMoreThan: count)
                ids.append(special.id)
                position += special.length
                start = position
            } else {
                position += 1
            }
        }
        append(text[start..<position], to: &ids, untilMoreThan: count)
        return ids
    }

    /// Adds the ids of a text without special tokens.
    private func append(
        _ text: ArraySlice<Unicode.Scalar>, to ids: inout [Int32], untilMoreThan count: Int
    ) {
        var words = WordPieceWords(normalizer.normalized(text))
        while ids.count <= count, let word = words.next() {
            if word.count > Self.longestWord || !appendPieces(of: word, to: &ids) {
                ids.append(vocabulary.unknown)
            }
        }
    }

    /// Adds the ids of a word's pieces: the longest prefix that is a token, then the longest of the rest behind `##`, and
    /// so on. Adds nothing, and says so, where no token fits.
    private func appendPieces(of word: ArraySlice<Unicode.Scalar>, to ids: inout [Int32]) -> Bool {
        // `##` stands before a piece over what the pieces before have used up, so that none is copied.
        var bytes = Self.mark
        // Where each scalar begins in the bytes, and the end.
        var places: [Int] = []
        for scalar in word {
            places.append(bytes.count)
            bytes.append(contentsOf: scalar.utf8)
        }
        places.append(bytes.count)

        let idCount = ids.count
        var first = 0
        while first < word.count {
            var start = places[first]
            if first > 0 {
                start -= Self.mark.count
                bytes.replaceSubrange(start..<places[first], with: Self.mark)
            }
            var last = min(word.count, first + vocabulary.longestToken)
            while last > first {
                if let id = vocabulary.id(of: bytes[start..<places[last]]) {
                    ids.append(id)
                    break
                }
                last -= 1
            }
            guard last > first else {
                ids.removeSubrange(idCount...)
                return false
            }
            first = last
        }
        return true
    }

    /// Begins a token that goes on with a word.
    private static let mark = Array("##".utf8)
}

/// Pieces of words, and how questions become them: what a checkpoint holds of a vocabulary of such.
package struct WordPieceList: Codable, Sendable, Equatable {
    /// The tokens in the order of their ids.
    package let tokens: [String]
    /// How questions are brought to the form of the tokens.
    package let settings: WordPieceSettings

    init(_ pieces: WordPiece) { (tokens, settings) = (pieces.vocabulary.tokens, pieces.settings) }

    /// Whether both have the same tokens, letter by letter, and settings.
    package static func == (left: WordPieceList, right: WordPieceList) -> Bool {
        left.settings == right.settings
            && left.tokens.elementsEqual(right.tokens) { $0.unicodeScalars.elementsEqual($1.unicodeScalars) }
    }
}
