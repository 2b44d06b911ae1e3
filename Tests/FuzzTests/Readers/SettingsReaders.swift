import Foundation
@testable import VQAVision

import VisualQuestionAnswering

/// Readers of settings and notes.
let settingsReaders: [FuzzedReader] = [
    FuzzedReader(
        name: "settings", maximumByteCount: 4 << 10,
        seeds: {
            [
                Array("# a run\nmodel: mcan_small\nlr_base: 0.0001\nopt_betas: [0.9, 0.98]\nseed: 7\n".utf8),
                Array("a: &x [1, 2]\nb: *x\nc: {d: !!str 1, e: ~}\nf: |\n  text\n".utf8),
            ]
        }
    ) { bytes, place in
        var configuration = Configuration()
        try configuration.apply(contentsOf: place.write(bytes, as: "settings.yaml"))
        try configuration.validate()
        _ = configuration.dictionary
    },
    FuzzedReader(
        name: "recipe", maximumByteCount: 4 << 10,
        seeds: {
            [
                Array(#"{"network":"EfficientNet-Lite0","blocks":[4,10,16],"inputSize":320}"#.utf8),
                Array(
                    #"{"network":"bottom-up attention","weights":"0","regions":"36","precision":"float32"}"#
                        .utf8),
            ]
        }
    ) { bytes, _ in
        let recipe = try FeatureRecipe(parsing: String(decoding: bytes, as: UTF8.self))
        _ = recipe.description
        // What would be made of it, but for the weights.
        if case .grid(let recipe) = recipe { _ = try recipe.extractor(weights: "/dev/null", on: .cpu) }
    },
]
