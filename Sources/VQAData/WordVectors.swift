import Foundation

/// A start value for the vector of every word of a vocabulary, read from a GloVe file.
///
/// The file is text, a word a line: `word v1 .. v300`, separated by single spaces. A few words of
/// GloVe 840B contain spaces themselves, so the last 300 fields are the vector and what is before
/// them is the word. Of a word that comes twice, the last vector counts.
public struct WordVectors: Sendable {
    /// How many numbers a vector has.
    public let dimension: Int
    /// The vectors in the order of the vocabulary, [words, dimension] row by row; zeros for words
    /// that the file lacks.
    public private(set) var values: [Float]
    /// The words that the file lacks, in the order of the vocabulary.
    public private(set) var missingWords: [String] = []

    /// Reads the vectors of the vocabulary's words, PAD and UNK included, passing once over the file.
    ///
    /// - Parameter dimension: how many numbers each vector of the file has.
    /// - Throws: ``DatasetFileError`` where the file cannot be read, where a line has too few fields
    ///   (or the first line too many: the file's dimension is another), and where the vector of a
    ///   vocabulary word is not made of finite numbers.
    public init(glove file: URL, vocabulary: Vocabulary, dimension: Int = 300) throws {
        guard dimension > 0 else {
            throw DatasetFileError(file: file, problem: "cannot hold vectors of \(dimension) numbers")
        }
        self.dimension = dimension
        values = Array(repeating: 0, count: vocabulary.count * dimension)
        var isFound = Array(repeating: false, count: vocabulary.count)

        let reader = try LineReader(file)
        while let line = try reader.next() {
            let vectorStart = try Self.vectorStart(of: line, in: reader, dimension: dimension)
            let word = ArraySlice(line[..<(vectorStart - 1)])
            guard let number = vocabulary.index.number(of: word) else { continue }
            try parseVector(of: line, from: vectorStart, in: reader, to: Int(number) * dimension)
            isFound[Int(number)] = true
        }
        missingWords = isFound.indices.filter { !isFound[$0] }.map { vocabulary.index.strings[$0] }
    }

    /// The vector of one word, given by its number in the vocabulary.
    public subscript(word: Int32) -> ArraySlice<Float> {
        values[(Int(word) * dimension)..<((Int(word) + 1) * dimension)]
    }

    /// Where the numbers of a line begin: `dimension` fields before its end.
    private static func vectorStart(
        of line: UnsafeBufferPointer<UInt8>, in reader: LineReader, dimension: Int
    ) throws -> Int {
        let text = trimmingEnd(line)
        let fieldCount = text.isEmpty ? 0 : text.reduce(into: 1) { $0 += $1 == space ? 1 : 0 }
        guard fieldCount > dimension, fieldCount == dimension + 1 || reader.lineNumber > 1 else {
            throw reader.failure("expected a word and \(dimension) numbers, found \(fieldCount) fields")
        }
        if fieldCount == dimension + 1, let end = text.firstIndex(of: space) { return end + 1 }
        var start = text.endIndex
        for _ in 0..<dimension {
            start = text[..<start].lastIndex(of: space) ?? text.startIndex
        }
        return start + 1
    }

    private static func trimmingEnd(_ line: UnsafeBufferPointer<UInt8>) -> Slice<UnsafeBufferPointer<UInt8>> {
        var text = line[...]
        while let last = text.last, last == space || last == UInt8(ascii: "\r") {
            text.removeLast()
        }
        return text
    }

    /// Reads the numbers of a line, `dimension` of them from `start` on.
    private mutating func parseVector(
        of line: UnsafeBufferPointer<UInt8>, from start: Int, in reader: LineReader, to row: Int
    ) throws {
        guard var field = UnsafeRawPointer(line.baseAddress)?.advanced(by: start) else { return }
        for index in 0..<dimension {
            let text = field.assumingMemoryBound(to: CChar.self)
            var end: UnsafeMutablePointer<CChar>?
            // strtof stops at the end of the field: a space, or behind the line a line feed or 0.
            let value = strtof(text, &end)
            guard let end, end > UnsafeMutablePointer(mutating: text), value.isFinite,
                isspace(CInt(text.pointee)) == 0, end.pointee == 0 || isspace(CInt(end.pointee)) != 0
            else { throw reader.failure("number \(index + 1) of the vector is not a finite number") }
            values[row + index] = value
            field = UnsafeRawPointer(end).advanced(by: 1)
        }
    }
}

private let space = UInt8(ascii: " ")
