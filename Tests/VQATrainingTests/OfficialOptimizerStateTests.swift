import Foundation
import TestSupport
import Testing
import Torch
@testable import VQATraining

/// What official checkpoints hold of their optimizers, in the form of today and in that of 2019.
@Suite struct OfficialOptimizerStateTests {
    private static let models = Fixtures.url("zoo/models")

    private func path(_ name: String) -> String { Self.models.appending(path: name).path }

    @Test("a checkpoint of 2019, keyed by memory addresses, has the moments of one of today")
    func olderForm() throws {
        let (older, newer) = (
            try Checkpoint(contentsOf: path("mfb_vqa/checkpoint_older.pkl")),
            try Checkpoint(contentsOf: path("mfb_vqa/checkpoint.pkl"))
        )
        #expect(older.optimizerProblem == nil && newer.optimizerProblem == nil)
        #expect(older.stepCount == 2 && newer.stepCount == 2)
        #expect(older.officialEpoch == 1 && newer.officialEpoch == 1)
        #expect(older.optimizerState.count == 23)
        #expect(Set(older.optimizerState.keys) == Set(newer.optimizerState.keys))
        for (name, state) in newer.optimizerState {
            #expect(state.keys.sorted() == ["mean", "square"])
            for (kind, tensor) in state {
                let found = try #require(older.optimizerState[name]?[kind])
                #expect(found.shape == older.weights[name]?.shape)
                #expect(try found.array(of: Float.self) == tensor.array(of: Float.self), "\(kind) of \(name)")
            }
        }
    }

    @Test("parameters that never had a gradient have no moments, and those behind them have their own")
    func parametersWithoutGradient() throws {
        for file in ["mfb_vqa/checkpoint_older.pkl", "mfb_vqa/checkpoint.pkl"] {
            let checkpoint = try Checkpoint(contentsOf: path(file))
            #expect(
                Set(checkpoint.weights.keys).subtracting(checkpoint.optimizerState.keys)
                    == ["adapter.frcn_linear.weight", "adapter.frcn_linear.bias"])
            for (name, state) in checkpoint.optimizerState {
                #expect(state["mean"]?.shape == checkpoint.weights[name]?.shape, "\(name)")
            }
        }
    }

    @Test("Adamax's state has a mean and an infinity norm, which Adam refuses by their names")
    func otherOptimizer() throws {
        let checkpoint = try Checkpoint(contentsOf: path("butd_vqa/checkpoint_older.pkl"))
        #expect(checkpoint.optimizerProblem == nil)
        #expect(checkpoint.optimizerState.count == checkpoint.weights.count)
        #expect(checkpoint.optimizerState.values.allSatisfy { $0.keys.sorted() == ["infinity", "mean"] })
        let adam = try Adam(
            checkpoint.weights.map { (name: $0.key, tensor: $0.value) }, learningRate: 0)
        let error = #expect(throws: TorchError.self) {
            try adam.restore(checkpoint.optimizerState, stepCount: checkpoint.stepCount)
        }
        #expect(try #require(error).description.contains("found infinity and mean"))
    }

    /// The fixture with some bytes replaced by as many others, in the last place where they are.
    private func changed(_ name: String, _ old: [UInt8], _ new: [UInt8], _ folder: TemporaryFolder) throws
        -> Checkpoint
    {
        var data = try Data(contentsOf: Self.models.appending(path: name))
        let place = try #require(data.range(of: Data(old), options: .backwards))
        data.replaceSubrange(place, with: new)
        return try Checkpoint(contentsOf: folder.write("changed.pkl", data))
    }

    @Test(
        "a state that cannot be matched with the parameters can answer, and is not gone on from without moments"
    )
    func unmatched() throws {
        let folder = try TemporaryFolder()
        let address = 140_001_948_580_688
        var bytes: [UInt8] = (0..<6).map { UInt8(truncatingIfNeeded: address >> ($0 * 8)) }
        let listed = bytes
        bytes[0] ^= 1
        let checkpoint = try changed("mfb_vqa/checkpoint_older.pkl", listed, bytes, folder)
        #expect(checkpoint.weights.count == 25 && checkpoint.optimizerState.isEmpty)
        let reason = try #require(checkpoint.optimizerProblem)
        #expect(reason.contains("1 of its 23 entries"), "\(reason)")
        let trainer = try Trainer(MiniDataset().setup(in: folder.url), seed: 0)
        let error = #expect(throws: TrainingError.self) { try trainer.resume(from: checkpoint) }
        #expect(try #require(error).description.contains(reason))
    }

    @Test("without moments, only a checkpoint from before the first step is gone on from")
    func beforeFirstStep() throws {
        let trainer = try Trainer(MiniDataset().setup(in: TemporaryFolder().url), seed: 0)
        var checkpoint = Checkpoint(weights: try trainer.checkpoint().weights)
        checkpoint.officialLearningRateBase = 0.25
        checkpoint.officialEpoch = 1
        #expect(throws: TrainingError.self) { try trainer.resume(from: checkpoint) }
        checkpoint.officialEpoch = 0
        try trainer.resume(from: checkpoint)
        #expect(trainer.state.epoch == 0 && trainer.state.step == 0)
        #expect(trainer.state.learningRateBase == 0.25)
    }

    @Test("a kind of state that no optimizer here keeps is named")
    func unknownKind() throws {
        let folder = try TemporaryFolder()
        let checkpoint = try changed(
            "mfb_vqa/checkpoint_older.pkl", Array("exp_avg_sq".utf8), Array("exp_avg_xx".utf8), folder)
        #expect(try #require(checkpoint.optimizerProblem).contains("found exp_avg_xx"))
    }
}
