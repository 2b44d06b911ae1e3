import Foundation
import TestSupport
import Testing
import Torch
import VQAModels

@testable import VQATraining

/// The training loop beside the official numbers: accumulation, and checkpoints that are not to go on from.
@Suite(.serialized) struct TrainerTests {
    @Test("with accumulation, a run ends with the weights of one without")
    func accumulation() throws {
        func weights(parts: Int) throws -> [String: Tensor] {
            let folder = try TemporaryFolder()
            var mini = try MiniDataset()
            mini.configuration.gradAccuSteps = parts
            mini.configuration.maxEpoch = 3
            let trainer = try Trainer(mini.setup(in: folder.url), seed: 0)
            try trainer.resume(from: Checkpoint(contentsOf: MiniRun.checkpoint(2).path))
            _ = try trainer.run()
            #expect(abs(trainer.records[0].loss / 4.5755 - 1) < 1e-3)
            return try trainer.checkpoint().weights
        }
        let (whole, parts) = (try weights(parts: 1), try weights(parts: 4))
        for (name, weight) in whole {
            let difference = try #require(parts[name]) - weight
            #expect(try difference.absolute().maximum().item() < 1e-3, "\(name)")
        }
    }

    @Test("too few questions for one batch are refused with both numbers")
    func tooFewQuestions() throws {
        let folder = try TemporaryFolder()
        var mini = try MiniDataset()
        mini.configuration.batchSize = 253
        let error = #expect(throws: TrainingError.self) { try Trainer(mini.setup(in: folder.url), seed: 0) }
        let text = try #require(error).description
        #expect(text.contains("253") && text.contains("252"), "\(text)")
    }

    @Test("an official checkpoint of another batch size, and one without moments, are refused")
    func unfitCheckpoints() throws {
        let folder = try TemporaryFolder()
        var mini = try MiniDataset()
        mini.configuration.batchSize = 17
        let other = try Trainer(mini.setup(in: folder.url), seed: 0)
        #expect(throws: TrainingError.self) {
            try other.resume(from: Checkpoint(contentsOf: MiniRun.checkpoint(2).path))
        }
        let trainer = try Trainer(MiniDataset().setup(in: folder.url), seed: 0)
        #expect(throws: TrainingError.self) {
            try trainer.resume(from: Checkpoint(weights: trainer.checkpoint().weights))
        }
    }

    @Test("a run that is over leaves its checkpoint, wherever it was resumed from")
    func alreadyOver() throws {
        let folder = try TemporaryFolder()
        let mini = try MiniDataset()
        let trainer = try Trainer(mini.setup(in: folder.url), seed: 0)
        try trainer.resume(from: Checkpoint(contentsOf: MiniRun.checkpoint(5).path))
        let file = folder.file("ckpts/ckpt_mini/epoch5.safetensors")
        #expect(try trainer.run() == .finished(checkpoint: file))
        #expect(try Checkpoint(contentsOf: file).training?.epoch == 5)
        #expect(trainer.records.isEmpty)
    }

    @Test("after a change of lr_base the rate follows it, with the decays so far")
    func changedLearningRate() throws {
        let folder = try TemporaryFolder()
        var mini = try MiniDataset()
        mini.configuration.lrBase = 0.01
        let trainer = try Trainer(mini.setup(in: folder.url), seed: 0)
        try trainer.resume(from: Checkpoint(contentsOf: MiniRun.checkpoint(5).path))
        trainer.resetLearningRate()
        #expect(abs(trainer.state.learningRateBase - 0.01 * 0.2 * 0.2) < 1e-15)
    }
}
