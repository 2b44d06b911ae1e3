import Foundation
import TestSupport
import Testing
import Torch
import VQADatasets
import VQATraining

/// Reduced precision against single precision, on the official run.
@Suite(.serialized) struct PrecisionTests {
    /// The official run, to be gone on with from epoch 2.
    private func trainer(_ precision: Precision, in folder: TemporaryFolder) throws -> Trainer {
        var setup = try MiniDataset().setup(in: folder.url)
        setup.precision = precision
        let trainer = try Trainer(setup, seed: 0)
        var start = try Checkpoint(contentsOf: MiniRun.checkpoint(2).path)
        try trainer.resume(from: start)
        guard precision == .float16 else { return trainer }
        // The scale that a run finds by itself in its first steps, which leaves those out.
        start.training = trainer.state
        start.training?.lossScale = LossScale(scale: 256)
        try trainer.resume(from: start)
        return trainer
    }

    /// Goes on for some steps; returns the loss of each, and the checkpoint that was written at the end.
    private func run(_ trainer: Trainer, steps: Int) throws -> (losses: [Double], checkpoint: String) {
        var losses: [Double] = []
        let outcome = try trainer.run(
            onEvent: { if case .step(let step) = $0 { losses.append(step.loss) } },
            shouldStop: { losses.count == steps })
        switch outcome {
        case .finished(let checkpoint), .interrupted(let checkpoint): return (losses, checkpoint)
        }
    }

    @Test("training in bfloat16 goes on from the official epoch 2 within 2 % of its losses")
    func bfloat16() throws {
        let folder = try TemporaryFolder()
        let trainer = try trainer(.bfloat16, in: folder)
        _ = try trainer.run()
        let official = try MiniRun.epochs().filter { $0.epoch > 2 }
        #expect(trainer.records.count == official.count)
        for (found, expected) in zip(trainer.records, official) {
            #expect(abs(found.loss / expected.loss - 1) < 0.02)
            #expect(found.loss != expected.loss)
        }
        #expect(trainer.state.lossScale == nil)
        let written = try Checkpoint(contentsOf: folder.file("ckpts/ckpt_mini/epoch5.safetensors"))
        #expect(written.weights.values.allSatisfy { $0.dtype == .float32 })
    }

    // Few steps: on a CPU, half precision is slow.
    @Test(
        "half precision learns as single precision does, also when it is stopped and resumed",
        arguments: [Precision.float16, .bfloat16])
    func halfPrecision(_ precision: Precision) throws {
        let folder = try TemporaryFolder()
        let exact = try run(trainer(.float32, in: folder), steps: 3)
        let whole = try trainer(precision, in: folder)
        let found = try run(whole, steps: 3)
        #expect(found.losses.count == 3)
        for (loss, expected) in zip(found.losses, exact.losses) {
            #expect(abs(loss / expected - 1) < 0.02)
            #expect(loss != expected)
        }
        #expect(whole.state.skippedSteps == nil)

        let stopped = try trainer(precision, in: folder)
        let file = try run(stopped, steps: 2).checkpoint
        let resumed = try trainer(precision, in: folder)
        try resumed.resume(from: Checkpoint(contentsOf: file))
        #expect(resumed.state.lossScale == stopped.state.lossScale)
        _ = try run(resumed, steps: 1)
        let (weights, expected) = (try resumed.checkpoint().weights, try whole.checkpoint().weights)
        #expect(weights.count == expected.count)
        for (name, tensor) in expected {
            let found = try #require(weights[name]).array(of: Float.self)
            let differences = try zip(found, tensor.array(of: Float.self)).map { abs($0 - $1) }.filter {
                $0 != 0
            }
            #expect(
                differences.isEmpty,
                "\(name): \(differences.count) of \(found.count) differ, by \(differences.max() ?? 0) at most"
            )
        }
    }

    @Test("a step whose gradients half precision cannot hold is left out of the weights and of Adam's count")
    func skippedStep() throws {
        let folder = try TemporaryFolder()
        let trainer = try trainer(.float16, in: folder)
        // A copy of the weights: training changes them in place.
        var start = try Checkpoint(contentsOf: MiniRun.checkpoint(2).path)
        start.training = trainer.state
        start.training?.lossScale = LossScale(scale: 1e12)
        try trainer.resume(from: start)
        _ = try run(trainer, steps: 1)
        let after = try trainer.checkpoint()
        #expect(after.training?.skippedSteps == 1)
        #expect(after.training?.lossScale?.scale == 5e11)
        #expect(after.stepCount == start.stepCount)
        for (name, tensor) in start.weights {
            #expect(try after.weights[name]?.array(of: Float.self) == tensor.array(of: Float.self), "\(name)")
        }
    }

    @Test("weights that are no numbers give an error, not the first answer to everything")
    func notFinite() throws {
        let mini = try MiniDataset()
        let model = try mini.model()
        var weights = try Checkpoint(contentsOf: MiniRun.checkpoint(2).path).weights
        weights["proj.bias"] = try Tensor.full([mini.answers.count], Double.nan)
        try model.load(weights)
        let predictor = Predictor(model, device: .cpu, mini.training)
        #expect(throws: LogitsNotFiniteError.self) { try predictor.answer(mini.questions(.test)) }
    }

    @Test(
        "weights of 8 bits answer the official questions as single precision does",
        .enabled(
            if: (try? TorchRuntime.requireInt8Products()) != nil, "the processor has no AVX-512 VNNI"))
    func int8Answers() throws {
        let mini = try MiniDataset()
        let model = try mini.model()
        try model.load(Checkpoint(contentsOf: MiniRun.checkpoint(5).path).weights)
        func answer() throws -> (best: [AnswerIndex], logits: [Tensor]) {
            var logits: [Tensor] = []
            let answers = try Predictor(model, device: .cpu, mini.training)
                .answer(mini.questions(.test), onLogits: { logits.append($0) })
            return (answers.best, logits)
        }
        let exact = try answer()
        try model.roundToInt8()
        let rounded = try answer()
        let difference = try (Tensor.concatenate(exact.logits) - Tensor.concatenate(rounded.logits))
            .absolute()
            .maximum().item()
        #expect(difference > 0)
        #expect(difference < 0.1)
        #expect(rounded.best == exact.best)
    }
}
