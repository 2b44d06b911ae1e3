import ArgumentParser
import Torch
import VisualQuestionAnswering

/// `--no-cuda-graphs`, `--stream-features`: how training uses a GPU.
struct GPUOptions: ParsableArguments {
    @Flag(
        help:
            "On a GPU, hand over each step piece by piece instead of recording it, for a model that looks at its own numbers."
    )
    var noCudaGraphs = false
    @Flag(help: "On a GPU, read features batch by batch also where all of them fit into its memory.")
    var streamFeatures = false

    /// The arguments that say the same.
    var arguments: [String] {
        (noCudaGraphs ? ["--no-cuda-graphs"] : []) + (streamFeatures ? ["--stream-features"] : [])
    }

    /// What the options ask for.
    var use: GPUUse {
        var use = GPUUse()
        use.recordsSteps = !noCudaGraphs
        use.keepsFeatures = !streamFeatures
        let line = ProgressLine()
        use.onProgress = { done, count, device in
            line.show { "features to \(device): \(done) of \(count) images" }
            if done == count { Console.clearProgress() }
        }
        return use
    }
}
