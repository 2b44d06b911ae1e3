import Archives
import Foundation
import TestSupport
import Testing
@testable import VQAFeatures

private let extracts = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../Fixtures/mini/datasets/coco_extract").standardizedFileURL.path

private func regions(_ value: Float, count: Int = 1) throws -> RegionFeatures {
    try RegionFeatures(
        width: 1, features: [Float](repeating: value, count: count),
        boxes: [Float](repeating: 0, count: 4 * count), imageHeight: 1, imageWidth: 1)
}

@Suite struct FeatureFolderTests {
    @Test(
        "an image's number is the last in its file's name, before the extensions",
        arguments: [
            ("COCO_train2014_000000039318.jpg.npz", 39_318), ("12.png.npz", 12), ("12.npz", 12),
            ("a1_b22.c.jp2.npz", 22), ("features.12.npz", 12), ("picture.jp2.npz", nil), ("mean.npz", nil),
            ("99999999999999999999.npz", nil), ("٣.npz", nil),
        ] as [(String, Int64?)])
    func imageID(name: String, number: Int64?) {
        #expect(ImageNaming.number.image(fileName: name) == number.map(ImageID.init))
    }

    @Test("the official folders answer for their images and say which are missing")
    func officialFolders() throws {
        let folder = try FeatureFolder([extracts + "/train2014", extracts + "/val2014"])
        #expect(folder.imageIDs.count == 22)
        let file = extracts + "/val2014/COCO_val2014_000000061982.jpg.npz"
        #expect(try folder.features(for: ImageID(rawValue: 61_982)) == RegionFeatures(officialFile: file))
        let asked = [48_846, 39_318, 7, 61_982, 7].map { ImageID(rawValue: $0) }
        #expect(folder.missing(asked) == [ImageID(rawValue: 7), ImageID(rawValue: 48_846)])
        let error = #expect(throws: FeatureFolderError.self) {
            try folder.features(for: ImageID(rawValue: 7))
        }
        #expect(try #require(error).description.hasPrefix("image 7: expected a .npz file of its features"))
    }

    @Test("where two folders have an image, the first one counts")
    func firstFolderWins() throws {
        let (first, second) = try (TemporaryFolder(), TemporaryFolder())
        try regions(1).writeOfficialFile(to: first.file("a_5.jpg.npz"))
        try regions(2).writeOfficialFile(to: second.file("b_5.jpg.npz"))
        try regions(3).writeOfficialFile(to: second.file("b_6.jpg.npz"))
        let folder = try FeatureFolder([first.path, second.path])
        #expect(try folder.features(for: ImageID(rawValue: 5)).features == [1])
        #expect(try folder.features(for: ImageID(rawValue: 6)).features == [3])
    }

    @Test("two files for an image in one folder are an error naming both")
    func duplicates() throws {
        let folder = try TemporaryFolder()
        for name in ["a_5.npz", "b_05.jpg.npz", "notes_5.txt"] { _ = try folder.write(name, []) }
        let files = [folder.file("a_5.npz"), folder.file("b_05.jpg.npz")]
        #expect(throws: FeatureFolderError.duplicate(ImageID(rawValue: 5), files: files)) {
            try FeatureFolder([folder.path])
        }
    }

    @Test("a folder that is not there is an error naming it")
    func missingFolder() throws {
        let error = #expect(throws: FeatureFolderError.self) { try FeatureFolder(["/no/such/folder"]) }
        let description = try #require(error).description
        #expect(description.hasPrefix("/no/such/folder: cannot list the feature files: "))
    }

    @Test("the cache keeps what it read first, up to its limit")
    func cache() throws {
        let temporary = try TemporaryFolder()
        let images = (1...3).map { ImageID(rawValue: $0) }
        for image in images { try regions(0).writeOfficialFile(to: temporary.file("\(image.rawValue).npz")) }
        // Each image takes 20 bytes: one feature and four box corners.
        let folder = try FeatureFolder([temporary.path], cacheByteLimit: 50)
        for image in images { _ = try folder.features(for: image) }
        for name in try temporary.names() {
            try FileManager.default.removeItem(atPath: temporary.file(name))
        }
        #expect(try folder.features(for: images[0]) == regions(0))
        #expect(try folder.features(for: images[1]) == regions(0))
        #expect(throws: ArchiveError.self) { try folder.features(for: images[2]) }
    }

    @Test("tasks that ask at once get their own images")
    func concurrency() async throws {
        let temporary = try TemporaryFolder()
        for number in 1...8 {
            try regions(Float(number), count: number).writeOfficialFile(to: temporary.file("\(number).npz"))
        }
        let folder = try FeatureFolder([temporary.path], maximumRegions: 6, cacheByteLimit: 200)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for task in 0..<64 {
                group.addTask {
                    let number = task % 8 + 1
                    let regions = try folder.features(for: ImageID(rawValue: Int64(number)))
                    #expect(regions.features == [Float](repeating: Float(number), count: min(number, 6)))
                }
            }
            try await group.waitForAll()
        }
    }
}
