import Foundation
import TestSupport
import Testing
import Torch
@testable import VQABatches
@testable import VQADatasets
@testable import VQAFeatures

private let officialFolder = Fixtures.url("mini/datasets/coco_extract/val2014").path

/// One made-up image, for comparison with a store.
private struct OneImage: FeatureSource {
    let place = "memory"
    let regions: RegionFeatures
    func contains(_ image: ImageID) -> Bool { image.rawValue == 1 }
    func features(for image: ImageID) throws -> RegionFeatures { regions }
}

@Suite struct FeatureStoreTests {
    @Test("what a store gives back is what the official files hold", arguments: FeaturePrecision.allCases)
    func officialNumbers(precision: FeaturePrecision) throws {
        let folders = try PackingFolders()
        try folders.pack([officialFolder], as: precision)
        let (files, store) = (try FeatureFolder([officialFolder]), try FeatureStore(folders.output))
        #expect(store.imageIDs.sorted() == files.imageIDs.sorted())
        for image in files.imageIDs {
            // The numbers in these files were made in half precision.
            #expect(try store.features(for: image) == files.features(for: image))
        }
    }

    @Test("half precision keeps the nearest number, single precision the number itself")
    func rounding() throws {
        let folders = try PackingFolders()
        let values: [Float] = [1 / 3, -65_504, 1e-7, 0]
        try folders.write(
            1,
            RegionFeatures(
                width: 4, features: values, boxes: [0.1, 0.2, 0.3, 0.4], imageHeight: 3, imageWidth: 4))
        try folders.pack(as: .float16)
        let half = try FeatureStore(folders.output).features(for: ImageID(rawValue: 1))
        #expect(half.features == [0.333251953125, -65_504, 1.1920929e-7, 0])
        #expect(half.boxes == [0.1, 0.2, 0.3, 0.4])
        try FileManager.default.removeItem(atPath: folders.output)
        try folders.pack(as: .float32)
        #expect(try FeatureStore(folders.output).features(for: ImageID(rawValue: 1)).features == values)
    }

