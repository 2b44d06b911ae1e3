import Foundation
import TestSupport
import Testing
@testable import TextFiles

/// Tables of separated values, as RFC 4180 has them.
@Suite struct CSVReaderTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func reader(_ bytes: [UInt8], has names: [String] = ["a", "b"]) throws -> CSVReader {
        try CSVReader(URL(fileURLWithPath: folder.write("table.csv", bytes))) { $0 == names }
    }

    private func rows(_ text: String, has names: [String] = ["a", "b"]) throws -> [[String]] {
        let reader = try reader(Array(text.utf8), has: names)
        var rows: [[String]] = []
        while let row = try reader.next() { rows.append(row) }
        return rows
    }

    private func problem(_ bytes: [UInt8]) throws -> String {
        let error = #expect(throws: DatasetFileError.self) {
            let reader = try reader(bytes)
            while try reader.next() != nil {}
        }
        let text = try #require(error).description
        #expect(text.hasPrefix(folder.file("table.csv")) && !text.contains("\n"), "\(text)")
        return text
    }

    @Test(
        "quoted fields have separators, quotes and ends of lines in them",
        arguments: [
            ("a,b\r\n1,2\r\n", [["1", "2"]]), ("a,b\n1,2", [["1", "2"]]),
            ("a,b\r\n\"x, y\",\"say \"\"no\"\"\"\r\n", [["x, y", "say \"no\""]]),
            ("a,b\n\"one\ntwo\",\"\r\n\"\n3,4\n", [["one\ntwo", "\r\n"], ["3", "4"]]),
            ("a,b\n\"\",\n", [["", ""]]), ("a,b\n,\n", [["", ""]]),
            ("\"a\",\"b\"\n1, 2 \n", [["1", " 2 "]]), ("\u{FEFF}a,b\n1,2\n", [["1", "2"]]),
            (" a ,b\n1,2\n", [["1", "2"]]), ("a,b\n", []),
            ("a,b\n1,2\n\n\r\n3,4\n\n", [["1", "2"], ["3", "4"]]),
            ("a,b\nérable,日本\n", [["érable", "日本"]]), ("a,b\n\"\n\n\",x\n", [["\n\n", "x"]]),
        ] as [(String, [[String]])])
    func fields(text: String, expected: [[String]]) throws {
        #expect(try rows(text) == expected)
    }

    @Test(
        "the separator is the one of which the header is what is looked for",
        arguments: ["a,b\n1,2;3\n", "a;b\n1;2,3\n", "a\tb\n1\t2,3\n"])
    func separators(text: String) throws {
        let found = try rows(text)
        #expect(found.count == 1 && found[0].count == 2 && found[0][0] == "1")
    }

    @Test("a header that is not the one looked for is split where that gives the most names")
    func otherHeader() throws {
        let reader = try reader(Array("x;y,z;w\n".utf8))
        #expect(reader.header == ["x", "y,z", "w"])
    }

    @Test("rows are counted as a spreadsheet does, and lines as an editor does")
    func places() throws {
        let reader = try reader(Array("a,b\n\"1\n1\",2\n\n3,4\n".utf8))
        _ = try reader.next()
        #expect(reader.row == 2 && reader.line == 2)
        _ = try reader.next()
        #expect(reader.row == 4 && reader.line == 5)
    }

    @Test(
        "what is no row is told with its line",
        arguments: [
            ("a,b\n1,2\n3\n", "line 3: expected 2 fields, as the header has, found 1"),
            ("a,b\n1,2,3\n", "line 2: expected 2 fields, as the header has, found 3"),
            ("a,b\n\"1\n1\",2,3\n", "line 2: expected 2 fields"),
            ("a,b\n1,\"2\n3,4\n", "line 2: expected a quote that closes"),
            ("a,b\n1,2\"3\n", "line 2: expected quotes around a whole field"),
            ("a,b\n\"1\"x,2\n", "line 2: expected a separator behind the quote"),
            ("a,b\r1,2\r3,4", "line 1: expected lines that end in LF or CR LF, found a CR alone"),
            ("\"a,b\n1,2\n", "line 1: expected a header in one line"), ("", "found an empty file"),
        ])
    func noRow(text: String, expected: String) throws {
        let found = try problem(Array(text.utf8))
        #expect(found.contains(expected), "\(found)")
    }

    @Test("bytes that are no UTF-8 are told with their line, and so is UTF-16")
    func encoding() throws {
        #expect(
            try problem(Array("a,b\n1,2\nx,caf".utf8) + [0xE9, 0x0A]).contains(
                "line 3: expected UTF-8 in field 2"))
        #expect(try problem([0xFF, 0xFE, 0x61, 0x00]).contains("found UTF-16"))
    }

    @Test("neither a field nor a row may be of any size")
    func sizes() throws {
        let long = String(repeating: "x", count: 65_537)
        #expect(
            try problem(Array("a,b\n1,\(long)\n".utf8)).contains(
                "line 2: expected a field of at most 65536 bytes"))
        #expect(try rows("a,b\n1,\(long.dropLast())\n").count == 1)
        let lines = String(repeating: "x\n", count: 40_000)
        #expect(try problem(Array("a,b\n1,\"\(lines)\n".utf8)).contains("at most 65536 bytes"))
        let many = String(repeating: ",", count: 1_024)
        #expect(try problem(Array("a,b\n\(many)\n".utf8)).contains("line 2: expected at most 1024 fields"))
        #expect(try problem([UInt8](repeating: 0x61, count: 1 << 21)).contains("longer than 1048576 bytes"))
    }

    @Test("what is written is read again as it was")
    func written() throws {
        let rows = [["plain", "a, b"], ["\"q\"", "line\r\nend"], ["", " x "]]
        var text = CSVText(header: ["a", "b"])
        for row in rows { text.append(row) }
        #expect(try self.rows(String(decoding: text.bytes, as: UTF8.self)) == rows)
    }
}
