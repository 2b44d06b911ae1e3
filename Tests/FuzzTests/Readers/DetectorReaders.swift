import Foundation
import TestSupport
import Torch

@testable import RegionDetector

/// Readers of a region detector's weights.
let detectorReaders: [FuzzedReader] = [
    // Plain pickles with numpy's arrays, all of which are made and shown; read as a detector's weights, too.
    FuzzedReader(
        name: "numpypickle",
        seeds: {
            try ["protocol2", "protocol3", "protocol4", "protocol5", "numpy1"].map {
                try fixture("torch/numpy/\($0).pkl")
            }
        }
    ) { bytes, place in
        let value = try loadPickle(bytes: bytes, name: "input")
        for (_, pickled) in (value["model"] ?? value).dictionary?.tensors ?? [] {
            _ = "\(try pickled.tensor())"
        }
        try readWeights(place.write(bytes))
    },
    // Layers of a narrow network of Caffe, all tensors of which are made and shown; read as a whole one, too.
    FuzzedReader(name: "caffemodel", seeds: { try caffeLayers() }) { bytes, place in
        for (_, tensor) in try bytes.withUnsafeBytes({ try CaffeWeights($0, kind: .unknown([])).tensors }) {
            _ = "\(tensor)"
        }
        try readWeights(place.write(bytes))
    },
    FuzzedReader(
        name: "classnames", maximumByteCount: 4 << 10,
        seeds: {
            let names = (3...40).map { "Name \($0),synonym\r\n" }.joined()
            return [Array(("\u{FEFF}yolk\r\n goggles ,goggle\n" + names).utf8)]
        }
    ) { bytes, place in
        let attributes = try place.made("attributes") { path in
            try Data(String(repeating: "a\n", count: 16).utf8).write(to: URL(fileURLWithPath: path))
        }
        _ = try DetectorNames(objects: place.write(bytes), attributes: attributes, for: narrowShape.get())
    },
]

/// Reads weights that are not whole, as these are here.
private func readWeights(_ path: String) throws {
    do {
        _ = try DetectorWeights(contentsOf: path)
    } catch is DetectorWeightsError {}
}

private let narrowShape = Result {
    try DetectorWeights(contentsOf: Fixtures.url("detector/weights_milvlg.pth").path).shape
}

/// Layers out of a network: its first ones and its last ones, and one in the form from before 2014.
private func caffeLayers() throws -> [[UInt8]] {
    let network = try fixture("detector/weights.caffemodel")
    let name = Array("cls_embedding".utf8)
    let blob: [UInt8] = [8, 1, 16, 1, 24, 2, 32, 1, 42, 8, 0, 0, 128, 63, 0, 0, 0, 64]
    let layer = [34, UInt8(name.count)] + name + [40, 14, 50, UInt8(blob.count)] + blob
    return [
        // Where layers begin and end in it.
        Array(network.prefix(6238)), Array(network.dropFirst(616_110)),
        [10, 1, 97, 18, UInt8(layer.count)] + layer,
    ]
}
