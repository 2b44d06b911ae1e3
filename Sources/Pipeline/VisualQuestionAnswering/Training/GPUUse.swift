import Foundation
import Torch
import VQABatches
import VQATraining

/// How training uses GPUs. On the CPU it changes nothing.
public struct GPUUse {
    /// Whether steps are recorded as CUDA graphs; a model that looks at its own numbers cannot be.
    public var recordsSteps = true
    /// Whether features are put into a GPU's memory where all of them fit.
    public var keepsFeatures = true
    /// Called while features are put there, with how many images are done and how many there are.
    public var onProgress: (_ done: Int, _ count: Int, Device) -> Void = { _, _, _ in }

    /// What suits most runs.
    public init() {}

    /// What is left of the GPU's memory beside the features, once for weights and moments and once for every 64 questions
    /// of a batch, of which backward keeps some 2 GB.
    private static let reservedMemory = 4 << 30

    /// Makes a run use its devices well: steps that can be recorded, and batches that are copied while they compute.
    ///
    /// - Parameter devices: The setup's, and the further ones that share its steps.
    /// - Throws: `BatchShapesError` where the settings allow no shapes.
    func apply(to setup: inout Trainer.Setup, _ devices: [Device], onNotice: (String) -> Void) throws {
        guard setup.device != .cpu else {
            if !recordsSteps { onNotice("--no-cuda-graphs changes nothing on the CPU") }
            if !keepsFeatures { onNotice("--stream-features changes nothing on the CPU") }
            return
        }
        if !recordsSteps { setup.stepping = .deferred }
        if setup.stepping == .recorded {
            let count = devices.count * setup.share.processCount
            let part = setup.options.batchSize / setup.options.gradAccuSteps
            setup.training.shapes = try BatchShapes(
                questions: max(1, (part + count - 1) / count),
                maximumRegions: setup.training.maximumRegions, maximumWords: setup.training.maximumWords,
                areAlike: setup.share.processCount > 1)
        }
        setup.training.isPinned = true
        setup.validation?.questions.isPinned = true
        setup.helpers = devices.dropFirst().map {
            Trainer.Setup.Helper(device: $0, training: setup.training)
        }
    }

    /// Puts features on the devices where they fit; what is done is told.
    ///
    /// - Throws: What reading features throws.
    func loadFeatures(for setup: inout Trainer.Setup, onNotice: (String) -> Void) throws {
        guard setup.device != .cpu else { return }
        if let plan = try residentPlan(setup, onNotice) { try load(plan, for: &setup, onNotice) }
    }

    /// Has several processes record steps only where their batches can have one shape: they start the same recordings, and
    /// each has to know the numbers of all regions, as of features that lie on the GPU.
    ///
    /// - Throws: `ProcessError`.
    func agreeOnRecording(_ setup: inout Trainer.Setup, onNotice: (String) -> Void) throws {
        guard setup.share.processCount > 1, setup.stepping == .recorded,
            try setup.share.all(setup.training.isResident).contains(false)
        else { return }
        setup.stepping = .deferred
        setup.training.shapes = nil
        onNotice(
            "steps are not recorded as CUDA graphs: for several processes, features have to lie on all GPUs")
    }

    private func load(
        _ plan: ResidentRegions.Plan, for setup: inout Trainer.Setup, _ onNotice: (String) -> Void
    ) throws {
        let count = setup.devices.count * setup.share.processCount
        let size = (setup.options.batchSize + count - 1) / count
        for (index, device) in setup.devices.enumerated() {
            guard let regions = try load(plan, on: device, batchSize: size, onNotice) else { continue }
            guard index == 0 else {
                setup.helpers[index - 1].training = try setup.helpers[index - 1].training.using(regions)
                continue
            }
            setup.training = try setup.training.using(regions)
            if let questions = setup.validation?.questions {
                setup.validation?.questions = try questions.using(regions)
            }
        }
    }

    /// What there is to load of features; nil where they are to be streamed, which is told with the reason.
    private func residentPlan(_ setup: Trainer.Setup, _ onNotice: (String) -> Void) throws -> ResidentRegions
        .Plan?
    {
        guard keepsFeatures else { return nil }
        guard setup.training.unreadable == nil else {
            onNotice(
                "features are streamed: those that cannot be read are found, and left out, batch by batch")
            return nil
        }
        guard setup.precision != .float32 else {
            onNotice(
                "features are streamed: on a GPU they would lie in half precision, and the run computes in float32"
            )
            return nil
        }
        return try ResidentRegions.Plan(
            [setup.training] + (setup.validation.map { [$0.questions] } ?? []))
    }

    /// All regions on a device; nil where they are to be streamed, which is told with the reason.
    private func load(
        _ plan: ResidentRegions.Plan, on device: Device, batchSize: Int, _ onNotice: (String) -> Void
    )
        throws -> ResidentRegions?
    {
        let room = try device.freeMemory - Self.reservedMemory * (1 + (batchSize + 63) / 64)
        guard plan.byteCount <= room else {
            onNotice(
                "features are streamed to \(device): those of \(plan.imageCount) images take "
                    + "\(gigabytes(plan.byteCount)), and there is room for \(gigabytes(max(0, room)))")
            return nil
        }
        do {
            let resident = try plan.load(
                on: device, computingType: .float16,
                onProgress: { onProgress($0, plan.imageCount, device) })
            onNotice(
                "the features of \(plan.imageCount) images lie on \(device): \(gigabytes(plan.byteCount))")
            return resident
        } catch let error where error is ResidentRegionsError || error is TorchError {
            onNotice("features are streamed to \(device): \(error)")
            return nil
        }
    }

    private func gigabytes(_ byteCount: Int) -> String {
        "\(String(format: "%.1f", Double(byteCount) / 1e9)) GB"
    }
}
