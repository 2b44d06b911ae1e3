import Foundation
import TestSupport
import Testing
import Torch

@Suite struct SafetensorsTests {
    @Test("a file of the reference implementation has its numbers, in the order of the file")
    func referenceFile() throws {
        let file = try SafetensorsFile(path: fixturePath("mini/expected/test_predictions_epoch2.safetensors"))
        #expect(file.tensors.map(\.name) == ["question_id", "logits"])
        #expect(try file.info(of: "logits").shape == [42, 15])
        #expect(try file.info(of: "logits").dtype == .float32)

        let questions = try file.tensor("question_id").array(of: Int64.self)
        #expect(questions.prefix(3) == [234_084_000, 234_084_001, 234_084_002])
        #expect(questions.last == 48_846_006)
        let logits = try file.tensor("logits").array(of: Float.self)
        #expect(logits.prefix(3) == [-1.3056797, -1.5097593, -0.96835375])
        #expect(logits.last == -0.6371985)
    }

    @Test("every element type and odd name of the reference implementation is read")
    func allTypes() throws {
        let (tensors, metadata) = try loadSafetensors(fixturePath("torch/types.safetensors"))
        #expect(metadata == ["note": #"é "quoted"\"#])
        #expect(tensors.count == 11)
        for dtype in DType.allCases {
            let tensor = try #require(tensors["\(dtype)"])
            #expect(tensor.dtype == dtype)
            #expect(try tensor.converted(to: .int64).array(of: Int64.self) == [0, 1, 1], "\(dtype)")
        }
        #expect(tensors["an \"odd\"\n/name é"]?.shape == [0, 3])
    }

