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

    /// Makes a run use its device well: steps that can be recorded, and features that are there already or on their
    /// way.
    ///
    /// - Throws: `BatchShapesError` where the settings allow no shapes; what reading features throws.
    func apply(to setup: inout Trainer.Setup) throws {
        guard setup.device != .cpu else {
            for (name, isSet) in [("--no-cuda-graphs", noCudaGraphs), ("--stream-features", streamFeatures)]
            where isSet { Console.note("\(name) changes nothing on the CPU") }
            return
        }
        setup.stepping = noCudaGraphs ? .deferred : .recorded
        if setup.stepping == .recorded {
            setup.training.shapes = try BatchShapes(
                questions: setup.configuration.batchSize / setup.configuration.gradAccuSteps,
                maximumRegions: setup.training.maximumRegions, maximumWords: setup.training.maximumWords)
        }
        setup.training.isPinned = true
        setup.validation?.questions.isPinned = true
        guard let resident = try residentRegions(setup) else { return }
        setup.training = try setup.training.using(resident)
        if let questions = setup.validation?.questions {
            setup.validation?.questions = try questions.using(resident)
        }
    }

    /// All regions on the device; nil where they are to be streamed, which is told with the reason.
    private func residentRegions(_ setup: Trainer.Setup) throws -> ResidentRegions? {
        guard !streamFeatures else { return nil }
        guard setup.precision != .float32 else {
            Console.note(
                "features are streamed to \(setup.device): on the device they would lie in half precision, and the run "
                    + "computes in float32")
            return nil
        }
        let plan = try ResidentRegions.Plan(
            [setup.training] + (setup.validation.map { [$0.questions] } ?? []))
        let room = try setup.device.freeMemory - Self.reservedMemory
        guard plan.byteCount <= room else {
            Console.note(
                "features are streamed to \(setup.device): those of \(plan.imageCount) pictures take "
                    + "\(gigabytes(plan.byteCount)), and there is room for \(gigabytes(max(0, room)))")
            return nil
        }
        let line = ProgressLine()
        do {
            let resident = try plan.load(
                on: setup.device, computingType: .float16,
                onProgress: { done in
                    line.show { "features to \(setup.device): \(done) of \(plan.imageCount) pictures" }
                })
            Console.clearProgress()
            Console.note(
                "the features of \(plan.imageCount) pictures lie on \(setup.device): \(gigabytes(plan.byteCount))"
            )
            return resident
        } catch let error as ResidentRegionsError {
            Console.clearProgress()
            Console.note("features are streamed to \(setup.device): \(error)")
            return nil
        }
    }

    private func gigabytes(_ byteCount: Int) -> String { "\(decimal(Double(byteCount) / 1e9, 1)) GB" }
}
