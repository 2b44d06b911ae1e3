import Foundation
import VQAFeatures

/// The questions of one file, split into words: all that a vocabulary and encoded questions are made of, without
/// the texts.
struct TokenizedQuestions: Sendable {
    /// The question ids, one a row.
    let ids: [QuestionID]
    /// The ids of the images asked about, one a row.
    let imageIDs: [ImageID]
    /// Every word of the file, in order of first appearance; none where the questions are split into given pieces.
    let words: StringIndex
    /// How often each of `words` occurs.
    let wordCounts: [Int]
    /// The first words of each question, as many as were asked for, as numbers of `words`, or of the given pieces.
    let encoded: EncodedQuestions
    private let rows: RowIndex

    /// Reads a question file.
    ///
    /// - Parameters:
    ///   - maximumWords: How many words of a question are kept in `encoded`.
    ///   - pieces: The pieces of words that a given vocabulary has; nil for whole words.
    /// - Throws: ``DatasetFileError`` where the file cannot be read or is not a question file.
    init(contentsOf file: URL, maximumWords: Int, pieces: WordPiece? = nil) throws {
        let table = try QuestionTable(contentsOf: file)
        var (words, counts, encoded) = (StringIndex(), [Int](), EncodedQuestions())
        encoded.reserve(questions: table.count)
        if let pieces {
            for row in 0..<table.count {
                encoded.append(pieces.ids(of: table.texts.bytes(of: row), limit: maximumWords))
            }
        } else {
            Self.split(table, maximumWords, &words, &counts, &encoded)
        }
        ids = table.ids
        imageIDs = table.imageIDs
        rows = table.rows
        self.words = words
        self.wordCounts = counts
        self.encoded = encoded
    }

    private static func split(
        _ table: QuestionTable, _ maximumWords: Int, _ words: inout StringIndex, _ counts: inout [Int],
        _ encoded: inout EncodedQuestions
    ) {
        var tokenizer = QuestionTokenizer()
        for row in 0..<table.count {
            tokenizer.split(table.texts.bytes(of: row))
            for (place, word) in tokenizer.words.enumerated() {
                let number = words.intern(tokenizer.bytes[word])
                if Int(number) == counts.count { counts.append(0) }
                counts[Int(number)] += 1
                if place < maximumWords { encoded.append(word: number) }
            }
            encoded.endQuestion()
        }
    }

    /// What gives the number in a vocabulary for each in ``encoded``.
    func numbering(in vocabulary: Vocabulary) -> (Int32) -> Int32 {
        guard vocabulary.pieces == nil else { return { $0 } }
        let numbers = (0..<words.count).map {
            vocabulary.index.number(of: words.strings.bytes(of: $0)) ?? Vocabulary.unknown
        }
        return { numbers[Int($0)] }
    }

    /// For each annotation, in order, the row of its question.
    ///
    /// - Throws: ``MissingQuestionsError`` where some are not there.
    func rows(of annotations: AnnotationTable) throws -> [Int] {
        try annotations.questionRows { rows[$0] }
    }
}

extension Vocabulary {
    /// PAD, UNK and the further words that are reserved, then every word of the files in order of first appearance;
    /// and how often each occurs.
    static func merging(_ files: [TokenizedQuestions], reservedWords further: [String] = []) -> (
        vocabulary: Vocabulary, counts: [Int]
    ) {
        var index = StringIndex()
        for word in reservedWords + further { _ = index.intern(word) }
        var counts = Array(repeating: 0, count: index.count)
        for file in files {
            for word in 0..<file.words.count {
                let number = Int(index.intern(file.words.strings.bytes(of: word)))
                if number == counts.count { counts.append(0) }
                counts[number] += file.wordCounts[word]
            }
        }
        return (Vocabulary(index: index), counts)
    }
}
