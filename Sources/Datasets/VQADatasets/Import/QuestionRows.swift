import FileSystem
import Foundation
import TextFiles

/// A question with its picture and answers, as a row of a table has it, without white space around anything.
package struct QuestionRow: Sendable, Equatable {
    /// The row's number: of a spreadsheet, where the header is row 1; the line of a file with an object a line.
    package var number: Int
    /// What names the picture; empty where nothing does.
    package var picture = ""
    /// The question.
    package var question = ""
    /// The answers that are not empty.
    package var answers: [String] = []
    /// The split; nil where there is no such column.
    package var split: String?
    /// The question's id; nil where there is no such column.
    package var questionID: String?
    /// The answer's type; nil where there is no such column.
    package var answerType: String?

    init(number: Int) { self.number = number }

    mutating func set(_ role: TableColumns.Role, _ text: String) {
        let text = text.trimmingCharacters(in: .whitespacesAndNewlines)
        switch role {
        case .image: picture = text
        case .question: question = text
        case .answer: if !text.isEmpty { answers.append(text) }
        case .split: split = text
        case .questionID: questionID = text
        case .answerType: answerType = text
        }
    }
}

/// A table of questions, read row by row.
package protocol QuestionRows {
    /// The next row; nil at the end.
    ///
    /// - Throws: `DatasetFileError` that names the line, where the file is not of its form or cannot be read.
    func next() throws -> QuestionRow?

    /// An error about the last row.
    func failure(_ problem: String) -> DatasetFileError
}

/// The forms of tables.
package enum TableFormat: String, CaseIterable, Sendable {
    /// Separated values, with a header.
    case csv
    /// A JSON object a line.
    case jsonl

    /// The form that a file's name says; nil where it says none.
    package init?(fileName: String) {
        switch fileName.split(separator: ".").last?.lowercased() {
        case "csv", "tsv": self = .csv
        case "jsonl", "ndjson": self = .jsonl
        default: return nil
        }
    }

    /// Opens a table.
    ///
    /// - Throws: `DatasetFileError` where it cannot be read, or lacks a column.
    package func rows(of file: URL, _ columns: TableColumns) throws -> any QuestionRows {
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: file.path, isDirectory: &isFolder), isFolder.boolValue {
            throw DatasetFileError(file: file, problem: "expected a table of questions, found a folder")
        }
        switch FileKind(contentsOf: file.path) {
        case .empty?:
            throw DatasetFileError(file: file, problem: "expected a table of questions, found an empty file")
        case .zip?:
            throw DatasetFileError(
                file: file,
                problem:
                    "expected a text, found a zip archive, as .xlsx and .ods files are: save the table as CSV"
            )
        default: break
        }
        return switch self {
        case .csv: try CSVRows(file, columns)
        case .jsonl: try JSONRows(file, columns)
        }
    }
}

/// Rows of separated values.
private struct CSVRows: QuestionRows {
    private let reader: CSVReader
    private let roles: [TableColumns.Role?]

    init(_ file: URL, _ columns: TableColumns) throws {
        reader = try CSVReader(file) { columns.problem(with: $0, takesLists: false) == nil }
        if let problem = columns.problem(with: reader.header, takesLists: false) {
            throw reader.failure(problem)
        }
        roles = reader.header.map { columns.role(of: $0, takesLists: false) }
    }

    func next() throws -> QuestionRow? {
        guard let fields = try reader.next() else { return nil }
        var row = QuestionRow(number: reader.row)
        for (role, field) in zip(roles, fields) {
            if let role { row.set(role, field) }
        }
        return row
    }

    func failure(_ problem: String) -> DatasetFileError { reader.failure(problem) }
}

/// Rows of a JSON object each.
private final class JSONRows: QuestionRows {
    private let lines: LineReader
    private let file: URL
    private let columns: TableColumns
    /// The keys of all lines so far that are columns.
    private var keys: Set<String> = []

    init(_ file: URL, _ columns: TableColumns) throws {
        self.file = file
        self.columns = columns
        lines = try LineReader(file)
    }

    func next() throws -> QuestionRow? {
        while let line = try lines.next() {
            guard let first = line.first(where: { !Self.space.contains($0) }) else { continue }
            guard first == UInt8(ascii: "{") else {
                throw failure("expected a JSON object, found other text")
            }
            guard let text = String(validating: line, as: UTF8.self) else {
                throw failure("expected UTF-8, found other bytes")
            }
            return try row(of: text)
        }
        if let problem = columns.problem(with: keys.sorted(), takesLists: true) {
            throw DatasetFileError(file: file, problem: problem)
        }
        return nil
    }

    private static let space = Array(" \t\r".utf8)

    private func row(of text: String) throws -> QuestionRow {
        let object: JSONRow
        do {
            object = try JSONDecoder().decode(JSONRow.self, from: Data(text.utf8))
        } catch {
            throw failure("expected a JSON object, found text that is none")
        }
        var row = QuestionRow(number: lines.lineNumber)
        var seen: Set<TableColumns.Role> = []
        for key in object.keys {
            guard let role = columns.role(of: key, takesLists: true) else { continue }
            keys.insert(key)
            guard seen.insert(role).inserted || role == .answer else {
                throw failure("expected one '\(key)', found two")
            }
            guard let cell = object.cell(key), cell.texts.count == 1 || role == .answer else {
                throw failure(
                    "expected a text or a number in '\(key)'" + (role == .answer ? ", or a list of them" : "")
                        + ", found something else")
            }
            for text in cell.texts { row.set(role, text) }
        }
        return row
    }

    func failure(_ problem: String) -> DatasetFileError { lines.failure(problem) }
}

/// An object of a line.
private struct JSONRow: Decodable {
    private struct Key: CodingKey {
        let stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    private let values: KeyedDecodingContainer<Key>

    /// The keys, in alphabetical order, numbers in them by their size: `answer2` before `answer10`.
    let keys: [String]

    init(from decoder: any Decoder) throws {
        values = try decoder.container(keyedBy: Key.self)
        keys = values.allKeys.map(\.stringValue).sorted { ($0.count, $0) < ($1.count, $1) }
    }

    /// The value of a key; nil where it is neither text nor number nor a list of them.
    func cell(_ key: String) -> JSONCell? { try? values.decode(JSONCell.self, forKey: Key(stringValue: key)) }
}

/// A text, a number, nothing, or a list of them.
private struct JSONCell: Decodable {
    let texts: [String]

    init(from decoder: any Decoder) throws {
        if var list = try? decoder.unkeyedContainer() {
            var texts: [String] = []
            while !list.isAtEnd { texts.append(try list.decode(JSONScalar.self).text) }
            self.texts = texts
        } else {
            texts = [try JSONScalar(from: decoder).text]
        }
    }
}

private struct JSONScalar: Decodable {
    let text: String

    init(from decoder: any Decoder) throws {
        let value = try decoder.singleValueContainer()
        if value.decodeNil() {
            text = ""
        } else if let string = try? value.decode(String.self) {
            text = string
        } else if let number = try? value.decode(Int64.self) {
            text = "\(number)"
        } else {
            text = "\(try value.decode(Double.self))"
        }
    }
}
