import Foundation

/// Reads a table of separated values row by row, as RFC 4180 has it, through buffers of fixed size.
///
/// It is strict, for what is guessed wrongly goes unnoticed: every row has as many fields as the header, quotes stand
/// around a whole field or not at all, and text is UTF-8. What is taken besides the RFC's form is a byte order mark, line
/// feeds alone as ends of lines, semicolons or tabs as separators, and lines without anything in them, which are passed
/// over.
package final class CSVReader {
    /// The names in the first row, without white space around them.
    package let header: [String]
    /// The number of the last row, as a spreadsheet counts them: the header is row 1.
    package private(set) var row = 1
    /// The line in which the last row begins, from 1.
    package private(set) var line = 1

    private let lines: LineReader
    private let file: URL
    private let separator: UInt8

    /// What may stand between fields.
    private static let separators = [",", ";", "\t"].flatMap(\.utf8)

    /// Opens a table and reads its header.
    ///
    /// - Parameters:
    ///   - file: The file.
    ///   - isHeader: Whether names are those of the header that is looked for: the separator is the one of which that is
    ///     so; where it is so of none, the one that gives the most names.
    /// - Throws: ``DatasetFileError`` where the file cannot be read, has no header, or one that is no row.
    package init(_ file: URL, isHeader: ([String]) -> Bool) throws {
        self.file = file
        lines = try LineReader(file)
        guard let first = try lines.next() else {
            throw DatasetFileError(file: file, problem: "expected a table with a header, found an empty file")
        }
        if first.starts(with: [0xFF, 0xFE]) || first.starts(with: [0xFE, 0xFF]) {
            throw lines.failure("expected UTF-8, found UTF-16: save the table as CSV in UTF-8")
        }
        var best: (separator: UInt8, names: [String])?
        var problem: RowProblem?
        for separator in Self.separators {
            do throws(RowProblem) {
                let names = try Self.names(in: first, separator)
                if isHeader(names) {
                    best = (separator, names)
                    break
                }
                if names.count > best?.names.count ?? 0 { best = (separator, names) }
            } catch {
                problem = problem ?? error
            }
        }
        guard let best else { throw lines.failure(problem?.text ?? "expected a header, found none") }
        (separator, header) = best
    }

    private static func names(in line: UnsafeBufferPointer<UInt8>, _ separator: UInt8) throws(RowProblem)
        -> [String]
    {
        var parser = RowParser(separator: separator)
        try parser.take(line)
        guard !parser.goesOn else {
            throw RowProblem("expected a header in one line, found a quote that is not closed")
        }
        return parser.fields.map { $0.trimmingCharacters(in: .whitespaces) }
    }

    /// The fields of the next row, as many as the header has; nil at the end.
    ///
    /// - Throws: ``DatasetFileError`` that names the line, where it is no row, or the file cannot be read.
    package func next() throws -> [String]? {
        var parser = RowParser(separator: separator)
        while let text = try lines.next() {
            if !parser.goesOn {
                row += 1
                line = lines.lineNumber
                if text.allSatisfy({ $0 == RowParser.carriageReturn }) { continue }
            }
            do throws(RowProblem) {
                try parser.take(text)
            } catch {
                throw lines.failure(error.text)
            }
            if parser.goesOn { continue }
            guard parser.fields.count == header.count else {
                throw failure(
                    "expected \(header.count) fields, as the header has, found \(parser.fields.count)")
            }
            return parser.fields
        }
        guard !parser.goesOn else {
            throw failure(
                "expected a quote that closes the field begun in this row, found the end of the file")
        }
        return nil
    }

    /// An error about the last row.
    package func failure(_ problem: String) -> DatasetFileError {
        DatasetFileError(file: file, location: .line(line), problem: problem)
    }
}

/// What keeps a line from being one of a table.
private struct RowProblem: Error {
    let text: String

    init(_ text: String) { self.text = text }
}

/// Cuts the lines of one row into its fields.
private struct RowParser {
    static let carriageReturn = UInt8(ascii: "\r")
    private static let quote = UInt8(ascii: "\"")
    /// No question is as long.
    private static let longestField = 1 << 16
    private static let mostFields = 1 << 10

    private enum State {
        case start, plain, quoted, behindQuote
    }

    let separator: UInt8
    private(set) var fields: [String] = []
    private var field: [UInt8] = []
    private var state = State.start

    init(separator: UInt8) { self.separator = separator }

    /// Whether the row goes on in the next line, for a quoted field has not ended.
    var goesOn: Bool { state == .quoted }

    /// Takes a line without its line feed.
    mutating func take(_ line: UnsafeBufferPointer<UInt8>) throws(RowProblem) {
        let endsInReturn = line.last == Self.carriageReturn
        for byte in endsInReturn ? line.dropLast() : line[...] { try take(byte) }
        guard goesOn else { return try endField() }
        if endsInReturn { try append(Self.carriageReturn) }
        try append(UInt8(ascii: "\n"))
    }

    private mutating func take(_ byte: UInt8) throws(RowProblem) {
        switch (state, byte) {
        case (.start, Self.quote): state = .quoted
        case (.start, separator), (.plain, separator), (.behindQuote, separator):
            try endField()
            state = .start
        case (.plain, Self.quote):
            throw RowProblem(
                "expected quotes around a whole field, and a quote in it doubled, found a quote within field "
                    + "\(fields.count + 1)")
        case (.start, Self.carriageReturn), (.plain, Self.carriageReturn):
            throw RowProblem("expected lines that end in LF or CR LF, found a CR alone")
        case (.start, _), (.plain, _):
            try append(byte)
            state = .plain
        case (.quoted, Self.quote): state = .behindQuote
        case (.quoted, _): try append(byte)
        case (.behindQuote, Self.quote):
            try append(byte)
            state = .quoted
        case (.behindQuote, _):
            throw RowProblem(
                "expected a separator behind the quote that closes field \(fields.count + 1), found something else"
            )
        }
    }

    private mutating func append(_ byte: UInt8) throws(RowProblem) {
        guard field.count < Self.longestField else {
            throw RowProblem(
                "expected a field of at most \(Self.longestField) bytes, found a longer one: is a quote not closed?"
            )
        }
        field.append(byte)
    }

    private mutating func endField() throws(RowProblem) {
        guard fields.count < Self.mostFields else {
            throw RowProblem("expected at most \(Self.mostFields) fields, found more")
        }
        guard let text = String(validating: field, as: UTF8.self) else {
            throw RowProblem("expected UTF-8 in field \(fields.count + 1), found other bytes")
        }
        fields.append(text)
        field.removeAll(keepingCapacity: true)
    }
}
