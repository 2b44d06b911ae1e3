import Torch
import VQAData
import VQAModels

/// Steps that are given to the device ahead of their results.
///
/// Recorded, a step is handed over as a whole (``Torch/RecordedWork``): forward, backward and update. What is
/// recorded works on the memory and the shapes it was recorded with, so batches are filled up to a few shapes
/// (``VQAData/BatchShapes``), and the numbers of each are copied to where those of the first one of its shape were.
final class DeferredSteps: StepMaker {
    /// So many steps may wait for the device, with their batches.
    let figuresInterval = 20

    private let network: TrainedNetwork
    private let update: DeviceAdam
    private let lossSum: Tensor  // float64 []
    private var stepCount = 0
    private let isRecording: Bool
    private var recordings: [Shape: Recording] = [:]
    /// How often a recording has taken the place of a step's work.
    private(set) var repeatedSteps = 0

    /// What makes two steps the same work: the shapes of what the batches hold, and whether an update follows.
    private struct Shape: Hashable {
        let tensors: [[Int]]
        let isUpdating: Bool
    }

    /// A step's work, and the batch that it reads.
    private struct Recording {
        var timesDone = 0
        var batch: Batch?
        var work: RecordedWork?
    }

    /// So often a step is made before it is recorded: libtorch chooses and sets up its algorithms in the first ones.
    private static let timesBeforeRecording = 2
    /// Each recording keeps some memory of the device; steps of further shapes are made as they are.
    private static let mostRecordings = 64

    init(_ network: TrainedNetwork, _ optimizer: Adam, lossScale: LossScale?, isRecording: Bool) throws {
        self.network = network
        self.isRecording = isRecording
        if isRecording { try network.device.useOwnStream() }
        update = try DeviceAdam(optimizer, lossScale: lossScale, on: network.device)
        lossSum = try Tensor.zeros([], dtype: .float64, device: network.device)
    }

    func step(parts: Int, learningRate: Double, next: () throws -> Batch?) throws {
        try update.setLearningRate(learningRate)
        for part in 1...parts {
            guard let batch = try next()?.moved(to: network.device) else { break }
            try make(batch, isUpdating: part == parts)
        }
        stepCount += 1
    }

    private func make(_ batch: Batch, isUpdating: Bool) throws {
        guard isRecording else { return try work(batch, isUpdating: isUpdating) }
        let shape = Shape(tensors: try batch.tensors.map(\.shape), isUpdating: isUpdating)
        var recording = recordings[shape] ?? Recording()
        if let work = recording.work {
            try recording.batch?.copyTensors(from: batch)
            repeatedSteps += 1
            try Profiler.named("recorded step") { try work.run() }
            return
        }
        let isCounted = recordings[shape] != nil || recordings.count < Self.mostRecordings
        guard isCounted, recording.timesDone == Self.timesBeforeRecording else {
            recording.timesDone += 1
            if isCounted { recordings[shape] = recording }
            return try work(batch, isUpdating: isUpdating)
        }
        let other = recordings.values.lazy.compactMap(\.work).first
        let work = try RecordedWork(on: network.device, sharingMemoryOf: other) { [unowned self] in
            try self.work(batch, isUpdating: isUpdating)
        }
        (recording.batch, recording.work) = (batch, work)
        recordings[shape] = recording
        try work.run()
    }

    /// What is done with a part of a batch: everything in it is work for the device.
    private func work(_ batch: Batch, isUpdating: Bool) throws {
        let loss = try network.loss(batch)
        try withoutGradients { try lossSum.addInPlace(loss.detached()) }
        try Profiler.named("backward") { try update.scaled(loss).backward() }
        if isUpdating { try Profiler.named("optimizer") { try update.step() } }
    }

    func figures() throws -> StepFigures {
        let update = try update.figures()
        let figures = StepFigures(
            stepCount: stepCount, lossSum: try lossSum.item(), skippedSteps: update.skippedSteps,
            gradientNormSum: update.gradientNormSum, lossScale: update.lossScale)
        guard figures.lossSum.isFinite else { throw LossNotFiniteError(loss: figures.lossSum) }
        try lossSum.fill(0)
        stepCount = 0
        return figures
    }
}
