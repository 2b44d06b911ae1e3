import Torch
import VQABatches

/// Steps of which each is made, and its loss looked at, before the next begins; by one process, or several that each learn
/// from a share of its questions.
final class ImmediateSteps: StepMaker {
    let figuresInterval = 1

    private let network: TrainedNetwork
    private let optimizer: any Optimizer
    /// With the other processes; nil for one alone.
    private let exchange: GradientExchange?
    private var collected: StepFigures

    /// - Parameters:
    ///   - network: The network that is trained.
    ///   - optimizer: Of its parameters.
    ///   - lossScale: What the first loss is scaled by; nil scales none.
    ///   - exchange: With the other processes; nil for one alone.
    init(
        _ network: TrainedNetwork, _ optimizer: any Optimizer, lossScale: LossScale?,
        exchange: GradientExchange? = nil
    ) {
        self.network = network
        self.optimizer = optimizer
        self.exchange = exchange
        collected = StepFigures(lossScale: lossScale)
    }

    func step(_ batches: [Batch], learningRate: Double) throws {
        collected.stepCount += 1
        try network.model.dropGradients()
        var losses = try batches.map(learn)
        if let exchange { losses = try Profiler.named("adding losses") { try exchange.losses(losses) } }
        guard !losses.isEmpty else {
            collected.skippedSteps += 1
            return
        }
        for loss in losses {
            guard loss.isFinite else { throw LossNotFiniteError(loss: loss) }
            collected.lossSum += loss
        }
        if let exchange { try Profiler.named("adding gradients") { try exchange.addUp() } }
        optimizer.learningRate = learningRate
        try Profiler.named("optimizer") { try update() }
    }

    /// Adds a batch's gradients to those that are there, unless its loss, which is returned, is not finite.
    private func learn(_ batch: Batch) throws -> Double {
        let loss = try network.loss(batch.moved(to: network.device))
        let value = try loss.item()
        guard value.isFinite else { return value }
        try Profiler.named("backward") { try (collected.lossScale?.scaled(loss) ?? loss).backward() }
        return value
    }

    /// The optimizer's step, unless half precision has made a gradient infinite.
    private func update() throws {
        let gradients = optimizer.gradients
        guard try collected.lossScale?.unscale(gradients) ?? true else {
            collected.skippedSteps += 1
            return
        }
        let norm = try GradientNorm.of(gradients).item()
        guard norm.isFinite else { throw GradientNotFiniteError(norm: norm) }
        collected.gradientNormSum += norm
        try optimizer.step()
    }

    func figures() -> StepFigures {
        defer { collected = StepFigures(lossScale: collected.lossScale) }
        return collected
    }
}