    @Test("what is written is to the byte what the reference implementation writes")
    func sameBytes() throws {
        let reference = fixturePath("torch/types.safetensors")
        let (tensors, metadata) = try loadSafetensors(reference)
        try withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("types.safetensors").path
            try saveSafetensors(tensors, metadata: metadata, to: path)
            #expect(
                try Data(contentsOf: URL(fileURLWithPath: path))
                    == Data(contentsOf: URL(fileURLWithPath: reference)))
        }
    }

    @Test("no tensors at all make a file that is read back")
    func empty() throws {
        try withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("empty.safetensors").path
            try saveSafetensors([:], to: path)
            #expect(
                try Array(Data(contentsOf: URL(fileURLWithPath: path))) == littleEndian(8 as UInt64)
                    + Array("{}      ".utf8))
            #expect(try loadSafetensors(path).tensors.isEmpty)
        }
    }

    @Test("a transposed tensor that needs a gradient is written row by row")
    func transposed() throws {
        let matrix = try Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [2, 3]).requiringGradient()
        try withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("transposed.safetensors").path
            try saveSafetensors(["m": matrix.transposed()], to: path)
            let read = try #require(try loadSafetensors(path).tensors["m"])
            #expect(read.shape == [3, 2])
            #expect(try read.array(of: Float.self) == [1, 4, 2, 5, 3, 6])
        }
    }

    @Test("a mapped tensor outlives its file object, and changing it does not change the file")
    func mappedTensor() throws {
        try withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("x.safetensors").path
            try saveSafetensors(["x": Tensor([1, 2] as [Float])], to: path)
            let mapped = try SafetensorsFile(path: path).tensor("x")
            try mapped.withUnsafeMutableElements(of: Float.self) { $0[0] = 9 }
            #expect(try mapped.array(of: Float.self) == [9, 2])
            #expect(try loadSafetensors(path).tensors["x"]?.array(of: Float.self) == [1, 2])
        }
    }

    @Test("an older header without padding leaves its tensors readable")
    func unalignedData() throws {
        let header = #"{"x":{"dtype":"F32","shape":[2],"data_offsets":[0,8]} }"#
        try #require(!header.utf8.count.isMultiple(of: 4))
        let data = littleEndian(Float(1.5).bitPattern) + littleEndian(Float(-2).bitPattern)
        try withTemporaryFile(safetensors(header, data)) { path in
            let tensor = try SafetensorsFile(path: path).tensor("x")
            #expect(try tensor.array(of: Float.self) == [1.5, -2])
        }
    }

    @Test("a file is replaced whole, and nothing else is left in its folder")
    func replaced() throws {
        try withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("x.safetensors").path
            try saveSafetensors(["x": Tensor([1] as [Float])], to: path)
            let old = try SafetensorsFile(path: path)
            try saveSafetensors(["y": Tensor([2] as [Float])], to: path)
            #expect(try SafetensorsFile(path: path).tensors.map(\.name) == ["y"])
            #expect(try old.tensor("x").array(of: Float.self) == [1])
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["x.safetensors"])
        }
    }

    @Test("where writing fails, the old file stays and nothing else is left")
    func failedWrite() throws {
        try withTemporaryFolder { folder in
            let path = folder.appendingPathComponent("x.safetensors").path
            try saveSafetensors(["x": Tensor([1] as [Float])], to: path)
            let tensor = try Tensor([2] as [Float])
            let error = #expect(throws: SafetensorsError.self) {
                try saveSafetensors(["x": tensor, "__metadata__": tensor], to: path)
            }
            #expect(error?.problem == .reservedName)
            #expect(try loadSafetensors(path).tensors.keys.sorted() == ["x"])
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["x.safetensors"])

            let missing = folder.appendingPathComponent("missing/x.safetensors").path
            #expect(throws: (any Error).self) { try saveSafetensors([:], to: missing) }
        }
    }

    @Test("parts of a tensor are read, and only parts of it")
    func partialRead() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("a.safetensors")
        try saveSafetensors(["x": Tensor([1, 2, 3, 4] as [Int32]), "y": Tensor([9] as [Int32])], to: path)
        let file = try SafetensorsFile(path: path)
        var part = [Int32](repeating: 0, count: 2)
        try part.withUnsafeMutableBytes { try file.read("x", at: 4, into: $0) }
        #expect(part == [2, 3])
        for offset in [-4, 12, 16, 20, Int.max] {
            #expect(throws: SafetensorsError.self) {
                try part.withUnsafeMutableBytes { try file.read("x", at: offset, into: $0) }
            }
        }
        // Through a mapping, this would end the process.
        truncate(path, 20)
        #expect(throws: FileAccessError.self) {
            try part.withUnsafeMutableBytes { try file.read("x", at: 4, into: $0) }
        }
    }

    @Test("a tensor that comes in parts is as one that came whole; too few or too many parts leave no file")
    func parts() throws {
        let folder = try TemporaryFolder()
        let (whole, inParts) = (folder.file("whole.safetensors"), folder.file("parts.safetensors"))
        let ids = try Tensor([7, 8, 9] as [Int64])
        let logits = try Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [3, 2])
        try saveSafetensors(["question_id": ids, "logits": logits], to: whole)
        func write(_ parts: [Tensor]) throws {
            try saveSafetensors(
                ["question_id": ids], rows: SafetensorsRows(name: "logits", shape: [3, 2]), to: inParts
            ) { append in
                for part in parts { try append(part) }
            }
        }
        let rows = try [0, 1, 2].map { try logits[$0].reshaped([1, 2]) }
        #expect(throws: SafetensorsError.self) { try write(Array(rows[..<2])) }
        #expect(throws: SafetensorsError.self) { try write(rows + [rows[0]]) }
        #expect(throws: SafetensorsError.self) { try write([ids, rows[0], rows[1]]) }
        #expect(try folder.names() == ["whole.safetensors"])
        try write(rows)
        #expect(try folder.bytes(of: "parts.safetensors") == folder.bytes(of: "whole.safetensors"))
    }
}

/// A file of this header and data.
func safetensors(_ header: String, _ data: [UInt8] = []) -> [UInt8] {
    littleEndian(UInt64(header.utf8.count)) + Array(header.utf8) + data
}
