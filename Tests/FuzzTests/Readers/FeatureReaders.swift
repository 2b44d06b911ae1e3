import Foundation
import TestSupport
import Torch
@testable import VQAFeatures

/// Readers of region features.
let featureReaders: [FuzzedReader] = [
    FuzzedReader(
        name: "npz",
        seeds: {
            try [
                "features/COCO_val2014_000000000011.npz",
                "mini/datasets/coco_extract/val2014/COCO_val2014_000000252354.jpg.npz",
            ].map(fixture)
        }
    ) { bytes, place in
        let path = try place.write(bytes, as: "1.npz")
        _ = try RegionFeatures(officialFile: path)
        _ = try RegionLabels(officialFile: path)
    },
    // An array, by itself and as what an image's file holds.
    FuzzedReader(name: "npy", seeds: { try arrays() }) { bytes, place in
        let boxes = try NPYArray([1 as Float, 2, 3, 4, 5, 6, 7, 8], shape: [2, 4]).serialized
        let two = try NPYArray([2 as Int64], shape: []).serialized
        let file = Packed.zip([
            ("x.npy", bytes), ("bbox.npy", boxes), ("image_h.npy", two), ("image_w.npy", two),
            ("num_bbox.npy", two),
        ])
        let regions = Result { try RegionFeatures(officialFile: place.write(file, as: "1.npz")) }
        let array = try NPYArray(parsing: bytes)
        _ = (array.floats(), array.transposedFloats(), array.integers())
        _ = try regions.get()
    },
    // The index of a store whose only shard is as it should be.
    FuzzedReader(name: "index", seeds: { [try fixture(of: packedStore(), "index.json")] }) { bytes, place in
        _ = try place.made(shardName) { path in
            try Data(fixture(of: packedStore(), shardName)).write(to: URL(fileURLWithPath: path))
        }
        _ = try place.write(bytes, as: "index.json")
        try readAll(FeatureStore(place.path))
    },
    FuzzedReader(
        name: "shard",
        seeds: {
            try [
                fixture(of: packedStore(), shardName), fixture(of: packedStore(.float32), shardName),
                fixture(of: packedStore(.float32, .name), shardName),
                fixture(of: packedStore(isLabelled: true), shardName),
            ]
        }
    ) { bytes, place in
        let shard = try FeatureShard(path: place.write(bytes))
        for position in shard.imageIDs.indices {
            let regions = shard.regions(at: position, maximumCount: .max)
            _ = try regions.copied()
            _ = try regions.labels()
        }
        try shard.verify()
    },
    FuzzedReader(name: "table", seeds: { [Array(table.utf8), Array((table + table).dropLast().utf8)] }) {
        bytes, place in
        let input = try openFeatureInput(place.write(bytes, as: "input.tsv"), .number)
        while let item = try input.next(isWanted: { _ in true }) {
            // A row that is damaged is left out, and the next one read.
            if case .wanted(_, let read) = item.content { _ = Result { try read() } }
        }
    },
    // The names of images, as files and tables have them.
    FuzzedReader(
        name: "filenames", maximumByteCount: 1 << 10,
        seeds: {
            ["COCO_val2014_000000000042.jpg.npz", "n1_png.rf.0a1b.jpg", "39318.0"].map { Array($0.utf8) }
        }
    ) { bytes, _ in
        let name = String(decoding: bytes, as: UTF8.self)
        for naming in ImageNaming.allCases {
            _ = (naming.image(fileName: name), naming.key(fileName: name), naming.problem(with: name))
        }
    },
]

private let shardName = "shard-00000.safetensors"

private func arrays() throws -> [[UInt8]] {
    [
        try NPYArray([1 as Float, 2, 3, 4, 5, 6], shape: [3, 2]).serialized,
        try NPYArray([2 as Int64, 3], shape: [1, 2]).serialized,
        try NPYArray([9 as Int64], shape: []).serialized,
    ]
}

/// A folder with a small feature store.
private func packedStore(
    _ precision: FeaturePrecision = .float16, _ naming: ImageNaming = .number, isLabelled: Bool = false
) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    for (name, count) in [(naming == .number ? "1" : "n1", 2), ("2", 3)] {
        let guesses = RegionLabels.Guesses(
            ids: (0..<count).map(Int32.init), confidences: (0..<count).map { 0.5 / Float($0 + 1) })
        let labels = isLabelled ? guesses.flatMap { RegionLabels(objects: $0, attributes: $0) } : nil
        try RegionFeatures(
            width: 3, features: (0..<3 * count).map(Float.init), boxes: (0..<4 * count).map(Float.init),
            imageHeight: 20, imageWidth: 30
        ).writeOfficialFile(to: folder.file(name + ".npz"), labels: labels)
    }
    var packer = FeaturePacker()
    packer.precision = precision
    packer.naming = naming
    _ = try packer.pack([folder.path], into: folder.file("store"))
    return folder
}

private func fixture(of folder: TemporaryFolder, _ name: String) throws -> [UInt8] {
    try folder.bytes(of: "store/" + name)
}

private func readAll(_ store: FeatureStore) throws {
    for image in store.imageIDs { _ = try store.features(for: image) }
}

/// Rows of both forms of table: image, size, boxes and features.
private let table: String = {
    func column(_ numbers: [Float]) -> String { numbers.withUnsafeBytes { Data($0).base64EncodedString() } }
    let (boxes, features) = (column([1, 2, 3, 4, 5, 6, 7, 8]), column([1, 2, 3, 4, 5, 6]))
    return "42\t30\t20\t2\t\(boxes)\t\(features)\n"
        + "COCO_43\t20\t30\t\(boxes)\t\(boxes)\t\(boxes)\t\(boxes)\t2\t\(boxes)\t\(features)\n"
}()
