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
        "an image's number stands at the end of its file's name, before the extensions",
        arguments: [
            ("COCO_train2014_000000039318.jpg.npz", 39_318), ("12.png.npz", 12), ("12.npz", 12),
            ("a1_b_22.jp2.npz", 22), ("features.12.npz", 12), ("picture.jp2.npz", nil), ("mean.npz", nil),
            ("99999999999999999999.npz", nil), ("٣.npz", nil), ("img_1.PNG", 1), ("img 1.jpeg.NPZ", 1),
            ("COCO-7.tar_8.webp", 8), ("000000568658_png.rf.0a1b2c3d4e5f60718293a4b5c6d7e8f9.png", 568_658),
            ("img-3_jpg.rf.0a9.jpg.npz", 3), ("39318.0.npz", 39_318), ("a_39318.0.npz", 39_318),
        ] as [(String, Int64?)])
    func certainNames(name: String, number: Int64?) {
        #expect(ImageNaming.number.image(fileName: name) == number.map(ImageID.init))
    }

    @Test(
        "a name of which it is not certain that it ends in an image's number stands for no image",
        arguments: [
            "COCO_val2014_000000000042 (1).png", "COCO_val2014_000000000042 2.png", "42 copy 2.png",
            "42 - Copy.png",
            "n116329.jpg", "a1_b22.c.jp2.npz", "0a1b2c3d4e5f60718293a4b5c6d7e8f9.png", "42_png.rf..png",
            "42.rf.a1.png",
            "39318.5.npz", "a_39318.5.npz", "3.9318e-04.npz", "-5.npz", "5_.npz", ".npz", "_png.rf.a1.png",
            "42x.png",
            "550e8400-e29b-41d4-a716-446655440000.jpg",
        ])
    func uncertainNames(name: String) {
        #expect(ImageNaming.number.image(fileName: name) == nil)
    }

    @Test("by name, the whole name without extensions says which image it is")
    func byName() {
        for (name, image) in [
            ("12.png.npz", ImageID(rawValue: 12)), ("12_png.rf.a0.jpg", ImageID(rawValue: 12)),
            ("012.png", ImageID("012")), ("a_12.png", ImageID("a_12")), (".npz", nil),
        ] as [(String, ImageID?)] {
            #expect(ImageNaming.name.image(fileName: name) == image)
        }
        #expect(ImageNaming.name.key(fileName: "n116329.jpg.npz") == "n116329")
        #expect(ImageNaming.name.key(fileName: ".npz") == nil)
    }

    @Test("files of uncertain and invalid names, and hidden ones, are no images of a folder and no error")
    func otherNames() throws {
        let folder = try TemporaryFolder()
        try regions(1).writeOfficialFile(to: folder.file("a_5.npz"))
        for name in ["a_5 (1).npz", "a_5 copy 2.npz", "._a_5.npz", ".DS_Store", "b7.npz"] {
            _ = try folder.write(name, [])
        }
        let invalid = try folder.copyToLatin1Name(folder.file("a_5.npz"), "_6.npz")
        let features = try FeatureFolder([folder.path])
        #expect(features.imageIDs.map(\.rawValue) == [5])
        #expect(
            features.place == "\(folder.path) (passed over, for its name is not UTF-8: \(invalid))")
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
