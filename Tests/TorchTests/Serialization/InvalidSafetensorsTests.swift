import Foundation
import TestSupport
import Testing
import Torch

@Suite struct InvalidSafetensorsTests {
    private typealias Problem = SafetensorsError.Problem

    private func problem(of bytes: [UInt8]) throws -> Problem? {
        try withTemporaryFile(bytes) { path in
            let error = #expect(throws: SafetensorsError.self) { try loadSafetensors(path) }
            #expect(error?.path == path)
            #expect(error.map { "\($0)".hasPrefix(path) && !"\($0)".contains("\n") } == true)
            return error?.problem
        }
    }

    private func entry(_ dtype: String, _ shape: String, _ offsets: String) -> String {
        #"{"dtype":"\#(dtype)","shape":\#(shape),"data_offsets":\#(offsets)}"#
    }

    @Test("a file that is not there, or is a folder, is an error that names it")
    func noFile() throws {
        let error = #expect(throws: FileAccessError.self) {
            try SafetensorsFile(path: "/nowhere/x.safetensors")
        }
        #expect(error.map { "\($0)" } == "/nowhere/x.safetensors: cannot open: No such file or directory")
        try withTemporaryFolder { folder in
            _ = #expect(throws: FileAccessError.self) { try SafetensorsFile(path: folder.path) }
        }
    }

    @Test("a file cut short anywhere is an error")
    func truncated() throws {
        let whole = safetensors("{\"x\":\(entry("F32", "[1]", "[0,4]"))}", [0, 0, 0, 0])
        for count in 0..<whole.count {
            #expect(try problem(of: Array(whole.prefix(count))) != nil)
        }
        #expect(try problem(of: whole + [0]) == .wrongDataByteCount(expected: 4, found: 5))
    }

    @Test(
        "a header length beyond the file or the limit is an error",
        arguments: [3, 100_000_001, UInt64(Int64.max), .max])
    func headerLength(length: UInt64) throws {
        let expected: Problem =
            length == 3
            ? .truncatedHeader(expectedByteCount: 3, foundByteCount: 10)
            : .headerTooLarge(byteCount: length, limit: 100_000_000)
        #expect(try problem(of: littleEndian(length) + Array("{}".utf8)) == expected)
    }

    @Test(
        "a header that is not the JSON asked for is an error",
        arguments: [
            "", "[]", "{", " {}", "{}}", "null", "{\"x\":1}", "{\"x\":null}", "{\"x\":{}}",
            #"{"x":{"dtype":1,"shape":[],"data_offsets":[0,0]}}"#,
            #"{"x":{"dtype":"U8","shape":[0],"data_offsets":[0]}}"#,
            #"{"x":{"dtype":"U8","shape":[0],"data_offsets":[0,0,0]}}"#,
            #"{"x":{"dtype":"U8","shape":[0],"data_offsets":[-1,-1]}}"#,
            #"{"x":{"dtype":"U8","shape":[0],"data_offsets":[4,0]}}"#,
            #"{"x":{"dtype":"U8","shape":[1.5],"data_offsets":[0,0]}}"#,
            #"{"x":{"dtype":"U8","shape":[99999999999999999999],"data_offsets":[0,0]}}"#,
            #"{"x":{"dtype":"U8","shape":[0],"data_offsets":[0,18446744073709551616]}}"#,
            #"{"__metadata__":{"a":1}}"#, #"{"__metadata__":[]}"#,
        ])
    func malformedHeader(header: String) throws {
        #expect(try isMalformedHeader(header))
    }

    @Test("a header nested deeper than the stack would hold is an error")
    func deepHeader() throws {
        #expect(try isMalformedHeader("{\"x\":" + String(repeating: "[", count: 100_000)))
    }

    private func isMalformedHeader(_ header: String) throws -> Bool {
        if case .malformedHeader = try problem(of: safetensors(header)) { true } else { false }
    }

    @Test("names that are no UTF-8 are an error")
    func invalidUTF8() throws {
        let header = Array("{\"".utf8) + [0xFF] + Array("\":\(entry("U8", "[0]", "[0,0]"))}".utf8)
        #expect(try problem(of: littleEndian(UInt64(header.count)) + header) != nil)
    }

    @Test("two tensors of one name are an error, however alike")
    func duplicateName() throws {
        let once = #""x \"{:":"# + entry("U8", "[1]", "[0,1]")
        #expect(try problem(of: safetensors("{\(once),\(once)}", [0])) == .duplicateName)
        try withTemporaryFile(safetensors("{\(once)}", [0])) { path in
            let tensors = try loadSafetensors(path).tensors
            #expect(tensors.keys.sorted() == ["x \"{:"])
        }
    }

    @Test("a header of more values than are read is refused before it is decoded")
    func manyValues() throws {
        let sizes = String(repeating: "1,", count: (1 << 20) + 1)
        let header = "{\"x\":\(entry("F32", "[\(sizes)1]", "[0,4]"))}"
        guard case .tooManyValues(let found, 1 << 20) = try problem(of: safetensors(header, [0, 0, 0, 0]))
        else {
            Issue.record("accepted")
            return
        }
        #expect(found > 1 << 20)
    }

    @Test("an element type that is not supported is named")
    func unsupportedType() throws {
        let header = "{\"x\":\(entry("F8_E4M3", "[1]", "[0,1]"))}"
        #expect(
            try problem(of: safetensors(header, [0]))
                == .unsupportedElementType(tensor: "x", found: "F8_E4M3"))
    }

    @Test("shapes that are negative or exceed the address space are errors")
    func impossibleShape() throws {
        for shape in [[-1], [Int.max, 2], [Int.max], [1 << 62, 4, 0]] {
            let header = "{\"x\":\(entry("F32", "\(shape)", "[0,4]"))}"
            let expected = Problem.impossibleShape(tensor: "x", shape: shape)
            #expect(try problem(of: safetensors(header, [0, 0, 0, 0])) == expected)
        }
    }

    @Test("a byte range other than the shape asks for is an error")
    func wrongByteCount() throws {
        let header = "{\"x\":\(entry("F32", "[2]", "[0,4]"))}"
        #expect(
            try problem(of: safetensors(header, [0, 0, 0, 0]))
                == .wrongByteCount(tensor: "x", expected: 8, found: 4))
    }

    @Test("tensors that overlap or leave a gap are errors", arguments: [0, 1, 3])
    func gapOrOverlap(start: Int) throws {
        let (first, second) = (entry("U8", "[2]", "[0,2]"), entry("U8", "[2]", "[\(start),\(start + 2)]"))
        let header = "{\"a\":\(first),\"b\":\(second)}"
        #expect(
            try problem(of: safetensors(header, [0, 0, 0, 0, 0]))
                == .gapOrOverlap(tensor: "b", expectedStart: 2, foundStart: start))
    }

    @Test("a boolean other than 0 and 1 is an error")
    func invalidBool() throws {
        let header = "{\"x\":\(entry("BOOL", "[2]", "[0,2]"))}"
        #expect(try problem(of: safetensors(header, [1, 2])) == .invalidBool(tensor: "x"))
    }

    @Test("asking for a tensor that is not there is an error that names it")
    func noSuchTensor() throws {
        try withTemporaryFile(safetensors("{}")) { path in
            let error = #expect(throws: SafetensorsError.self) {
                try SafetensorsFile(path: path).bytes(of: "x\ny")
            }
            #expect(error.map { "\($0)" } == "\(path): there is no tensor 'x\\ny'")
        }
    }
}
