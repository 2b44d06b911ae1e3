import Archives
import Foundation
import TestSupport
import Testing
import Torch

@Suite struct InvalidTorchSaveTests {
    private typealias Problem = TorchSaveError.Problem

    private func problem(loading path: String) -> Problem? {
        let error = #expect(throws: TorchSaveError.self) { try loadTorchSave(path) }
        #expect(error.map { "\($0)".hasPrefix("\(path): ") && !"\($0)".contains("\n") } == true)
        return error?.problem
    }

    private func problem(of bytes: [UInt8]) throws -> Problem? {
        try withTemporaryFile(bytes) { problem(loading: $0) }
    }

    private func problem(
        ofZip entries: KeyValuePairs<String, [UInt8]>, _ compression: ZipWriter.Compression = .store
    ) throws -> Problem? {
        try withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("x.pt").path
            let writer = try ZipWriter(path: path, compression: compression)
            for (name, contents) in entries { try writer.add(name: name, contents: contents) }
            try writer.finish()
            return problem(loading: path)
        }
    }

    /// A pickle of one tensor of `count` floats.
    private func vectorPickle(_ count: Int) -> [UInt8] {
        tensorPickle(shape: [count], strides: [1], offset: 0, capacity: count) + Array(".".utf8)
    }

    @Test("a file of another kind is an error", arguments: ["", "P", "PK", "hello", "\u{1F}\u{8B}", "{}"])
    func otherKinds(text: String) throws {
        #expect(try problem(of: Array(text.utf8)) == .unknownForm)
    }

    @Test("a zip file without a pickle or a storage is an error that names it")
    func missingEntries() throws {
        #expect(try problem(ofZip: ["x.npy": [1]]) == .missingEntry(name: "data.pkl"))
        #expect(try problem(ofZip: ["a/b/data.pkl": vectorPickle(1)]) == .missingEntry(name: "data.pkl"))
        #expect(
            try problem(ofZip: ["a/data.pkl": vectorPickle(1), "a/data/1": [0, 0, 0, 0]])
                == .missingEntry(name: "a/data/0"))
    }

    @Test("a storage of another size than its tensor says is an error")
    func storageSizes() throws {
        for count in [0, 3, 5] {
            let storage = [UInt8](repeating: 0, count: count)
            #expect(
                try problem(ofZip: ["a/data.pkl": vectorPickle(1), "a/data/0": storage])
                    == .wrongStorageByteCount(storage: "0", expected: 4, found: count))
        }
    }

    @Test("big-endian tensors are refused")
    func bigEndian() throws {
        #expect(
            try problem(ofZip: ["a/data.pkl": vectorPickle(0), "a/byteorder": Array("big".utf8)])
                == .bigEndian)
    }

    @Test("a small zip file that unpacks to a large one is refused before it does")
    func decompressionBomb() throws {
        let zeros = [UInt8](repeating: 0, count: 4 << 20)
        let problem = try problem(ofZip: ["a/data.pkl": vectorPickle(1 << 20), "a/data/0": zeros], .deflate)
        guard case .tooLarge = problem else {
            Issue.record("expected too large a file, found \(String(describing: problem))")
            return
        }
    }

    @Test("a pickle that unpacks to more than its file is refused before it is run")
    func decompressedPickle() throws {
        let nones = [UInt8](repeating: 0x4E, count: 2 << 20)
        try withTemporaryFolder { folder in
            let path = folder.appending(component: "a.pt").path
            let writer = try ZipWriter(path: path, compression: .deflate)
            try writer.add(name: "a/data.pkl", contents: nones)
            try writer.finish()
            let error = #expect(throws: ArchiveError.self) { try loadTorchSave(path) }
            #expect(error?.reason == .entryTooLarge(entry: "a/data.pkl", byteLimit: 1 << 20))
        }
    }

    @Test("a class that is refused is named together with the file, in both forms")
    func refusedClass() throws {
        let hostile = Array("cos\nsystem\n.".utf8)
        #expect(try problem(ofZip: ["a/data.pkl": hostile]) == .refusedClass(name: "os.system"))
        #expect(try problem(of: [0x80, 2] + hostile) == .refusedClass(name: "os.system"))
    }

    @Test("the older form with another magic number, version or byte order is an error")
    func olderFormHeader() throws {
        let whole = try Array(Data(contentsOf: URL(fileURLWithPath: fixturePath("torch/older_form.pt"))))
        func changing(_ index: Int, from old: UInt8, to new: UInt8) throws -> [UInt8] {
            try #require(whole[index] == old)
            var bytes = whole
            bytes[index] = new
            return bytes
        }
        #expect(try problem(of: changing(4, from: 0x6C, to: 0x6D)) == .unknownForm)
        #expect(
            try problem(of: changing(18, from: 0xE9, to: 0xEA))
                == .malformed(reason: "version 1001 was expected, found 1002"))
        #expect(try problem(of: changing(73, from: 0x88, to: 0x89)) == .bigEndian)
    }

    @Test("the older form cut short anywhere is an error")
    func truncatedOlderForm() throws {
        let whole = try Data(contentsOf: URL(fileURLWithPath: fixturePath("torch/older_form.pt")))
        for count in stride(from: 1, to: whole.count, by: 7) {
            guard case .truncated = try problem(of: Array(whole.prefix(count))) else {
                Issue.record("accepted: the first \(count) bytes")
                continue
            }
        }
    }

    @Test(
        "a file with one byte changed is read or gives an error",
        arguments: ["protocol4.pt", "older_form.pt"])
    func changedBytes(name: String) throws {
        let whole = try Array(Data(contentsOf: URL(fileURLWithPath: fixturePath("torch/\(name)"))))
        try withTemporaryFolder { folder in
            let file = folder.appendingPathComponent("changed.pt")
            for index in stride(from: 0, to: whole.count, by: 11) {
                var bytes = whole
                bytes[index] ^= 1 << UInt8(index % 8)
                try Data(bytes).write(to: file)
                do {
                    _ = try loadTorchSave(file.path)
                } catch is TorchSaveError {} catch is ArchiveError {}
            }
        }
    }
}
