import Foundation
import TestSupport
import Testing
import Torch
import VQADatasets
@testable import VQATraining

/// Checkpoints in which a disk or a copy has changed something.
@Suite struct CheckpointDamageTests {
    private let folder: TemporaryFolder
    private let path: String

    /// A checkpoint with all that one can hold.
    init() throws {
        folder = try TemporaryFolder()
        path = folder.file("epoch3.safetensors")
        var checkpoint = Checkpoint(weights: [
            "proj.weight": try Tensor((0..<200_000).map { Float($0) / 7 }, shape: [400, 500]),
            "proj.bias": try Tensor([0.25, 1e-30] as [Float]),
            "nothing": try Tensor([] as [Float]),
        ])
        checkpoint.vocabulary = try Vocabulary(words: ["PAD", "UNK", "cat"])
        checkpoint.answers = try AnswerList(answers: ["yes", "no"])
        checkpoint.training = TrainingState(learningRateBase: 3e-5, seed: 1, threadCount: 2)
        for (name, weight) in checkpoint.weights {
            checkpoint.optimizerState[name] = ["mean": try weight * 0.5, "square": try weight * weight]
        }
        checkpoint.generatorState = try TorchRuntime.generatorState()
        try checkpoint.write(to: path)
    }

    private func bytes() throws -> Data { try Data(contentsOf: URL(fileURLWithPath: path)) }

    private func headerLength(_ bytes: Data) -> Int {
        bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    }

    /// What is said of the file once one of its bits is another.
    private func problem(flipping bit: Int, of place: Int) throws -> String {
        var changed = try bytes()
        changed[place] ^= 1 << bit
        try changed.write(to: URL(fileURLWithPath: path))
        let error = #expect(throws: (any Error).self) { try Checkpoint(contentsOf: path) }
        return "\(try #require(error))"
    }

    @Test(
        "a bit that is another in a weight, in one of Adam's moments or in the generator's state is told, by name",
        arguments: [
            "proj.weight", "proj.bias", "optimizer.mean.proj.weight", "optimizer.square.proj.bias",
            "random.cpu",
        ])
    func tensors(name: String) throws {
        let range = try SafetensorsFile(path: path).info(of: name).byteRange
        let start = 8 + headerLength(try bytes())
        let text = try problem(flipping: 3, of: start + (range.lowerBound + range.upperBound) / 2)
        #expect(text.hasPrefix("\(path): expected \(name) with the checksum "))
        #expect(text.contains("the file is damaged") && text.contains("copy it anew"))
        #expect(!text.contains("\n"))
    }

    @Test(
        "a letter that is another in a word, a setting or a checksum is told",
        arguments: ["cat", "3e-05", "checksums"])
    func metadata(part: String) throws {
        let place = try #require(try bytes().firstRange(of: Data(part.utf8))).lowerBound
        let text = try problem(flipping: 1, of: place)
        #expect(text.hasPrefix("\(path): expected its metadata with the checksum "))
        #expect(throws: CheckpointError.self) { try Checkpoint.stepCount(of: path) }
    }

    @Test("wherever in the file a single bit is another, it is not taken for what was written")
    func anywhere() throws {
        let whole = try bytes()
        let headerEnd = 8 + headerLength(whole)
        // Spaces fill up the header.
        let lastOfHeader = try #require(whole[..<headerEnd].lastIndex { $0 != UInt8(ascii: " ") })
        for place in Array(0...lastOfHeader) + stride(from: headerEnd, to: whole.count, by: 40_009) {
            var changed = whole
            changed[place] ^= 1 << (place % 7)
            try changed.write(to: URL(fileURLWithPath: path))
            #expect(throws: (any Error).self, "byte \(place)") { try Checkpoint(contentsOf: path) }
        }
    }

    @Test("a checkpoint from before there were checksums is read as it was")
    func withoutChecksums() throws {
        let (tensors, metadata) = try loadSafetensors(path)
        let older = metadata.filter { !$0.key.hasPrefix("checksum") }
        #expect(older.count == metadata.count - 2)
        try saveSafetensors(tensors, metadata: older, to: path)
        let checkpoint = try Checkpoint(contentsOf: path)
        #expect(checkpoint.weights.count == 3 && checkpoint.vocabulary?.words.last == "cat")
    }

    @Test("a tensor that is not there any more, or of which there is no checksum, is told")
    func otherTensors() throws {
        let (tensors, metadata) = try loadSafetensors(path)
        for (change, name) in [(nil, "proj.bias"), (try Tensor([1] as [Float]), "other")] {
            var changed = tensors
            changed[name] = change
            try saveSafetensors(changed, metadata: metadata, to: path)
            let error = #expect(throws: CheckpointError.self) { try Checkpoint(contentsOf: path) }
            #expect(try #require(error).description.contains(name))
        }
    }
}