    @Test("a batch from a store is the batch from the features themselves")
    func batches() throws {
        // Five regions, of which four are kept, one of them of zeros, which takes no row.
        var features: [Float] = (0..<20).map { Float($0) / 4 + 1 }
        features.replaceSubrange(4..<8, with: [0, -0.0, 0, 0])
        let regions = try RegionFeatures(
            width: 4, features: features, boxes: (0..<20).map(Float.init), imageHeight: 10, imageWidth: 20)
        let folders = try PackingFolders()
        try folders.write(1, regions)
        for precision in FeaturePrecision.allCases {
            try? FileManager.default.removeItem(atPath: folders.output)
            try folders.pack(as: precision)
            let sources: [any FeatureSource] = [OneImage(regions: regions), try FeatureStore(folders.output)]
            let batches = try sources.map { try batch(from: $0, maximumRegions: 4) }
            for batch in batches {
                #expect(try batch.regions.shape == [3, 4])
                #expect(try batch.regions.array(of: Float.self).prefix(5) == [1, 1.25, 1.5, 1.75, 3])
                #expect(try batch.boxes.array(of: Float.self).prefix(5) == [0, 0.1, 0.1, 0.3, 0.4])
            }
            #expect(
                try batches[0].regions.array(of: Float.self) == batches[1].regions.array(of: Float.self))
            #expect(try batches[0].boxes.array(of: Float.self) == batches[1].boxes.array(of: Float.self))
        }
    }

    @Test("what is read from a store does not become part of the process's memory")
    func memory() throws {
        let folders = try PackingFolders()
        let images = 1...40
        for image in images { try folders.write(image, madeUpRegions(image, count: 20, width: 1024)) }
        var packer = FeaturePacker()
        packer.shardByteCount = 1 << 30
        _ = try packer.pack([folders.input], into: folders.output)
        let store = try FeatureStore(folders.output)
        try store.verify()
        for image in images { _ = try store.features(for: ImageID(rawValue: Int64(image))) }
        let shard = folders.output + "/shard-00000.safetensors"
        #expect(store.byteCount > 1_600_000)
        // The header and the tables at the end, with the pages that the system maps beside them.
        #expect(try residentByteCount(ofMapping: shard) < 400_000)
    }

    /// How much of a file's mapping this process has in memory.
    private func residentByteCount(ofMapping path: String) throws -> Int {
        let maps = try String(contentsOfFile: "/proc/self/smaps", encoding: .utf8)
        var isInside = false
        var kilobytes = 0
        for line in maps.split(separator: "\n") {
            let fields = line.split(separator: " ")
            if fields[0].contains("-") { isInside = line.hasSuffix(path) }
            if isInside, fields[0] == "Rss:" { kilobytes += Int(fields[1]) ?? 0 }
        }
        return kilobytes << 10
    }

    @Test("a shard that is cut off while it is read is an error, not a crash")
    func cutWhileOpen() throws {
        let folders = try PackingFolders(images: [1, 2])
        try folders.pack()
        let store = try FeatureStore(folders.output)
        truncate(folders.output + "/shard-00000.safetensors", 100)
        #expect(throws: FileAccessError.self) { try store.features(for: ImageID(rawValue: 1)) }
    }

    private func batch(from source: any FeatureSource, maximumRegions: Int) throws -> Batch {
        let questions = try QuestionTable([
            Question(id: QuestionID(rawValue: 1), imageID: ImageID(rawValue: 1), text: "what is it")
        ])
        let examples = Examples(
            questions: questions, vocabulary: Vocabulary(questions: [questions]), maximumWords: 4)
        return try BatchBuilder(
            examples: examples, features: source, answerCount: 2, featureWidth: 4,
            maximumRegions: maximumRegions, maximumWords: 4
        ).batch(rows: 0..<1)
    }

    @Test("of more regions than asked for the first are kept")
    func maximumRegions() throws {
        let folders = try PackingFolders(images: [1])
        try folders.pack()
        let store = try FeatureStore(folders.output, maximumRegions: 2)
        #expect(try store.features(for: ImageID(rawValue: 1)) == madeUpRegions(1).prefix(2))
        #expect(
            try FeatureStore(folders.output, maximumRegions: -1).regions(of: ImageID(rawValue: 1)).count == 0)
    }

    @Test("images that are not there are missing, and an error when asked for")
    func missingImages() throws {
        let folders = try PackingFolders(images: [1, 2])
        try folders.pack()
        let store = try FeatureStore(folders.output)
        #expect(store.missing([3, 1, 3, 2, 0].map { ImageID(rawValue: $0) }).map(\.rawValue) == [0, 3])
        let error = #expect(throws: FeatureStoreError.self) { try store.features(for: ImageID(rawValue: 3)) }
        #expect(try #require(error).description == "\(folders.output): expected image 3, found no such image")
    }

    @Test("a folder without an index is no store")
    func noIndex() throws {
        let folders = try PackingFolders(images: [1, 2])
        try folders.pack()
        try FileManager.default.removeItem(atPath: folders.output + "/index.json")
        #expect(!FeatureStore.isFinished(folders.output))
        #expect(throws: FeatureStoreError.self) { try FeatureStore(folders.output) }
    }

    @Test("a shard that is missing, cut or swapped for another is an error naming it")
    func damagedShards() throws {
        let folders = try PackingFolders(images: Array(1...6))
        try folders.pack()
        let shard = folders.output + "/shard-00001.safetensors"
        let bytes = try Data(contentsOf: URL(fileURLWithPath: shard))
        try folders.cut(shard, to: 0.9)
        var error = #expect(throws: FeatureStoreError.self) { try FeatureStore(folders.output) }
        #expect(try #require(error).path == shard)
        try Data(contentsOf: URL(fileURLWithPath: folders.output + "/shard-00000.safetensors"))
            .write(to: URL(fileURLWithPath: shard))
        error = #expect(throws: FeatureStoreError.self) { try FeatureStore(folders.output) }
        #expect(try #require(error).found == "image 1 a second time")
        try FileManager.default.removeItem(atPath: shard)
        error = #expect(throws: FeatureStoreError.self) { try FeatureStore(folders.output) }
        #expect(
            try #require(error).description == "\(shard): expected a file, found No such file or directory")
        try bytes.write(to: URL(fileURLWithPath: shard))
        try folders.expectStore(of: Array(1...6))
    }

    @Test("tensors that do not belong together are refused")
    func hostileShards() throws {
        let folder = try TemporaryFolder()
        let good: [String: Tensor] = [
            "features": try Tensor([Float](repeating: 1, count: 6), shape: [3, 2]),
            "boxes": try Tensor([Float](repeating: 1, count: 12), shape: [3, 4]),
            "image_id": try Tensor([7, 8] as [Int64]), "offset": try Tensor([0, 1, 3] as [Int64]),
            "size": try Tensor([1, 1, 1, 1] as [Int32], shape: [2, 2]),
        ]
        let changes: [(name: String, tensor: Tensor)] = [
            ("offset", try Tensor([0, 4, 3] as [Int64])), ("offset", try Tensor([-1, 1, 3] as [Int64])),
            ("offset", try Tensor([0, 1, .max] as [Int64])), ("offset", try Tensor([0, 3] as [Int64])),
            ("size", try Tensor([1, 1, 1, 0] as [Int32], shape: [2, 2])),
            ("boxes", try Tensor([Float](repeating: 1, count: 8), shape: [2, 4])),
            ("features", try Tensor([Int64](repeating: 1, count: 6), shape: [3, 2])),
            ("features", try Tensor([Float](), shape: [3, 0])),
            ("image_id", try Tensor([Int64](), shape: [.max, 0])),
        ]
        try saveSafetensors(good, to: folder.file("good"))
        #expect(try FeatureShard(path: folder.file("good")).imageIDs.map(\.rawValue) == [7, 8])
        for (name, tensor) in changes {
            try saveSafetensors(good.merging([name: tensor]) { $1 }, to: folder.file("bad"))
            #expect(throws: FeatureStoreError.self) { try FeatureShard(path: folder.file("bad")) }
        }
    }

    @Test("a dataset reads a finished store in place of the folder it was packed from")
    func datasetPlaces() throws {
        let temporary = try TemporaryFolder()
        let extracts = temporary.file("coco_extract")
        try FileManager.default.createDirectory(atPath: extracts, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: officialFolder, toPath: extracts + "/val2014")
        let dataset = try OfficialDataset(temporary.url)
        let image = ImageID(rawValue: 61_982)
        #expect(dataset.featurePlaces([.val]).map(\.location.lastPathComponent) == ["val2014"])
        let expected = try dataset.features([.val], maximumRegions: 5).features(for: image)

        var packer = FeaturePacker()
        packer.shardByteCount = 1
        let store = extracts + "/val2014.packed"
        _ = try packer.pack([extracts + "/val2014"], into: store, shouldStop: { true })
        let unfinished = try #require(dataset.featurePlaces([.val]).first)
        #expect(unfinished.location.lastPathComponent == "val2014")
        #expect(unfinished.description.contains("not packed to the end"))

        _ = try packer.pack([extracts + "/val2014"], into: store)
        try FileManager.default.removeItem(atPath: extracts + "/val2014")
        #expect(dataset.featurePlaces([.val]).map(\.description) == ["the packed store \(store)"])
        #expect(try dataset.features([.val], maximumRegions: 5).features(for: image) == expected)
    }
}
