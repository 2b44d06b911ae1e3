import ArgumentParser
import Foundation
import Torch
import VQAData
import VQATraining

/// `--no-cuda-graphs`, `--stream-features`: how training uses a GPU.
struct GPUOptions: ParsableArguments {
    @Flag(
        help:
            "On a GPU, hand over each step piece by piece instead of recording it, for a model that looks at its own numbers."
    )
    var noCudaGraphs = false
    @Flag(help: "On a GPU, read features batch by batch also where all of them fit into its memory.")
    var streamFeatures = false

    /// What training needs of the GPU's memory beside the features: weights, moments, and what backward keeps of a batch
    /// of the official size (some 2 GB), with room for larger ones.
    private static let reservedMemory = 8 << 30

    /// Makes a run use its devices well: steps that can be recorded, and features that are there already or on their
    /// way.
    ///
    /// - Parameter devices: The setup's, and the further ones that share its steps.
    /// - Throws: `BatchShapesError` where the settings allow no shapes; what reading features throws.
    func apply(to setup: inout Trainer.Setup, _ devices: [Device]) throws {
        guard setup.device != .cpu else {
            for (name, isSet) in [("--no-cuda-graphs", noCudaGraphs), ("--stream-features", streamFeatures)]
            where isSet { Console.note("\(name) changes nothing on the CPU") }
            return
        }
        setup.stepping = noCudaGraphs ? .deferred : .recorded
        if setup.stepping == .recorded {
            let part = setup.configuration.batchSize / setup.configuration.gradAccuSteps
            setup.training.shapes = try BatchShapes(
                questions: max(1, (part + devices.count - 1) / devices.count),
                maximumRegions: setup.training.maximumRegions, maximumWords: setup.training.maximumWords)
        }
        setup.training.isPinned = true
        setup.validation?.questions.isPinned = true
        let plan = try residentPlan(setup)
        let resident = try devices.map { device in try plan.flatMap { try load($0, on: device) } }
        setup.helpers = try zip(devices, resident).dropFirst().map { device, resident in
            Trainer.Setup.Helper(
                device: device, training: try resident.map(setup.training.using) ?? setup.training)
        }
        guard let own = resident[0] else { return }
        setup.training = try setup.training.using(own)
        if let questions = setup.validation?.questions {
            setup.validation?.questions = try questions.using(own)
        }
    }

    /// What there is to load of features; nil where they are to be streamed, which is told with the reason.
    private func residentPlan(_ setup: Trainer.Setup) throws -> ResidentRegions.Plan? {
        guard !streamFeatures else { return nil }
        guard setup.precision != .float32 else {
            Console.note(
                "features are streamed: on a GPU they would lie in half precision, and the run computes in float32"
            )
            return nil
        }
        return try ResidentRegions.Plan(
            [setup.training] + (setup.validation.map { [$0.questions] } ?? []))
    }

    /// All regions on a device; nil where they are to be streamed, which is told with the reason.
    private func load(_ plan: ResidentRegions.Plan, on device: Device) throws -> ResidentRegions? {
        let room = try device.freeMemory - Self.reservedMemory
        guard plan.byteCount <= room else {
            Console.note(
                "features are streamed to \(device): those of \(plan.imageCount) pictures take "
                    + "\(gigabytes(plan.byteCount)), and there is room for \(gigabytes(max(0, room)))")
            return nil
        }
        let line = ProgressLine()
        defer { Console.clearProgress() }
        do {
            let resident = try plan.load(
                on: device, computingType: .float16,
                onProgress: { done in
                    line.show { "features to \(device): \(done) of \(plan.imageCount) pictures" }
                })
            Console.note(
                "the features of \(plan.imageCount) pictures lie on \(device): \(gigabytes(plan.byteCount))")
            return resident
        } catch let error as ResidentRegionsError {
            Console.note("features are streamed to \(device): \(error)")
            return nil
        }
    }

    private func gigabytes(_ byteCount: Int) -> String { "\(decimal(Double(byteCount) / 1e9, 1)) GB" }
}
