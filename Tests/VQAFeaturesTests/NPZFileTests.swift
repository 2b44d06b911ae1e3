import Archives
import Foundation
import TestSupport
import Testing
@testable import VQAFeatures

/// An array in `.npy` form around any header text.
private func npy(_ header: String, data: [UInt8] = [], version: UInt8 = 1) -> [UInt8] {
    let text = Array(header.utf8)
    let length = [UInt8(text.count & 0xff), UInt8(text.count >> 8)] + (version == 1 ? [] : [0, 0])
    return [0x93] + Array("NUMPY".utf8) + [version, 0] + length + text + data
}

private func header(_ type: String, _ shape: String, order: String = "False") -> String {
    "{'descr': '\(type)', 'fortran_order': \(order), 'shape': \(shape), }\n"
}

@Suite struct NPYArrayTests {
    /// `numpy.array(values, type).tobytes()` and what the values are; the unsigned types have no -2.
    static let elementTypes: [(type: String, data: [UInt8], values: [Float])] = [
        ("<f2", [0, 60, 0, 192], [1, -2]),
        ("<f4", [0, 0, 128, 63, 0, 0, 0, 192], [1, -2]),
        ("<f8", [0, 0, 0, 0, 0, 0, 240, 63, 0, 0, 0, 0, 0, 0, 0, 192], [1, -2]),
        ("|i1", [1, 254], [1, -2]),
        ("<i2", [1, 0, 254, 255], [1, -2]),
        ("<i4", [1, 0, 0, 0, 254, 255, 255, 255], [1, -2]),
        ("<i8", [1, 0, 0, 0, 0, 0, 0, 0, 254, 255, 255, 255, 255, 255, 255, 255], [1, -2]),
        ("|u1", [1, 254], [1, 254]),
        ("<u2", [1, 0, 254, 255], [1, 65_534]),
        ("<u4", [1, 0, 0, 0, 0, 0, 0, 128], [1, 0x1p31]),
        ("<u8", [1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 128], [1, 0x1p63]),
    ]

    @Test("every element type is read as the numbers numpy wrote", arguments: elementTypes)
    func elementType(type: String, data: [UInt8], values: [Float]) throws {
        let array = try NPYArray(parsing: npy(header(type, "(2,)"), data: data))
        #expect(array.floats() == values)
        let holdsIntegers = !type.contains("f") && values[1] < 0x1p63
        #expect(array.integers() == (holdsIntegers ? values.map { Int64($0) } : nil))
    }

    @Test("C and Fortran order give the same array")
    func orders() throws {
        let rowMajor = try NPYArray(parsing: npy(header("|u1", "(2, 3)"), data: [0, 1, 2, 3, 4, 5]))
        let fortran = try NPYArray(
            parsing: npy(header("|u1", "(2, 3)", order: "True"), data: [0, 3, 1, 4, 2, 5]))
        for array in [rowMajor, fortran] {
            #expect(array.floats() == [0, 1, 2, 3, 4, 5])
            #expect(array.transposedFloats() == [0, 3, 1, 4, 2, 5])
            #expect(array.integers() == [0, 1, 2, 3, 4, 5])
        }
    }

    @Test("an array of three axes in Fortran order is put in C order")
    func threeAxes() throws {
        // numpy.asfortranarray(numpy.arange(24).reshape(2, 3, 4)), as numpy.save writes it.
        let elements: [UInt8] = [
            0, 12, 4, 16, 8, 20, 1, 13, 5, 17, 9, 21, 2, 14, 6, 18, 10, 22, 3, 15, 7, 19, 11, 23,
        ]
        let array = try NPYArray(parsing: npy(header("|u1", "(2, 3, 4)", order: "True"), data: elements))
        #expect(array.integers() == Array(0..<24))
    }

    @Test(
        "a matrix of several cache blocks is transposed whole",
        arguments: [(1, 100), (100, 1), (33, 65), (64, 32)])
    func transpose(rows: Int, columns: Int) throws {
        let array = try NPYArray((0..<rows * columns).map { Float($0) }, shape: [rows, columns])
        let expected = (0..<columns).flatMap { column in (0..<rows).map { Float($0 * columns + column) } }
        #expect(array.transposedFloats() == expected)
    }

    @Test("a single number, an empty array, Python 2's long integers and any order of keys are read")
    func headerForms() throws {
        #expect(try NPYArray(parsing: npy(header("|u1", "()"), data: [7])).integers() == [7])
        #expect(try NPYArray(parsing: npy(header("<f4", "(2048, 0)"))).floats().isEmpty)
        #expect(try NPYArray(parsing: npy(header("|u1", "(1L, 2L)"), data: [1, 2])).shape == [1, 2])
        let reordered = "{ 'shape':(2, ),\"fortran_order\" : False, 'descr': '|u1'}"
        #expect(try NPYArray(parsing: npy(reordered, data: [1, 2])).integers() == [1, 2])
        let version2 = npy(header("|u1", "(2,)"), data: [1, 2], version: 2)
        #expect(try NPYArray(parsing: version2).integers() == [1, 2])
    }

