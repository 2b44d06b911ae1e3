import Foundation
import Testing
import Torch
import VQABatches
import VQADatasets
import VQAModels
@testable import VQATraining

/// MCAN's numbers against those of openvqa and mcan-vqa, on the same weights and questions.
@Suite(.serialized) struct MCANParityTests {
    private func difference(_ found: Tensor, _ expected: Tensor) throws -> Double {
        #expect(found.shape == expected.shape)
        return try (found - expected).absolute().maximum().item()
    }

    @Test("six questions get the official logits", arguments: ZooCase.names)
    func logits(name: String) throws {
        let zoo = try ZooCase(name)
        let model = try zoo.model()
        model.setTraining(false)
        let logits = try withoutGradients { try model(zoo.batch()) }
        let expected = try zoo.tensors["logits_before_sigmoid"] ?? zoo.tensor("logits")
        #expect(try difference(logits, expected) < 1e-4)
        if zoo.tensors["logits_before_sigmoid"] != nil {
            // mcan-vqa's network gives sigmoids.
            #expect(try difference(logits.sigmoid(), zoo.tensor("logits")) < 1e-5)
        }
    }

    @Test("a question's logits do not depend on the questions beside it", arguments: ZooCase.names)
    func oneByOne(name: String) throws {
        let zoo = try ZooCase(name)
        let model = try zoo.model()
        model.setTraining(false)
        let expected = try zoo.tensors["logits_before_sigmoid"] ?? zoo.tensor("logits")
        for row in 0..<6 {
            let logits = try withoutGradients { try model(zoo.batch(row..<row + 1)) }
            #expect(
                try difference(logits, expected.narrowed(axis: 0, start: row, length: 1)) < 1e-4,
                "question \(row)")
        }
    }

    @Test(
        "in half precision and with weights of 8 bits, logits stay near the official ones",
        arguments: ZooCase.names)
    func reducedPrecision(name: String) throws {
        let zoo = try ZooCase(name)
        let model = try zoo.model()
        model.setTraining(false)
        let expected = try zoo.tensors["logits_before_sigmoid"] ?? zoo.tensor("logits")
        let largest = try expected.absolute().maximum().item()
        let half = try withoutGradients {
            try Precision.bfloat16.autocast(on: .cpu) { try model(zoo.batch()) }.converted(to: .float32)
        }
        #expect(try difference(half, expected) < 0.05 * largest)
        guard (try? TorchRuntime.requireInt8Products()) != nil else { return }
        try model.roundToInt8()
        let rounded = try withoutGradients { try model(zoo.batch()) }
        #expect(try difference(rounded, expected) < 0.05 * largest)
        #expect(try difference(rounded, expected) > 1e-4, "they are rounded")
    }

    @Test("the losses are the official ones, summed and as a mean", arguments: ZooCase.names)
    func losses(name: String) throws {
        let zoo = try ZooCase(name)
        let (model, batch) = (try zoo.model(), try zoo.batch())
        let targets = try #require(batch.targets)
        for (key, reduction) in [("bce sum", Loss.Reduction.sum), ("bce elementwise_mean", .mean)] {
            guard let expected = zoo.expected.losses[key] else { continue }
            let found = try Loss.binaryCrossEntropy(
                logits: model(batch), targets: targets, reduction: reduction
            ).item()
            #expect(abs(found / expected - 1) < 1e-6, "\(key)")
        }
    }

    @Test("the first gradient of every parameter is the official one", arguments: ZooCase.names)
    func gradients(name: String) throws {
        let zoo = try ZooCase(name)
        let (model, batch) = (try zoo.model(), try zoo.batch())
        try SoftLoss.of(model, batch).backward()
        let parameters = model.namedParameters()
        #expect(parameters.count == zoo.expected.parameters.count)
        try expectSums(zoo, \.first_gradient) { name in
            parameters.first { $0.name == name }?.tensor.gradient
        }
    }

    @Test(
        "three steps with a new optimizer, and three with the checkpoint's, are the official ones",
        arguments: ZooCase.names, [false, true])
    func steps(name: String, isResumed: Bool) throws {
        let zoo = try ZooCase(name)
        let (model, checkpoint) = (try zoo.model(), try zoo.checkpoint())
        let optimizer = try OptimizerChoice.optimizer(of: model.namedParameters(), zoo.training)
        if isResumed {
            #expect(checkpoint.stepCount == zoo.expected.run.optimizer_steps)
            #expect(checkpoint.optimizerProblem == nil)
            try optimizer.restore(checkpoint.optimizerState, stepCount: checkpoint.stepCount)
        }
        let schedule = StepSchedule(zoo.training, exampleCount: zoo.expected.run.data_size)
        let maker = try Stepping.immediate.makeSteps(
            model, optimizer, device: .cpu, precision: .float32, lossScale: nil)
        model.setTraining(true)
        let parts = zoo.training.gradAccuSteps
        for expected in isResumed ? zoo.expected.resumed : zoo.expected.fresh {
            let rate = schedule.rate(step: optimizer.stepCount + 1, base: zoo.training.lrBase)
            #expect(abs(rate / expected.rate - 1) < 1e-9)
            let size = 6 / parts
            let batches = try (0..<parts).map { try zoo.batch($0 * size..<($0 + 1) * size) }
            try maker.step(batches, learningRate: rate)
            let figures = try maker.figures()
            #expect(abs(figures.lossSum / expected.loss - 1) < 1e-4)
            #expect(abs(figures.gradientNormSum / expected.gradient_norm - 1) < 1e-3)
        }
        let state = try model.state()
        try expectSums(zoo, isResumed ? \.after_resumed : \.after_fresh) { state[$0] }
        guard isResumed else { return }
        model.setTraining(false)
        let logits = try withoutGradients { try model(zoo.batch()) }
        // mcan-vqa's are sigmoids.
        let found = zoo.options.release == MCANOptions.mcanVQA ? try logits.sigmoid() : logits
        #expect(try difference(found, zoo.tensor("logits_after_resumed_steps")) < 1e-3)
    }

    /// Holds that the sums of tensors are the expected ones.
    private func expectSums(
        _ zoo: ZooCase, _ which: KeyPath<ZooCase.Expected.Parameter, [Double]>,
        _ tensor: (String) -> Tensor?
    ) throws {
        for parameter in zoo.expected.parameters {
            let expected = parameter[keyPath: which]
            let found = try #require(tensor(parameter.name), "\(parameter.name)")
            #expect(found.shape == parameter.shape, "\(parameter.name)")
            let values = try found.array(of: Float.self).map(Double.init)
            let (sum, absolute) = (values.reduce(0, +), values.reduce(0) { $0 + abs($1) })
            #expect(abs(sum - expected[0]) <= expected[2], "sum of \(parameter.name)")
            #expect(abs(absolute - expected[1]) <= expected[2], "absolute sum of \(parameter.name)")
        }
    }
}

/// The loss that training makes small.
private enum SoftLoss {
    static func of(_ model: MCAN, _ batch: Batch) throws -> Tensor {
        try TrainedNetwork(
            model: model, device: .cpu, precision: .float32, answerLoss: SoftScoreLoss()
        ).loss(batch)
    }
}
