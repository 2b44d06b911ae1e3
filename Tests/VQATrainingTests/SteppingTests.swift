import Collectives
import Foundation
import NCCLDouble
import TestSupport
import Testing
import Torch
import VQABatches
import VQADatasets
@testable import VQATraining

/// Steps that are given to a device ahead of their results, as on a GPU; here on the CPU.
@Suite(.serialized) struct SteppingTests {
    private func trainer(
        _ stepping: Stepping, in folder: TemporaryFolder, precision: Precision = .float32,
        device: Device = .cpu, helpers: [Device] = [], dropout: Double = 0,
        change: (inout TrainingOptions) -> Void = { _ in }
    ) throws -> Trainer {
        var mini = try MiniDataset(dropout: dropout)
        change(&mini.training)
        var setup = try mini.setup(in: folder.url)
        try setup.model.move(to: device)
        setup.device = device
        setup.precision = precision
        setup.stepping = stepping
        if stepping == .recorded {
            setup.training.shapes = try BatchShapes(
                questions: mini.training.batchSize / mini.training.gradAccuSteps, regionStep: 32,
                wordStep: 32, maximumRegions: mini.data.imgFeatPadSize,
                maximumWords: mini.data.maxToken)
        }
        if device == .cpu { setup.deviceLibrary = { NCCLLibrary(nccl_double()) } }
        setup.helpers = helpers.map { Trainer.Setup.Helper(device: $0, training: setup.training) }
        let trainer = try Trainer(setup, seed: 0)
        try trainer.resume(from: Checkpoint(contentsOf: MiniRun.checkpoint(2).path))
        return trainer
    }

    private func expectOfficial(_ records: [EpochRecord], within bound: Double) throws {
        let official = try MiniRun.epochs().filter { $0.epoch > 2 }
        #expect(records.first?.epoch == 3)
        for (found, expected) in zip(records, official) {
            #expect(abs(found.loss / expected.loss - 1) < bound)
            #expect(found.lr == expected.lr)
            #expect(abs(try #require(found.overall) - expected.overall) <= 0.5)
        }
    }

    @Test(
        "going on from the official epoch 2 gives the official losses, rates and accuracies",
        arguments: [Stepping.deferred, .recorded])
    func official(stepping: Stepping) throws {
        let folder = try TemporaryFolder()
        let trainer = try trainer(stepping, in: folder)
        _ = try trainer.run()
        #expect(trainer.records.count == 3)
        try expectOfficial(trainer.records, within: 1e-3)
    }

    @Test(
        "steps that several devices share give the official losses, rates and accuracies, in parts too",
        arguments: [(Stepping.deferred, 1), (.recorded, 2)])
    func shared(stepping: Stepping, parts: Int) throws {
        let folder = try TemporaryFolder()
        // Three devices, among which no part can be divided evenly.
        let trainer = try trainer(stepping, in: folder, helpers: [.cpu, .cpu]) {
            $0.gradAccuSteps = parts
            $0.maxEpoch = 3
        }
        _ = try trainer.run()
        try expectOfficial(trainer.records, within: 1e-3)
    }

    @Test(
        "a step of which no question is left changes nothing, and is counted as left out",
        arguments: [Stepping.immediate, .deferred])
    func emptyStep(stepping: Stepping) throws {
        let mini = try MiniDataset()
        let model = try mini.model()
        let questions = try mini.setup(in: TemporaryFolder().url).training
        let optimizer = try OptimizerChoice.optimizer(of: model.namedParameters(), mini.training)
        let maker = try stepping.makeSteps(
            model, optimizer, device: .cpu, precision: .float32, lossScale: nil)
        func weights() throws -> [[UInt8]] {
            try model.parameters().map { try $0.withUnsafeBytes { Array($0) } }
        }
        // With moments from a step before, every step moves the weights.
        try maker.step([questions.batch(rows: 0..<4)], learningRate: 0.1)
        let first = try maker.figures()
        #expect(first.stepCount == 1 && first.skippedSteps == 0 && first.lossSum > 0)
        let before = try weights()
        try maker.step([], learningRate: 0.1)
        #expect(try weights() == before)
        let empty = try maker.figures()
        #expect(empty.stepCount == 1 && empty.skippedSteps == 1 && empty.lossSum == 0)
        try maker.step([questions.batch(rows: 0..<4)], learningRate: 0.1)
        #expect(try weights() != before)
        #expect(try maker.figures().skippedSteps == 0)
        #expect(optimizer.stepCount == 2)
    }

    @Test("half precision is scaled alike on all devices")
    func sharedScale() throws {
        let folder = try TemporaryFolder()
        let trainer = try trainer(.deferred, in: folder, precision: .float16, helpers: [.cpu])
        var start = try Checkpoint(contentsOf: MiniRun.checkpoint(2).path)
        start.training = trainer.state
        start.training?.lossScale = LossScale(scale: 256)
        try trainer.resume(from: start)
        let exact = try self.trainer(.immediate, in: TemporaryFolder())
        var losses: [Double] = []
        for trainer in [trainer, exact] {
            var steps = 0
            _ = try trainer.run(
                onEvent: { if case .step = $0 { steps += 1 } }, shouldStop: { steps == 2 })
            losses.append(trainer.state.lossSum)
        }
        #expect(abs(losses[0] / losses[1] - 1) < 0.02)
        #expect(losses[0] != losses[1] && trainer.state.skippedSteps == nil)
    }

