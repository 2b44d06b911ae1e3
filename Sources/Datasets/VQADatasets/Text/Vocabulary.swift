/// The words a model knows, each with its number: the row of its vector.
public struct Vocabulary: Sendable {
    /// The number of the word that fills places without a word.
    public static let padding: Int32 = 0
    /// The number that stands for every word not in the vocabulary.
    public static let unknown: Int32 = 1
    /// The names of ``padding`` and ``unknown``. Words are in lower case, so no word has these names.
    static let reservedWords = ["PAD", "UNK"]

    let index: StringIndex
    /// The pieces of words that a published model knows; nil where whole words are known.
    let pieces: WordPiece?

    /// PAD, UNK, then every word of the questions in order of first appearance.
    ///
    /// The official release numbers its words over `OfficialLayout/vocabularySplits`.
    ///
    /// - Parameters:
    ///   - tables: The questions.
    ///   - reservedWords: What follows PAD and UNK though no question has it, such as openvqa's CLS; not in lower case.
    public init(questions tables: [QuestionTable], reservedWords: [String] = []) {
        var index = StringIndex()
        for word in Self.reservedWords + reservedWords { _ = index.intern(word) }
        var tokenizer = QuestionTokenizer()
        for table in tables {
            for row in 0..<table.count {
                tokenizer.split(table.texts.bytes(of: row))
                for word in tokenizer.words { _ = index.intern(tokenizer.bytes[word]) }
            }
        }
        self.init(index: index)
    }

    /// A vocabulary of words that differ, PAD and UNK first.
    init(index: StringIndex) {
        self.index = index
        pieces = nil
    }

    /// A vocabulary of pieces of words, as published models have them.
    package init(pieces: WordPiece) {
        self.pieces = pieces
        index = StringIndex()
    }

    /// A vocabulary that was saved: its ``words``.
    ///
    /// - Throws: ``VocabularyError`` where the list does not begin with PAD and UNK, or repeats a word.
    public init(words: [String]) throws {
        guard words.starts(with: Self.reservedWords) else {
            throw VocabularyError.missingReservedWords(found: Array(words.prefix(2)))
        }
        var index = StringIndex()
        for (position, word) in words.enumerated() where index.intern(word) != position {
            throw VocabularyError.duplicateWord(word)
        }
        self.init(index: index)
    }

    /// Whether it has pieces of words, and not whole ones.
    package var hasPieces: Bool { pieces != nil }

    /// The pieces of words as a checkpoint holds them; nil where whole words are known.
    package var pieceList: WordPieceList? { pieces.map(WordPieceList.init) }

    /// A vocabulary of pieces that was saved.
    ///
    /// - Throws: ``VocabularyError`` where one of the tokens that are no words is missing.
    package init(_ list: WordPieceList) throws { self.init(pieces: try WordPiece(list)) }

    /// How many words there are, PAD and UNK included, or how many pieces of words.
    public var count: Int { pieces?.count ?? index.count }

    /// Tells vocabularies apart.
    var checksum: String { pieces?.checksum ?? index.strings.checksum }

    /// All words in the order of their numbers, PAD and UNK first; none where pieces of words are known.
    public var words: [String] { (0..<index.count).map { index.strings[$0] } }

    /// The number of a word that `QuestionTokenizer` gave, or nil where the vocabulary lacks it.
    public func number(of word: String) -> Int32? {
        index.number(of: word)
    }

    /// The numbers of a question's words, ``unknown`` for words the vocabulary lacks.
    ///
    /// - Parameters:
    ///   - question: Some words.
    ///   - maximumCount: How many words to keep; those after are dropped.
    public func encode(_ question: String, maximumCount: Int) -> [Int32] {
        if let pieces { return pieces.ids(of: question, limit: maximumCount).ids }
        var tokenizer = QuestionTokenizer()
        tokenizer.split(Array(question.utf8)[...])
        return Array(numbers(of: tokenizer, maximumCount: maximumCount))
    }

