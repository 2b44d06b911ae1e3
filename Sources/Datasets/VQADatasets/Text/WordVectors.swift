import FileSystem
import Foundation
import TextFiles

/// A start value for the vector of every word of a vocabulary, read from a GloVe file.
///
/// The file is text, or a zip with such a text in it, a word a line: `word v1 .. v300`, separated by single spaces. A few words of
/// GloVe 840B contain spaces themselves, so the last 300 fields are the vector and what is before
/// them is the word. Of a word that comes twice, the last vector counts.
package struct WordVectors: Sendable {
    /// How many numbers a vector has.
    package let dimension: Int
    /// The vectors in the order of the vocabulary, [words, dimension] row by row; zeros for words
    /// that the file lacks.
    package private(set) var values: [Float]
    /// For each word of the vocabulary, whether the file has it.
    package private(set) var isFound: [Bool]
    /// The words that the file lacks, in the order of the vocabulary.
    package let missingWords: [String]

    /// How many of the vocabulary's words the file has.
    package var knownCount: Int { isFound.count { $0 } }

    /// Reads the vectors of the vocabulary's words, PAD and UNK included, passing once over the file.
    ///
    /// - Parameters:
    ///   - file: The text, or a zip with it (`.zip`), which is unpacked as it is read.
    ///   - vocabulary: The words.
    ///   - dimension: How many numbers each vector of the file has.
    ///   - cache: Where the vectors are kept for the next time; nil for nowhere.
    ///   - onNotice: Told in one line where the cache is damaged or cannot be written.
    /// - Throws: ``DatasetFileError`` where the file cannot be read or has no vectors in it, where a line has too
    ///   few fields (or the first line too many: the file's dimension is another), where it ends in a number, which may
    ///   be cut off, and where the vector of a vocabulary word is not made of finite numbers.
    package init(
        glove file: URL, vocabulary: Vocabulary, dimension: Int = 300, cache: PreparedCache? = nil,
        onNotice: (String) -> Void = { _ in }
    ) throws {
        guard let cache else {
            self = try Self.read(file, vocabulary, dimension)
            return
        }
        let key = PreparedCache.Key(
            subject: "word vectors of " + file.standardizedFileURL.path, sources: [file],
            settings: "\(dimension) of each of the words \(vocabulary.index.strings.checksum)")
        self = try cache.value(
            for: key, onNotice: onNotice, read: { try WordVectors($0, vocabulary, dimension) },
            make: { try Self.read(file, vocabulary, dimension) }, columns: { try $0.columns() })
    }

    private init(_ values: [Float], _ isFound: [Bool], _ vocabulary: Vocabulary, _ dimension: Int) {
        self.values = values
        self.isFound = isFound
        self.dimension = dimension
        missingWords = isFound.indices.filter { !isFound[$0] }.map { vocabulary.index.strings[$0] }
    }

    private static func read(
        _ file: URL, _ vocabulary: Vocabulary, _ dimension: Int
    ) throws -> WordVectors {
        guard dimension > 0 else {
            throw DatasetFileError(file: file, problem: "cannot hold vectors of \(dimension) numbers")
        }
        var values = Array(repeating: Float(0), count: vocabulary.count * dimension)
        var isFound = Array(repeating: false, count: vocabulary.count)
        let (lines, isChecked) = try lines(of: file)
        while let line = try lines.next() {
            let vectorStart = try vectorStart(of: line, in: lines, dimension: dimension)
            if !isChecked, !lines.hasLineEnd { try requireWholeEnd(of: line, in: lines) }
            let word = UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: line[..<(vectorStart - 1)]))
            guard let number = vocabulary.index.number(of: word) else { continue }
            let start = Int(number) * dimension
            try parseVector(of: line, from: vectorStart, in: lines, to: &values[start..<start + dimension])
            isFound[Int(number)] = true
        }
        guard lines.lineNumber > 0 else { throw lines.failure("no vectors in it") }
        return WordVectors(values, isFound, vocabulary, dimension)
    }

    /// Makes sure that the last line, which no line feed ends, does not end in a number: half of one is another.
    private static func requireWholeEnd(of line: UnsafeBufferPointer<UInt8>, in lines: LineReader) throws {
        guard trimmingEnd(line).count == line.count else { return }
        throw lines.failure(
            "the file ends in this line, without a line end, and may be cut off in its last number: fetch it again, or "
                + "end the line where it is whole")
    }

    /// The lines of a text or of the one in a zip, which the content tells apart, and whether checksums say that the
    /// text is whole.
    private static func lines(of file: URL) throws -> (LineReader, isChecked: Bool) {
        switch FileKind(contentsOf: file.path) {
        case .zip?:
            let text = try ZippedText(file)
            return (LineReader(file) { try text.read(into: $0) }, true)
        // A pipe cannot be looked into twice; words may be of any bytes.
        case nil, .text?, .table?, .unknown?: return (try LineReader(file), false)
        case .empty? where file.pathExtension.lowercased() != "zip": return (try LineReader(file), false)
        case let kind?:
            throw DatasetFileError(
                file: file, problem: "expected word vectors, as a text or a zip with one, found \(kind)")
        }
    }

    private init(_ columns: StoredColumns, _ vocabulary: Vocabulary, _ dimension: Int) throws {
        let found = try columns.column("found", of: UInt8.self)
        let values = try columns.column("values", of: Float.self)
        guard found.count == vocabulary.count, values.count == found.count * dimension else {
            throw StoredColumns.Damage("its vectors are of other words")
        }
        self.init(values, found.map { $0 != 0 }, vocabulary, dimension)
    }

    private func columns() throws -> PreparedColumns {
        var columns = PreparedColumns()
        try columns.add("values", values)
        try columns.add("found", isFound.map { UInt8($0 ? 1 : 0) })
        return columns
    }

    /// The vector of one word, given by its number in the vocabulary.
    package subscript(word: Int32) -> ArraySlice<Float> {
        values[(Int(word) * dimension)..<((Int(word) + 1) * dimension)]
    }

    /// Where the numbers of a line begin: `dimension` fields before its end.
    private static func vectorStart(
        of line: UnsafeBufferPointer<UInt8>, in reader: LineReader, dimension: Int
    ) throws -> Int {
        let text = trimmingEnd(line)
        let fieldCount = text.isEmpty ? 0 : 1 + count(of: space, in: text)
        guard fieldCount > dimension, fieldCount == dimension + 1 || reader.lineNumber > 1 else {
            let cut = reader.hasLineEnd ? "" : "; the file ends in this line, and may be cut off"
            throw reader.failure("expected a word and \(dimension) numbers, found \(fieldCount) fields\(cut)")
        }
        if fieldCount == dimension + 1, let end = text.firstIndex(of: space) { return end + 1 }
        var start = text.endIndex
        for _ in 0..<dimension {
            start = text[..<start].lastIndex(of: space) ?? text.startIndex
        }
        return start + 1
    }

    private static func trimmingEnd(_ line: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
        var end = line.count
        while end > 0, line[end - 1] == space || line[end - 1] == UInt8(ascii: "\r") { end -= 1 }
        return UnsafeBufferPointer(rebasing: line[..<end])
    }

    /// How often a byte occurs, eight bytes at a time.
    private static func count(of byte: UInt8, in text: UnsafeBufferPointer<UInt8>) -> Int {
        let bytes = UnsafeRawBufferPointer(text)
        let (ones, lowBits): (UInt64, UInt64) = (0x0101_0101_0101_0101, 0x7F7F_7F7F_7F7F_7F7F)
        let wholeWords = bytes.count / 8
        var total = 0
        for word in 0..<wholeWords {
            // Zero where the byte is the one looked for; the sum's high bits stay clear there and nowhere else.
            let difference =
                bytes.loadUnaligned(fromByteOffset: word * 8, as: UInt64.self) ^ ones &* UInt64(byte)
            let sums = (difference & lowBits) &+ lowBits
            total += (~(sums | difference | lowBits)).nonzeroBitCount
        }
        return total + bytes[(wholeWords * 8)...].count { $0 == byte }
    }

    /// Reads the numbers of a line from `start` on, as many as `vector` takes.
    private static func parseVector(
        of line: UnsafeBufferPointer<UInt8>, from start: Int, in reader: LineReader,
        to vector: inout ArraySlice<Float>
    ) throws {
        guard var field = UnsafeRawPointer(line.baseAddress)?.advanced(by: start) else { return }
        for index in vector.indices {
            let text = field.assumingMemoryBound(to: CChar.self)
            var end: UnsafeMutablePointer<CChar>?
            // strtof stops at the end of the field: a space, or behind the line a line feed or 0.
            let value = strtof(text, &end)
            guard let end, end > UnsafeMutablePointer(mutating: text), value.isFinite,
                isspace(CInt(text.pointee)) == 0, end.pointee == 0 || isspace(CInt(end.pointee)) != 0
            else {
                let place = index - vector.startIndex + 1
                throw reader.failure("number \(place) of the vector is not a finite number")
            }
            vector[index] = value
            field = UnsafeRawPointer(end).advanced(by: 1)
        }
    }
}

private let space = UInt8(ascii: " ")
