import Torch
import VQABatches

/// Steps of which each is made, and its loss looked at, before the next begins.
final class ImmediateSteps: StepMaker {
    let figuresInterval = 1

    private let network: TrainedNetwork
    private let optimizer: any Optimizer
    private var collected: StepFigures

    init(_ network: TrainedNetwork, _ optimizer: any Optimizer, lossScale: LossScale?) {
        self.network = network
        self.optimizer = optimizer
        collected = StepFigures(lossScale: lossScale)
    }

    func step(_ batches: [Batch], learningRate: Double) throws {
        collected.stepCount += 1
        guard !batches.isEmpty else {
            collected.skippedSteps += 1
            return
        }
        try network.model.dropGradients()
        for batch in batches {
            let loss = try network.loss(batch.moved(to: network.device))
            let value = try loss.item()
            guard value.isFinite else { throw LossNotFiniteError(loss: value) }
            try Profiler.named("backward") { try (collected.lossScale?.scaled(loss) ?? loss).backward() }
            collected.lossSum += value
        }
        optimizer.learningRate = learningRate
        try Profiler.named("optimizer") { try update() }
    }

    /// The optimizer's step, unless half precision has made a gradient infinite.
    private func update() throws {
        let gradients = optimizer.gradients
        guard try collected.lossScale?.unscale(gradients) ?? true else {
            collected.skippedSteps += 1
            return
        }
        collected.gradientNormSum += try GradientNorm.of(gradients).item()
        try optimizer.step()
    }

    func figures() -> StepFigures {
        defer { collected = StepFigures(lossScale: collected.lossScale) }
        return collected
    }
}