    /// The numbers of every question's words, as ``encode(_:maximumCount:)-(String,_)`` gives them, and which questions have
    /// more.
    package func encode(_ questions: QuestionTable, maximumCount: Int) -> EncodedQuestions {
        var encoded = EncodedQuestions()
        if let pieces {
            for row in 0..<questions.count {
                encoded.append(pieces.ids(of: questions.texts.bytes(of: row), limit: maximumCount))
            }
            return encoded
        }
        var tokenizer = QuestionTokenizer()
        for row in 0..<questions.count {
            tokenizer.split(questions.texts.bytes(of: row))
            for number in numbers(of: tokenizer, maximumCount: maximumCount) { encoded.append(word: number) }
            encoded.endQuestion(isCut: tokenizer.words.count > maximumCount)
        }
        return encoded
    }

    /// The words of a question that are not in the vocabulary; none where pieces of words make up any word.
    package func unknownWords(in question: String) -> [String] {
        pieces == nil ? QuestionTokenizer.words(in: question).filter { number(of: $0) == nil } : []
    }

    /// Whether a question has more words, or pieces of words, than are kept of it.
    package func isCut(_ question: String, maximumCount: Int) -> Bool {
        pieces?.ids(of: question, limit: maximumCount).isCut
            ?? (QuestionTokenizer.words(in: question).count > maximumCount)
    }

    private func numbers(of tokenizer: QuestionTokenizer, maximumCount: Int) -> some Sequence<Int32> {
        tokenizer.words.prefix(max(0, maximumCount)).lazy.map {
            index.number(of: tokenizer.bytes[$0]) ?? Self.unknown
        }
    }
}

/// Questions as numbers of words, packed: no question is padded to the length of another.
package struct EncodedQuestions: Sendable, Equatable {
    /// The numbers of all questions' words, one question after another.
    package private(set) var words: [Int32] = []
    /// Question i is `words[offsets[i]..<offsets[i + 1]]`.
    package private(set) var offsets = [0]
    /// The questions of which only the beginning is kept; those of columns that were kept are not known.
    private(set) var cutRows: [Int] = []

    init() {}

    /// `offsets` begins with 0, never falls, and ends with the count of `words`.
    init(words: [Int32], offsets: [Int]) {
        self.words = words
        self.offsets = offsets
    }

    /// Makes room for so many questions.
    mutating func reserve(questions count: Int) {
        offsets.reserveCapacity(offsets.count + count)
        words.reserveCapacity(words.count + 8 * count)
    }

    /// Puts a word behind those of the question that has not ended.
    mutating func append(word: Int32) { words.append(word) }

    /// Ends the question.
    ///
    /// - Parameter isCut: Whether it has more words than are kept.
    mutating func endQuestion(isCut: Bool = false) {
        if isCut { cutRows.append(count) }
        offsets.append(words.count)
    }

    /// Adds a question's pieces.
    mutating func append(_ question: (ids: [Int32], isCut: Bool)) {
        words += question.ids
        endQuestion(isCut: question.isCut)
    }

    /// Whether the questions have the same numbers, wherever they come from.
    package static func == (left: EncodedQuestions, right: EncodedQuestions) -> Bool {
        left.words == right.words && left.offsets == right.offsets
    }

    /// How many questions there are.
    package var count: Int { offsets.count - 1 }

    /// The numbers of one question's words; none where the question had no word.
    package subscript(row: Int) -> ArraySlice<Int32> {
        words[offsets[row]..<offsets[row + 1]]
    }
}

/// A list of words that cannot be a vocabulary.
public enum VocabularyError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The list does not begin with PAD and UNK.
    case missingReservedWords(found: [String])
    /// A word is in the list more than once.
    case duplicateWord(String)
    /// A word has an end of a line in it, so that no file with a word a line can hold it.
    case wordWithLineEnd(String)
    /// A list of pieces of words lacks one of those that are no words; how many it has.
    case missingSpecialToken(String, among: Int)

    /// The error in one line.
    public var description: String {
        switch self {
        case .missingReservedWords(let found):
            "a word list begins with PAD and UNK; this one begins with \(found)"
        case .duplicateWord(let word):
            "the word list has the word '\(word)' twice"
        case .wordWithLineEnd(let word):
            "expected words without ends of lines in them, found '\(word.prefix(80))'"
        case .missingSpecialToken(let token, let count):
            "expected a line \(token), found none among \(count)"
        }
    }
}
