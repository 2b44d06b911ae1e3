import Torch
import VQABatches

/// A network on a device, the work of its steps, and what has been recorded of it.
///
/// What is recorded works on the memory and the shapes it was recorded with, so batches are filled up to a few shapes
/// (``VQABatches/BatchShapes``), and the numbers of each are copied to where those of the first one of its shape were.
final class Replica {
    let network: TrainedNetwork
    /// How often a recording has taken the place of a step's work.
    private(set) var repeatedSteps = 0

    private let lossSum: Tensor  // float64 []
    private let isRecording: Bool
    /// What backward starts from, in place of the loss.
    private let scaled: (Tensor) throws -> Tensor
    private let update: () throws -> Void
    /// Adds gradients up with those of other processes before the update.
    private let buckets: GradientBuckets?
    private var recordings: [Shape: Recording] = [:]
    private var recordingCount = 0
    /// The forms of batches that have come in steps of which all processes' forms were new, numbered in their order.
    private var formNumbers: [[Int]: Int] = [:]

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
    /// Of so many shapes it is counted how often they come.
    private static let mostShapes = 4096

    /// - Parameters:
    ///   - network: The network, on its device.
    ///   - isRecording: Whether steps are recorded.
    ///   - scaled: Gives what backward starts from for a loss.
    ///   - update: Adam's step: work for the device alone.
    ///   - buckets: Adds gradients up with those of other processes before the update; nil for one process.
    init(
        _ network: TrainedNetwork, isRecording: Bool, scaled: @escaping (Tensor) throws -> Tensor,
        update: @escaping () throws -> Void, buckets: GradientBuckets? = nil
    ) throws {
        (self.network, self.isRecording, self.buckets) = (network, isRecording, buckets)
        (self.scaled, self.update) = (scaled, update)
        lossSum = try Tensor.zeros([], dtype: .float64, device: network.device)
    }

    /// What this process does in a step of which this is the last batch, on any device, for other processes to know.
    func part(of batch: Batch) -> DevicePartners.Part {
        guard isRecording else { return .unrecorded }
        if let number = formNumbers[batch.form] { return .known(number) }
        return formNumbers.count < Self.mostShapes ? .new : .unrecorded
    }

    /// Gives the batch's form a number, for all processes have found that theirs is new.
    func number(_ batch: Batch) { formNumbers[batch.form] = formNumbers.count }

    /// Lets go of all that was recorded.
    func forgetRecordings() { recordings = [:] }

    /// Adds a batch's gradients to those that are there.
    ///
    /// - Parameters:
    ///   - batch: On the network's device.
    ///   - isUpdating: Whether the update follows.
    ///   - mayRecord: Whether it may be recorded, or a recording started; else it counts as none that has come.
    func learn(_ batch: Batch, isUpdating: Bool, mayRecord: Bool = true) throws {
        guard isRecording else { return try work(batch, isUpdating: isUpdating) }
        // A thread's own affair, and a run may be gone on with on another.
        try network.device.useOwnStream()
        guard mayRecord else { return try work(batch, isUpdating: isUpdating) }
        let shape = Shape(tensors: try batch.tensors.map(\.shape), isUpdating: isUpdating)
        var recording = recordings[shape] ?? Recording()
        if let work = recording.work {
            try recording.batch?.copyTensors(from: batch)
            repeatedSteps += 1
            try Profiler.named("recorded step") { try work.run() }
            return
        }
        let isCounted = recordings[shape] != nil || recordings.count < Self.mostShapes
        let isDue = recording.timesDone >= Self.timesBeforeRecording && recordingCount < Self.mostRecordings
        guard isCounted, isDue else {
            recording.timesDone += 1
            if isCounted { recordings[shape] = recording }
            return try work(batch, isUpdating: isUpdating)
        }
        let other = recordings.values.lazy.compactMap(\.work).first
        let work = try RecordedWork(on: network.device, sharingMemoryOf: other) { [unowned self] in
            try self.work(batch, isUpdating: isUpdating)
        }
        recordingCount += 1
        (recording.batch, recording.work) = (batch, work)
        recordings[shape] = recording
        try work.run()
    }

    /// What is done with a batch: everything in it is work for the device.
    private func work(_ batch: Batch, isUpdating: Bool) throws {
        let loss = try network.loss(batch)
        try withoutGradients { try lossSum.addInPlace(loss.detached()) }
        guard isUpdating else { return try Profiler.named("backward") { try scaled(loss).backward() } }
        try addingUp { try Profiler.named("backward") { try scaled(loss).backward() } }
        try Profiler.named("optimizer", update)
    }

    /// Takes part in a step of which other processes have all questions.
    func learnNothing() throws {
        try addingUp {}
        try Profiler.named("optimizer", update)
    }

    private func addingUp(_ backward: () throws -> Void) throws {
        guard let buckets else { return try backward() }
        try buckets.begin()
        do {
            try backward()
        } catch {
            buckets.cancel()
            throw error
        }
        try Profiler.named("adding gradients") { try buckets.finish() }
    }

    /// The losses since the last time, summed. Waits for the device.
    func takeLossSum() throws -> Double {
        defer { try? lossSum.fill(0) }
        return try lossSum.item()
    }
}
