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
                Array(
                    #"""
                    {"network":"patches of pixels","patchSize":32,"settings":{"shortestEdge":384,"divisor":32,
                    "rescaleFactor":0.00392,"means":[0.5,0.5,0.5],"deviations":[0.5,0.5,0.5]}}
                    """#.utf8),
            ]
        }
    ) { bytes, _ in
        let recipe = try FeatureRecipe(parsing: String(decoding: bytes, as: UTF8.self))
        _ = recipe.description
        // What would be made of it, but for the weights.
        if case .grid(let recipe) = recipe { _ = try recipe.extractor(weights: "/dev/null", on: .cpu) }
    },
    FuzzedReader(
        name: "preprocessor", maximumByteCount: 4 << 10,
        seeds: {
            try ["preprocessor_config.json", "preprocessor_config_old.json"].map {
                try fixture("hub/vilt/" + $0)
            }
        }
    ) { bytes, place in
        let settings = try PatchSettings(contentsOf: place.write(bytes))
        for (width, height) in [(1, 1), (65_535, 1), (1, 65_535)] {
            _ = settings.size(width: width, height: height)
        }
    },
]