    @Test("more devices than questions in a part are refused with both numbers")
    func tooManyDevices() throws {
        let error = #expect(throws: TrainingError.self) {
            try trainer(.deferred, in: TemporaryFolder(), helpers: [.cpu]) { $0.gradAccuSteps = $0.batchSize }
        }
        #expect(try #require(error).description.contains("1, found 2"))
    }

    @Test("steps of a shape that has come before are repeated, and make what steps do that are not")
    func repeated() throws {
        func run(_ isRecording: Bool) throws -> (
            figures: StepFigures, weights: [String: Tensor], repeated: Int
        ) {
            let mini = try MiniDataset()
            let model = try mini.model()
            try model.load(Checkpoint(contentsOf: MiniRun.checkpoint(2).path).weights)
            var builder = try mini.setup(in: TemporaryFolder().url).training
            builder.shapes = try BatchShapes(
                questions: 8, maximumRegions: mini.data.imgFeatPadSize,
                maximumWords: mini.data.maxToken)
            let steps = try DeferredSteps(
                TrainedNetwork(
                    model: model, device: .cpu, precision: .float32, answerLoss: SoftScoreLoss()), nil, nil,
                Adam(model.namedParameters(), learningRate: 0), lossScale: nil, isRecording: isRecording)
            for step in 0..<12 {
                let start = step % 2 * 8
                try steps.step([builder.batch(rows: start..<start + 8)], learningRate: 1e-3)
            }
            return (try steps.figures(), try model.state(), steps.repeatedSteps)
        }
        let (plain, recorded) = (try run(false), try run(true))
        #expect(plain.repeated == 0 && recorded.repeated >= 6)
        #expect(recorded.figures == plain.figures)
        for (name, tensor) in plain.weights {
            #expect(
                try recorded.weights[name]?.array(of: Float.self) == tensor.array(of: Float.self), "\(name)")
        }
    }

    @Test("gradients of parts add up, and their norm is that of steps made at once")
    func parts() throws {
        func record(_ stepping: Stepping, parts: Int) throws -> EpochRecord {
            let trainer = try trainer(stepping, in: TemporaryFolder()) {
                $0.gradAccuSteps = parts
                $0.maxEpoch = 3
                $0.evalEveryEpoch = false
            }
            _ = try trainer.run()
            return try #require(trainer.records.first)
        }
        let expected = try record(.immediate, parts: 1)
        let norm = try #require(expected.gradientNorm)
        #expect(norm > 0)
        for stepping in [Stepping.deferred, .recorded] {
            let found = try record(stepping, parts: 4)
            #expect(abs(found.loss / expected.loss - 1) < 1e-4)
            #expect(abs(try #require(found.gradientNorm) / norm - 1) < 1e-2)
        }
    }

    @Test("stopped between two looks at the results and gone on with, a run ends with the same weights")
    func stopped() throws {
        func weights(stoppingAfter stop: Int?) throws -> Checkpoint {
            let folder = try TemporaryFolder()
            var trainer = try trainer(.recorded, in: folder) { $0.maxEpoch = 3 }
            if let stop {
                var steps = 0
                let outcome = try trainer.run(
                    onEvent: { if case .step = $0 { steps += 1 } }, shouldStop: { steps == stop })
                guard case .interrupted(let file) = outcome else { throw InterruptedError() }
                trainer = try self.trainer(.recorded, in: folder) { $0.maxEpoch = 3 }
                try trainer.resume(from: Checkpoint(contentsOf: file))
            }
            _ = try trainer.run()
            #expect(abs(trainer.records[0].loss / 4.5754843 - 1) < 1e-3)
            return try trainer.checkpoint()
        }
        let (whole, stopped) = (try weights(stoppingAfter: nil), try weights(stoppingAfter: 7))
        #expect(whole.stepCount == stopped.stepCount)
        for (name, tensor) in whole.weights {
            #expect(
                try stopped.weights[name]?.array(of: Float.self) == tensor.array(of: Float.self), "\(name)")
        }
    }

    @Test("half precision leaves out a step whose gradients it cannot hold, and finds its scale")
    func scaled() throws {
        let folder = try TemporaryFolder()
        let trainer = try trainer(.deferred, in: folder, precision: .float16)
        var start = try Checkpoint(contentsOf: MiniRun.checkpoint(2).path)
        start.training = trainer.state
        start.training?.lossScale = LossScale(scale: 1e12)
        try trainer.resume(from: start)
        var steps = 0
        _ = try trainer.run(
            onEvent: { if case .step = $0 { steps += 1 } }, shouldStop: { steps == 2 })
        let after = try trainer.checkpoint()
        #expect(after.training?.skippedSteps == 2)
        #expect(abs(try #require(after.training?.lossScale?.scale) / 2.5e11 - 1) < 1e-6)
        #expect(after.stepCount == start.stepCount)
    }

    @Test("a loss that is no number ends the run, and says in which epoch")
    func notFinite() throws {
        let folder = try TemporaryFolder()
        let trainer = try trainer(.recorded, in: folder) { $0.lrBase = 1e30 }
        trainer.resetLearningRate()
        let error = #expect(throws: TrainingError.self) { try trainer.run() }
        #expect(try #require(error).description.contains("of epoch 3"))
    }

    @Test(
        "gradients that are no numbers end the run though the loss is one, before the weights take them",
        arguments: [Stepping.immediate, .deferred])
    func gradientNotFinite(stepping: Stepping) throws {
        let folder = try TemporaryFolder()
        var setup = try MiniDataset().setup(in: folder.url)
        setup.stepping = stepping
        setup.loss = SteepLoss()
        let trainer = try Trainer(setup, seed: 0)
        try trainer.resume(from: Checkpoint(contentsOf: MiniRun.checkpoint(2).path))
        let error = #expect(throws: TrainingError.self) { try trainer.run() }
        let description = try #require(error).description
        #expect(description.hasPrefix("the norm of the gradients became "))
        #expect(description.contains("of epoch 3"))
        guard stepping == .immediate else { return }
        let start = try Checkpoint(contentsOf: MiniRun.checkpoint(2).path).weights
        for (name, tensor) in try trainer.checkpoint().weights {
            #expect(try tensor.array(of: Float.self) == start[name]?.array(of: Float.self), "\(name)")
        }
    }

    @Test(
        "in half precision such gradients end the run when no scale can help",
        arguments: [Stepping.immediate, .deferred])
    func exhaustedScale(stepping: Stepping) throws {
        let folder = try TemporaryFolder()
        var setup = try MiniDataset().setup(in: folder.url)
        (setup.stepping, setup.precision, setup.loss) = (stepping, .float16, SteepLoss())
        let trainer = try Trainer(setup, seed: 0)
        var start = try Checkpoint(contentsOf: MiniRun.checkpoint(2).path)
        start.training = trainer.state
        start.training?.lossScale = LossScale(scale: 0x1p-22)
        try trainer.resume(from: start)
        let error = #expect(throws: TrainingError.self) { try trainer.run() }
        #expect(try #require(error).description.hasPrefix("the norm of the gradients became inf "))
    }

    @Test(
        "on a GPU the official run goes on with the official losses and accuracies",
        .enabled(if: GPU.isThere, GPU.isMissing),
        arguments: Stepping.allCases, [(Precision.float32, 1e-3), (.float16, 2e-2), (.bfloat16, 2e-2)])
    func officialOnGPU(stepping: Stepping, precision: (type: Precision, bound: Double)) throws {
        try GPU.alone {
            let folder = try TemporaryFolder()
            let trainer = try trainer(
                stepping, in: folder, precision: precision.type, device: .best)
            _ = try trainer.run()
            #expect(trainer.records.count == 3)
            try expectOfficial(trainer.records, within: precision.bound)
        }
    }

    @Test(
        "on two GPUs of one process the official run goes on with the official losses and accuracies",
        .enabled(if: GPU.areTwo, GPU.areMissing), arguments: Stepping.allCases.filter { $0 != .immediate })
    func officialOnGPUs(stepping: Stepping) throws {
        try GPU.alone {
            let folder = try TemporaryFolder()
            let trainer = try trainer(stepping, in: folder, device: .cuda(0), helpers: [.cuda(1)])
            _ = try trainer.run()
            try expectOfficial(trainer.records, within: 1e-3)
        }
    }

    @Test(
        "on a GPU a run that was stopped and gone on with ends with the losses of one that was not",
        .enabled(if: GPU.isThere, GPU.isMissing))
    func stoppedOnGPU() throws {
        func loss(stoppingAfter stop: Int?) throws -> Double {
            let folder = try TemporaryFolder()
            func make() throws -> Trainer {
                try self.trainer(.recorded, in: folder, device: .best, dropout: 0.1) { $0.maxEpoch = 3 }
            }
            var trainer = try make()
            if let stop {
                var steps = 0
                let outcome = try trainer.run(
                    onEvent: { if case .step = $0 { steps += 1 } }, shouldStop: { steps == stop })
                guard case .interrupted(let file) = outcome else { throw InterruptedError() }
                trainer = try make()
                try trainer.resume(from: Checkpoint(contentsOf: file))
            }
            _ = try trainer.run()
            return trainer.records[0].loss
        }
        let (whole, stopped) = try GPU.alone {
            (try loss(stoppingAfter: nil), try loss(stoppingAfter: 7))
        }
        #expect(abs(stopped / whole - 1) < 1e-3)
    }
}

/// Zero, with an infinite slope.
private struct SteepLoss: AnswerLoss {
    func callAsFunction(logits: Tensor, targets: Tensor) throws -> Tensor {
        try (logits - logits.detached()).squareRoot().sum()
    }
}
