import Foundation
import TestSupport
import Testing
import Torch
@testable import TextFiles
@testable import VQAFeatures

/// Feature stores of images that are identified by texts.
@Suite struct NamedImagesTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// Writes a store of one image a shard.
    private func write(_ names: [String], imagesAShard: Int = 1) throws {
        let writer = FeatureShardWriter(
            folder: folder.path, precision: .float32, imageNaming: .name,
            shardByteCount: imagesAShard * 3 * 4 * 4, firstNumber: 0)
        for (number, name) in names.enumerated() {
            let image = try StorableImage(madeUpRegions(number), of: ImageID(name), as: .float32, name: name)
            try writer.add(image, width: 4)
        }
        try FeatureStoreIndex(try writer.finish().map(\.entry), precision: .float32, width: 4, skipped: [])
            .write(to: folder.path)
    }

    private func text(_ name: String) throws -> String {
        String(decoding: try folder.bytes(of: name), as: UTF8.self)
    }

    @Test(
        "a store of images with texts gives back what each has, beside numbers in the same shard",
        arguments: [1, 5])
    func roundTrip(imagesAShard: Int) throws {
        let names = ["n116329", "116329", "0042", "42", "café"]
        try write(names, imagesAShard: imagesAShard)
        let store = try FeatureStore(folder.path)
        try store.verify()
        #expect(store.imageIDs.sorted().map(\.description) == ["42", "116329", "0042", "café", "n116329"])
        for (number, name) in names.enumerated() {
            #expect(try store.features(for: ImageID(name)) == madeUpRegions(number))
        }
        #expect(store.missing([ImageID("n42"), ImageID("n116329")]) == [ImageID("n42")])
        let error = #expect(throws: FeatureStoreError.self) { try store.features(for: ImageID("n42")) }
        #expect(try #require(error).expected == "image n42")
    }

    @Test("only a store that has texts is of the format for them, and only their shards are")
    func formats() throws {
        try write(["7", "n7"])
        #expect(try text("index.json").contains("rwsan feature store 3"))
        let shards = try (0...1).map { try FeatureShard(path: folder.file(FeatureShardWriter.fileName($0))) }
        #expect(shards.map(\.format) == ["rwsan feature store 2", "rwsan feature store 3"])
        try write(["7", "8"])
        #expect(try text("index.json").contains("rwsan feature store 2"))
        let index = try text("index.json")
        #expect(!index.contains("rwsan feature store 3"))
        let names = try SafetensorsFile(path: folder.file(FeatureShardWriter.fileName(0))).tensors.map(\.name)
        #expect(names.sorted() == ["boxes", "features", "image_id", "offset", "size"])
    }

    @Test("images with texts are found in a folder by their files' names, beside those with numbers")
    func folderOfNames() throws {
        for (number, name) in ["n116329.npz", "n7.jpg.npz", "COCO_000000000005.jpg.npz"].enumerated() {
            try madeUpRegions(number).writeOfficialFile(to: folder.file(name))
        }
        let features = try FeatureFolder([folder.path])
        for (number, image) in [ImageID("n116329"), ImageID("n7"), ImageID(rawValue: 5)].enumerated() {
            #expect(features.contains(image))
            #expect(try features.features(for: image) == madeUpRegions(number))
        }
        #expect(features.contains(ImageID("COCO_000000000005")))
        #expect(!features.contains(ImageID("n5")))
        try madeUpRegions(9).writeOfficialFile(to: folder.file("n7.png.npz"))
        let error = #expect(throws: FeatureFolderError.self) {
            try FeatureFolder([folder.path]).features(for: ImageID("n7"))
        }
        #expect("\(try #require(error))".contains("expected one file for image n7"))
    }

    @Test("a store of images named in one way takes none that are named in another")
    func otherNaming() throws {
        let input = try TemporaryFolder()
        try madeUpRegions(1).writeOfficialFile(to: input.file("COCO_000000000005.jpg.npz"))
        var packer = FeaturePacker()
        packer.naming = .name
        let first = try packer.pack([input.path], into: folder.file("store"))
        #expect(first.packedCount == 1)
        let error = #expect(throws: FeatureStoreError.self) {
            try FeaturePacker().pack([input.path], into: folder.file("store"))
        }
        #expect(try #require(error).expected.contains("--image-ids number"))
        #expect(try #require(error).found.contains("--image-ids name"))
        #expect(try packer.pack([input.path], into: folder.file("store")).keptCount == 1)
    }

    @Test("a later run keeps the shards of named images")
    func keptShards() throws {
        try write(["n1", "n2", "3"])
        let kept = try KeptShards(
            in: folder.path, precision: .float32, imageNaming: .name, onProgress: { _ in },
            shouldStop: { false })
        #expect(kept.removed.isEmpty)
        #expect(kept.images == Set(["n1", "n2", "3"].map { ImageID($0) }))
    }

    @Test("an index with a byte order mark is read")
    func byteOrderMark() throws {
        try write(["1"])
        _ = try folder.write("index.json", [0xEF, 0xBB, 0xBF] + folder.bytes(of: "index.json"))
        #expect(try FeatureStore(folder.path).imageIDs.count == 1)
    }

    @Test("a byte order mark is no part of a table's first line")
    func tableByteOrderMark() throws {
        let file = try folder.write("table.tsv", "\u{FEFF}12\t8\n\u{FEFF}13\n")
        let reader = try LineReader(URL(fileURLWithPath: file))
        var lines: [String] = []
        while let line = try reader.next() { lines.append(String(decoding: line, as: UTF8.self)) }
        #expect(lines.map { Array($0.utf8) } == ["12\t8", "\u{FEFF}13"].map { Array($0.utf8) })
    }

    @Test("an image that comes twice is an error that names it")
    func duplicates() throws {
        try write(["n1", "n2", "n1"])
        let error = #expect(throws: FeatureStoreError.self) { try FeatureStore(folder.path) }
        #expect(try #require(error).found == "image n1 a second time")
    }

    @Test("names that are cut, empty, out of range or no UTF-8, and numbers kept free for texts, are refused")
    func hostileNames() throws {
        let common: [String: Tensor] = [
            "features": try Tensor([Float](repeating: 1, count: 6), shape: [3, 2]),
            "boxes": try Tensor([Float](repeating: 1, count: 12), shape: [3, 4]),
            "offset": try Tensor([0, 1, 3] as [Int64]),
            "size": try Tensor([1, 1, 1, 1] as [Int32], shape: [2, 2]),
        ]
        func shard(_ images: [String: Tensor]) throws -> FeatureShard {
            try saveSafetensors(common.merging(images) { $1 }, to: folder.file("shard"))
            return try FeatureShard(path: folder.file("shard"))
        }
        func names(_ bytes: [UInt8], _ offsets: [Int64]) throws -> [String: Tensor] {
            ["image_name": try Tensor(bytes), "image_name_offset": try Tensor(offsets)]
        }
        #expect(try shard(names([0x6E, 0xC3, 0xA9], [0, 1, 3])).imageIDs.map(\.description) == ["n", "é"])
        let wrong: [(bytes: [UInt8], offsets: [Int64])] = [
            ([0x6E, 0x31], [0, 1, 3]), ([0x6E, 0x31], [0, 1, 1]), ([0x6E, 0x31], [0, 0, 2]),
            ([0x6E, 0x31], [1, 1, 2]), ([0x6E, 0x31], [0, -1, 2]), ([0x6E, 0x31], [0, .max, 2]),
            ([0x6E, 0x31], [0, 2]), ([0x6E, 0x31], []), ([0x6E, 0xFF], [0, 1, 2]),
            ([0xC3, 0xA9], [0, 1, 2]),
        ]
        for (bytes, offsets) in wrong {
            #expect(throws: FeatureStoreError.self, "\(bytes) \(offsets)") {
                try shard(names(bytes, offsets))
            }
        }
        #expect(throws: FeatureStoreError.self) { try shard(["image_id": Tensor([7, .min] as [Int64])]) }
        #expect(throws: SafetensorsError.self) { try shard(["image_name": Tensor([0x6E] as [UInt8])]) }
    }
}