    /// Each of these differs from a good array in one thing.
    static let hostileArrays: [[UInt8]] = [
        [], Array("NUMPY".utf8), npy("{}"), npy(""), npy("{'descr': '<f4'"),
        npy(header("<f4", "(1,)", order: "1"), data: [0, 0, 0, 0]),
        npy(header("<f4", "(-1,)"), data: [0, 0, 0, 0]),
        npy(header("<f4", "(1 1)"), data: [0, 0, 0, 0]),
        npy(header("<f4", "1"), data: [0, 0, 0, 0]),
        npy(header("<f4", "(1,)") + "exec('x')", data: [0, 0, 0, 0]),
        npy(header("|O", "(1,)"), data: [0]),
        npy(header(">f4", "(1,)"), data: [0, 0, 0, 0]),
        npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': ()}", data: [0, 0, 0, 0]),
        npy("{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': ()}", data: [0]),
        npy(header("<f4", "(2,)"), data: [0, 0, 0, 0]),
        npy(header("|u1", "(2,)"), data: [0, 0, 0]),
        npy(header("<f8", "(9223372036854775807, 3)")),
        npy(header("<f4", "(99999999999999999999,)")),
        npy(header("|u1", "(" + String(repeating: "1, ", count: 65) + ")"), data: [0]),
        npy(header("|u1", "()"), data: [0], version: 9),
        [0x93] + Array("NUMPY".utf8) + [2, 0, 255, 255, 255, 255],
    ]

    @Test("a header that is hostile or of another kind is an error", arguments: hostileArrays)
    func hostileArray(bytes: [UInt8]) {
        #expect(throws: NPYFormatError.self) { try NPYArray(parsing: bytes) }
    }

    @Test("every truncation of an array is an error")
    func truncation() throws {
        let whole = try NPYArray([Int64(1), 2, 3], shape: [3]).serialized
        for length in 0..<whole.count {
            #expect(throws: NPYFormatError.self) { try NPYArray(parsing: Array(whole.prefix(length))) }
        }
    }

    @Test(
        "a shape that does not fit the elements cannot be written",
        arguments: [[2, 2], [-3, -1], [Int.max, Int.max], [Int](repeating: 1, count: 30_000)])
    func wrongShape(shape: [Int]) {
        #expect(throws: NPYFormatError.self) {
            try NPYArray([Float](repeating: 0, count: 3), shape: shape)
        }
    }
}

@Suite struct NPZFileTests {
    @Test("arrays written are read back")
    func roundTrip() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("logits.npz")
        try NPZFile.write(
            [
                "logits": NPYArray([Float(1), 2, 3, 4, 5, 6.5], shape: [2, 3]),
                "question_id": NPYArray([Int64(7), -8], shape: [2]),
            ], to: path)
        let file = try NPZFile(path: path)
        #expect(file.arrayNames == ["logits", "question_id"])
        #expect(try file.array("logits").shape == [2, 3])
        #expect(try file.array("logits").floats() == [1, 2, 3, 4, 5, 6.5])
        #expect(try file.array("question_id").integers() == [7, -8])
    }

    @Test("errors name the file, the array, what was expected and what was found")
    func errors() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("a.npz")
        try NPZFile.write(["y": NPYArray([Int64(1), 2], shape: [2])], to: path)
        let file = try NPZFile(path: path)
        #expect(throws: NPZError(file: path, array: nil, expected: "an array 'x'", found: "only y")) {
            try file.array("x")
        }
        let error = #expect(throws: NPZError.self) { try file.integer("y") }
        let description = try #require(error).description
        #expect(description == "\(path): array 'y': expected one whole number, found int64 [2]")
    }

    @Test("an array of a kind that is not read spoils only itself, one too large the file")
    func oddArrays() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("a.npz")
        let writer = try ZipWriter(path: path)
        try writer.add(name: "info.npy", contents: npy(header("|O", "()"), data: [0]))
        try writer.add(name: "x.npy", contents: npy(header("|u1", "()"), data: [5]))
        try writer.add(name: "notes.txt", contents: [1])
        try writer.finish()
        let file = try NPZFile(path: path)
        #expect(try file.integer("x") == 5)
        #expect(throws: NPZError.self) { try file.array("info") }
        #expect(throws: ArchiveError.self) { try NPZFile(path: path, byteLimit: 20) }
    }

    @Test("two arrays of one name are an error")
    func duplicate() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("a.npz")
        let writer = try ZipWriter(path: path)
        for value: UInt8 in [1, 2] {
            try writer.add(name: "x.npy", contents: npy(header("|u1", "()"), data: [value]))
        }
        try writer.finish()
        let error = NPZError(file: path, array: "x", expected: "one array of this name", found: "two")
        #expect(throws: error) { try NPZFile(path: path) }
    }
}
