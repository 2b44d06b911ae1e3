import Torch
import VQABatches

/// Steps that are given to the device, or to several, ahead of their results.
///
/// On one device a step is one piece of work: forward, backward and update. On several, each has a copy of the network
/// and learns from its share of the batch; then the gradients are added up on the first device, which makes the
/// optimizer's step and hands its weights to the others. Of several processes each has a device and its share of the
/// questions; gradients are added up on the devices, and each makes the optimizer's step.
final class DeferredSteps: StepMaker {
    /// So many steps may wait for the device, with their batches.
    let figuresInterval = 20

    private let replicas: [Replica]
    private let update: any DeviceOptimizer
    private let exchange: ReplicaExchange?
    private let partners: DevicePartners?
    private var stepCount = 0
    /// How many of the steps whose results are to come had no batch.
    private var emptySteps = 0

    /// How often a recording has taken the place of a step's work.
    var repeatedSteps: Int { replicas.reduce(0) { $0 + $1.repeatedSteps } }

    /// - Parameters:
    ///   - network: The network that is trained.
    ///   - exchange: With copies of the network on further devices; nil for one device.
    ///   - partners: The other processes, each with a device; nil for one process.
    ///   - optimizer: Of the network's parameters.
    ///   - lossScale: What the first loss is scaled by; nil scales none.
    ///   - isRecording: Whether steps are recorded.
    /// - Throws: `TorchError` where memory is short.
    init(
        _ network: TrainedNetwork, _ exchange: ReplicaExchange? = nil, _ partners: DevicePartners? = nil,
        _ optimizer: any Optimizer, lossScale: LossScale?, isRecording: Bool
    ) throws {
        let update = try optimizer.onDevice(network.device, lossScale: lossScale)
        try exchange?.spread(update.scale)
        let first = try Replica(
            network, isRecording: isRecording, scaled: { try update.scaled($0) }, update: update.step,
            buckets: partners?.buckets)
        let copies = exchange?.copies ?? []
        let others = try copies.enumerated().map { index, copy in
            try Replica(
                copy, isRecording: isRecording,
                scaled: { try update.scaled($0, by: exchange?.scales[index]) }, update: {})
        }
        replicas = [first] + others
        (self.update, self.exchange, self.partners) = (update, exchange, partners)
    }

    func step(_ batches: [Batch], learningRate: Double) throws {
        if let partners { return try share(batches, with: partners, learningRate) }
        guard !batches.isEmpty else { return skip() }
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

    /// A step with the GPUs of other processes.
    private func share(_ batches: [Batch], with partners: DevicePartners, _ learningRate: Double) throws {
        let replica = replicas[0]
        let agreement = try partners.agree(on: batches.last.map(replica.part) ?? .nothing)
        guard agreement != .nothing else { return skip() }
        if agreement == .new, let last = batches.last { replica.number(last) }
        try partners.step(agreement) {
            try update.setLearningRate(learningRate)
            for batch in batches.dropLast() {
                try replica.learn(batch.moved(to: replica.network.device), isUpdating: false)
            }
            if let last = batches.last {
                try replica.learn(
                    last.moved(to: replica.network.device), isUpdating: true,
                    mayRecord: agreement != .unrecorded)
            } else {
                try replica.learnNothing()
            }
        }
        stepCount += 1
    }

    private func skip() {
        stepCount += 1
        emptySteps += 1
    }

    func figures() throws -> StepFigures {
        try partners?.waitForSteps()
        let update = try update.figures()
        let own = try replicas.map { try $0.takeLossSum() }
        let figures = StepFigures(
            stepCount: stepCount, lossSum: try (partners?.all(own) ?? own).reduce(0, +),
            skippedSteps: update.skippedSteps + emptySteps, gradientNormSum: update.gradientNormSum,
            lossScale: update.lossScale)
        (stepCount, emptySteps) = (0, 0)
        guard figures.lossSum.isFinite else { throw LossNotFiniteError(loss: figures.lossSum) }
        guard figures.gradientNormSum.isFinite else {
            throw GradientNotFiniteError(norm: figures.gradientNormSum)
        }
        return figures
    }

    func end() {
        guard let partners else { return }
        for replica in replicas { replica.forgetRecordings() }
        partners.end()
    }
}
