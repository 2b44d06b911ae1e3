import Torch
import VQABatches

/// Steps that are given to the device, or to several, ahead of their results.
///
/// On one device a step is one piece of work: forward, backward and update. On several, each has a copy of the network
/// and learns from its share of the batch; then the gradients are added up on the first device, which makes the
/// optimizer's step and hands its weights to the others.
final class DeferredSteps: StepMaker {
    /// So many steps may wait for the device, with their batches.
    let figuresInterval = 20

    private let replicas: [Replica]
    private let update: any DeviceOptimizer
    private let exchange: ReplicaExchange?
    private var stepCount = 0
    /// How many of the steps whose results are to come had no batch.
    private var emptySteps = 0

    /// How often a recording has taken the place of a step's work.
    var repeatedSteps: Int { replicas.reduce(0) { $0 + $1.repeatedSteps } }

    /// - Parameters:
    ///   - network: The network that is trained.
    ///   - copies: The same on further devices.
    ///   - optimizer: Of the network's parameters.
    ///   - lossScale: What the first loss is scaled by; nil scales none.
    ///   - isRecording: Whether steps are recorded.
    /// - Throws: `TorchError` where memory is short, or a copy is not one.
    init(
        _ network: TrainedNetwork, copies: [TrainedNetwork] = [], _ optimizer: any Optimizer,
        lossScale: LossScale?,
        isRecording: Bool
    ) throws {
        let exchange = copies.isEmpty ? nil : try ReplicaExchange(network, copies)
        let update = try optimizer.onDevice(network.device, lossScale: lossScale)
        try exchange?.spread(update.scale)
        let first = try Replica(
            network, isRecording: isRecording, scaled: { try update.scaled($0) }, update: update.step)
        let others = try copies.enumerated().map { index, copy in
            try Replica(
                copy, isRecording: isRecording,
                scaled: { try update.scaled($0, by: exchange?.scales[index]) }, update: {})
        }
        replicas = [first] + others
        (self.update, self.exchange) = (update, exchange)
    }

    func step(_ batches: [Batch], learningRate: Double) throws {
        guard !batches.isEmpty else {
            stepCount += 1
            emptySteps += 1
            return
        }
        try update.setLearningRate(learningRate)
        for (index, batch) in batches.enumerated() {
            let replica = replicas[index % replicas.count]
            try replica.learn(
                batch.moved(to: replica.network.device),
                isUpdating: exchange == nil && index == batches.count - 1)
        }
        if let exchange {
            try Profiler.named("adding gradients") { try exchange.gather() }
            try Profiler.named("optimizer") { try update.step() }
            try Profiler.named("handing out weights") { try exchange.spread(update.scale) }
        }
        stepCount += 1
    }

    func figures() throws -> StepFigures {
        let update = try update.figures()
        let figures = StepFigures(
            stepCount: stepCount, lossSum: try replicas.reduce(0) { $0 + (try $1.takeLossSum()) },
            skippedSteps: update.skippedSteps + emptySteps, gradientNormSum: update.gradientNormSum,
            lossScale: update.lossScale)
        (stepCount, emptySteps) = (0, 0)
        guard figures.lossSum.isFinite else { throw LossNotFiniteError(loss: figures.lossSum) }
        guard figures.gradientNormSum.isFinite else {
            throw GradientNotFiniteError(norm: figures.gradientNormSum)
        }
        return figures
    }
}
