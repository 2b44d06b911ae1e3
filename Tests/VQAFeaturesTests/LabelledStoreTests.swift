import Foundation
import TestSupport
import Testing
import Torch
@testable import VQAFeatures

/// Stores that say what regions are thought to be.
@Suite struct LabelledStoreTests {
    private let folders: PackingFolders

    init() throws { folders = try PackingFolders() }

    private func labels(_ image: Int, count: Int = 3, withAttributes: Bool = true) throws -> RegionLabels {
        func guesses(_ first: Int) throws -> RegionLabels.Guesses {
            try #require(
                RegionLabels.Guesses(
                    ids: (0..<count).map { Int32(first + $0) }, confidences: (0..<count).map { Float($0) / 4 }
                ))
        }
        return try #require(
            RegionLabels(objects: guesses(10 * image), attributes: withAttributes ? guesses(7 * image) : nil))
    }

    private func write(_ image: Int, _ labels: RegionLabels?) throws {
        try madeUpRegions(image).writeOfficialFile(to: folders.file(image), labels: labels)
    }

    private func id(_ image: Int) -> ImageID { ImageID(rawValue: Int64(image)) }

    private func text(_ name: String) throws -> String {
        String(decoding: try folders.temporary.bytes(of: "npz.packed/" + name), as: UTF8.self)
    }

    @Test("a file of features has labels as numpy reads them, and gives them back")
    func files() throws {
        try write(1, labels(1))
        let file = try NPZFile(path: folders.file(1))
        let ids = try file.array("attrs_id")
        #expect((ids.elementType, ids.shape) == (.int64, [3]))
        #expect(try file.array("objects_conf").elementType == .float32)
        #expect(try RegionLabels(officialFile: folders.file(1)) == labels(1))
        try write(2, nil)
        #expect(try RegionLabels(officialFile: folders.file(2)) == nil)
    }

    @Test("arrays of other forms, as other programs have them, are passed over")
    func otherForms() throws {
        let regions = try madeUpRegions(1)
        let sure = try NPYArray([0.5 as Float, 0, 0], shape: [3])
        let arrays: [KeyValuePairs<String, NPYArray>] = try [
            ["objects_id": NPYArray([1 as Float, 2, 3], shape: [3]), "objects_conf": sure],
            ["objects_id": NPYArray([1 as Int64, 2], shape: [2]), "objects_conf": sure],
            ["objects_id": NPYArray([1 as Int64, 2, -3], shape: [3]), "objects_conf": sure],
            ["objects_id": NPYArray([1 as Int64, 2, 1 << 40], shape: [3]), "objects_conf": sure],
            [
                "objects_id": NPYArray([1 as Int64, 2, 3], shape: [3]),
                "objects_conf": NPYArray([Float.nan, 0, 0], shape: [3]),
            ],
            ["objects_id": NPYArray([1 as Int64, 2, 3], shape: [3])],
        ]
        for (number, more) in arrays.enumerated() {
            let path = folders.input + "/\(number).npz"
            try NPZFile.write(
                [
                    "x": NPYArray(transposing: regions.features, rows: 4, columns: 3),
                    "bbox": NPYArray(regions.boxes, shape: [3, 4]),
                    "image_h": NPYArray([5 as Int64], shape: []),
                    "image_w": NPYArray([5 as Int64], shape: []),
                ], adding: more, to: path)
            #expect(try RegionFeatures(officialFile: path).count == 3)
            #expect(try RegionLabels(officialFile: path) == nil)
        }
    }

    @Test("packing carries labels, also into a store of stores")
    func packed() throws {
        for image in 1...5 { try write(image, labels(image)) }
        try folders.pack()
        let again = folders.temporary.file("again.packed")
        var packer = FeaturePacker()
        packer.precision = .float32
        packer.shardByteCount = 2 * 3 * 4 * 4
        _ = try packer.pack([folders.output], into: again)
        for path in [folders.output, again] {
            let store = try FeatureStore(path)
            try store.verify()
            #expect(store.hasObjects && store.hasAttributes)
            for image in 1...5 {
                #expect(try store.labels(of: id(image)) == labels(image))
                #expect(try store.features(for: id(image)) == madeUpRegions(image))
            }
            #expect(try FeatureStore(path, maximumRegions: 2).labels(of: id(1))?.objects.ids == [10, 11])
        }
        for name in try folders.shards() + ["index.json"] {
            #expect(
                try folders.temporary.bytes(of: "npz.packed/" + name)
                    == folders.temporary.bytes(of: "again.packed/" + name))
        }
        #expect(try text("index.json").contains(#""format" : "rwsan feature store 4""#))
    }

    @Test("images without labels, or without attributes, have none beside others that have")
    func mixed() throws {
        try write(1, nil)
        try write(2, labels(2, withAttributes: false))
        try write(3, labels(3))
        try write(4, nil)
        var packer = FeaturePacker()
        packer.precision = .float32
        _ = try packer.pack([folders.input], into: folders.output)
        let store = try FeatureStore(folders.output)
        try store.verify()
        #expect(try store.labels(of: id(1)) == nil)
        #expect(try store.labels(of: id(2)) == labels(2, withAttributes: false))
        #expect(try store.labels(of: id(3)) == labels(3))
        #expect(try store.labels(of: id(4)) == nil)
    }

    @Test(
        "a shard without a label is as it was before there were labels; only those with some are of their format"
    )
    func formats() throws {
        for image in 1...2 { try write(image, nil) }
        for image in 3...4 { try write(image, labels(image)) }
        try folders.pack()
        let shards = try folders.shards().map { try FeatureShard(path: folders.output + "/" + $0) }
        #expect(shards.map(\.format) == ["rwsan feature store 2", "rwsan feature store 4"])
        let names = try SafetensorsFile(path: shards[0].path).tensors.map(\.name)
        #expect(names.sorted() == ["boxes", "features", "image_id", "offset", "size"])
        // The labels do not count to what fills a shard.
        #expect(shards.map(\.imageIDs.count) == [2, 2])
        #expect(try text("index.json").components(separatedBy: "rwsan feature store 4").count == 3)
    }

    @Test("labels that are changed fail the checksum, and ones that are none are errors")
    func damaged() throws {
        for image in 1...2 { try write(image, labels(image)) }
        try folders.pack()
        let name = "npz.packed/shard-00000.safetensors"
        let whole = try folders.temporary.bytes(of: name)
        let ids: [UInt8] = [10, 0, 0, 0, 11, 0, 0, 0, 12, 0, 0, 0]
        let place = try #require(whole.indices.dropLast(12).first { Array(whole[$0..<$0 + 12]) == ids })
        var bytes = whole
        bytes[place] = 9
        _ = try folders.temporary.write(name, bytes)
        #expect(throws: FeatureStoreError.self) { try FeatureStore(folders.output).verify() }
        bytes[place + 3] = 0x80
        _ = try folders.temporary.write(name, bytes)
        let error = #expect(throws: FeatureStoreError.self) {
            try FeatureStore(folders.output).labels(of: id(1))
        }
        #expect(error?.expected.contains("'objects_id'") == true)
    }

    @Test("a shard with ids and no confidences, or attributes and no objects, is refused")
    func incomplete() throws {
        try write(1, labels(1))
        try folders.pack()
        let file = try SafetensorsFile(path: folders.output + "/shard-00000.safetensors")
        for missing in [["objects_conf"], ["attrs_id"], ["objects_id", "objects_conf"]] {
            var tensors: [String: Tensor] = [:]
            for info in file.tensors where !missing.contains(info.name) {
                tensors[info.name] = try file.tensor(info.name)
            }
            let path = folders.temporary.file("other.safetensors")
            try saveSafetensors(tensors, metadata: file.metadata, to: path)
            #expect(throws: (any Error).self) { try FeatureShard(path: path) }
        }
    }
}
