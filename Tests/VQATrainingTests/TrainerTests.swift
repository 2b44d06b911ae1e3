import Foundation
import TestSupport
import Testing
import Torch
@testable import VQATraining

/// The training loop beside the official numbers: accumulation, and checkpoints that are not to go on from.
@Suite(.serialized) struct TrainerTests {
    @Test("with accumulation, a run has the losses of one without")
    func accumulation() throws {
        func losses(parts: Int) throws -> [Double] {
            let folder = try TemporaryFolder()
            var mini = try MiniDataset()
            mini.training.gradAccuSteps = parts
            mini.training.maxEpoch = 3
            let trainer = try Trainer(mini.setup(in: folder.url), seed: 0)
            try trainer.resume(from: Checkpoint(contentsOf: MiniRun.checkpoint(2).path))
            _ = try trainer.run()
            return trainer.records.map(\.loss)
        }
        // Not the weights: where a gradient is nothing but rounding, Adam makes whole steps of it.
        let (whole, parts) = (try losses(parts: 1), try losses(parts: 4))
        #expect(whole.count == 1 && parts.count == 1)
        #expect(abs(whole[0] / 4.5754843 - 1) < 1e-3)
        #expect(abs(parts[0] / whole[0] - 1) < 1e-4)
    }

    @Test("too few questions for one batch are refused with both numbers")
    func tooFewQuestions() throws {
        let folder = try TemporaryFolder()
        var mini = try MiniDataset()
        mini.training.batchSize = 253
        let error = #expect(throws: TrainingError.self) { try Trainer(mini.setup(in: folder.url), seed: 0) }
        let text = try #require(error).description
        #expect(text.contains("253") && text.contains("252"), "\(text)")
    }

    @Test("an official checkpoint of another batch size, and one without moments, are refused")
    func unfitCheckpoints() throws {
        let folder = try TemporaryFolder()
        var mini = try MiniDataset()
        mini.training.batchSize = 17
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
        mini.training.lrBase = 0.01
        let trainer = try Trainer(mini.setup(in: folder.url), seed: 0)
        try trainer.resume(from: Checkpoint(contentsOf: MiniRun.checkpoint(5).path))
        trainer.resetLearningRate()
        #expect(abs(trainer.state.learningRateBase - 0.01 * 0.2 * 0.2) < 1e-15)
    }
}
