import FileSystem
import Foundation
import TextFiles

/// A `vocab.txt`: a word, or a piece of one, a line.
package enum VocabularyFile {
    /// BERT's have a quarter of a megabyte, those of many languages four times as much.
    package static let byteLimit = 16 << 20

    /// The lines of a file; only line feeds end one, for other ends of lines may be tokens.
    ///
    /// - Throws: `DatasetFileError` where it cannot be read or is too long.
    static func lines(of file: URL) throws -> [ArraySlice<UInt8>] {
        var bytes: ArraySlice<UInt8>
        do {
            bytes = try [UInt8](SmallFile.contents(of: file.path, byteLimit: byteLimit))[...]
        } catch let error as SmallFileError {
            throw DatasetFileError(file: file, problem: "\(error): it is no vocab.txt")
        } catch {
            throw DatasetFileError(file: file, problem: "cannot be read", cause: error)
        }
        // A byte order mark, as some editors put before a text.
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        if lines.last?.isEmpty == true { lines.removeLast() }
        return lines.map { $0.last == UInt8(ascii: "\r") ? $0.dropLast() : $0 }
    }
}

extension Vocabulary {
    /// Reads whole words, a line each in the order of their numbers, PAD and UNK first.
    ///
    /// - Throws: ``DatasetFileError`` where the file cannot be read, is too long, is not UTF-8, or is no such list.
    package init(wordsIn file: URL) throws {
        var words: [String] = []
        for (number, line) in try VocabularyFile.lines(of: file).enumerated() {
            guard let word = String(validating: line, as: UTF8.self) else {
                throw DatasetFileError(
                    file: file, location: .line(number + 1),
                    problem: "expected a word in UTF-8, found other bytes: it is no vocab.txt")
            }
            words.append(word)
        }
        do {
            try self.init(words: words)
        } catch let error as VocabularyError {
            throw DatasetFileError(file: file, problem: "\(error)")
        }
    }

    /// The words as a file holds them, which ``init(wordsIn:)`` reads, or the pieces of words, which `WordPiece` reads.
    ///
    /// - Throws: ``VocabularyError`` where a word has an end of a line in it.
    package func fileContents() throws(VocabularyError) -> [UInt8] {
        var bytes: [UInt8] = []
        for word in pieceList?.tokens ?? words {
            // Such a word comes from no question, for these end words; a file may state it.
            guard !word.utf8.contains(where: { $0 == UInt8(ascii: "\n") || $0 == UInt8(ascii: "\r") }) else {
                throw .wordWithLineEnd(word)
            }
            bytes += Array(word.utf8)
            bytes.append(UInt8(ascii: "\n"))
        }
        return bytes
    }
}
