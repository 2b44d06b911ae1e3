import Archives
import Foundation
import TestSupport
import Testing
@testable import VQAFeatures

private let valFolder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("../Fixtures/mini/datasets/coco_extract/val2014").standardizedFileURL.path
private let officialFile = valFolder + "/COCO_val2014_000000061982.jpg.npz"

@Suite struct RegionFeaturesTests {
    @Test("an official file's numbers are those that numpy reads, a row for each region")
    func officialNumbers() throws {
        let regions = try RegionFeatures(officialFile: officialFile)
        #expect((regions.count, regions.width) == (18, 24))
        #expect((regions.imageHeight, regions.imageWidth) == (480, 640))
        // x[1, 0] and x[23, 17] in numpy: features come first there, regions second.
        #expect(regions.features[0 * 24 + 1] == 1.5634766)
        #expect(regions.features[17 * 24 + 23] == 2.5566406)
        // (x.T.astype(float64) * numpy.arange(1, 433).reshape(18, 24)).sum(): changes with any
        // value in a wrong place.
        let weightedSum = zip(regions.features, 1...).reduce(0) { $0 + Double($1.0) * Double($1.1) }
        #expect(abs(weightedSum - 50_673.63414001465) < 1e-6)
        #expect(Array(regions.boxes.prefix(4)) == [15.64, 122.39, 267.08, 316.07])
        #expect(Array(regions.boxes.suffix(4)) == [26.7, 39.88, 53.49, 360.36])
    }

    @Test("an image with one region is read")
    func oneRegion() throws {
        let regions = try RegionFeatures(officialFile: valFolder + "/COCO_val2014_000000252354.jpg.npz")
        #expect(regions.features.prefix(5) == [0.37695312, 0.4008789, 0, 0.44213867, 0.94433594])
        #expect(regions.boxes == [40.36, 41.05, 210.46, 308.43])
    }

    @Test("of more regions than asked for the first are kept")
    func maximumCount() throws {
        let all = try RegionFeatures(officialFile: officialFile)
        let first = try RegionFeatures(officialFile: officialFile, maximumCount: 5)
        #expect(first.count == 5)
        #expect(first.features == Array(all.features.prefix(5 * 24)))
        #expect(first.boxes == Array(all.boxes.prefix(5 * 4)))
        #expect(try RegionFeatures(officialFile: officialFile, maximumCount: 18) == all)
        #expect(all.prefix(-1).count == 0)
    }

    @Test("what is written is the official form: the same arrays to the byte")
    func officialForm() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("7.jpg.npz")
        try RegionFeatures(officialFile: officialFile).writeOfficialFile(to: path)
        let original = try ArchiveReader(path: officialFile)
        let written = try ArchiveReader(path: path)
        while let entry = try original.nextEntry() {
            #expect(try written.nextEntry()?.path == entry.path)
            let bytes = try written.readContents(byteLimit: 1 << 20)
            #expect(try bytes == original.readContents(byteLimit: 1 << 20), "\(entry.path)")
        }
        #expect(try written.nextEntry() == nil)
    }

    @Test("an image without regions survives writing and reading")
    func noRegions() throws {
        let folder = try TemporaryFolder()
        let none = try RegionFeatures(width: 24, features: [], boxes: [], imageHeight: 3, imageWidth: 4)
        try none.writeOfficialFile(to: folder.file("1.npz"))
        #expect(try RegionFeatures(officialFile: folder.file("1.npz")) == none)
    }

    @Test(
        "features and boxes that cannot belong together are an error",
        arguments: [(2, 4, 4), (2, 2, 3), (0, 0, 4), (-1, 0, 0), (Int.max, 4, 8)])
    func disagreement(width: Int, featureValueCount: Int, boxValueCount: Int) {
        let error = RegionFeaturesError(
            width: width, featureValueCount: featureValueCount, boxValueCount: boxValueCount)
        #expect(throws: error) {
            try RegionFeatures(
                width: width, features: [Float](repeating: 0, count: featureValueCount),
                boxes: [Float](repeating: 0, count: boxValueCount), imageHeight: 1, imageWidth: 1)
        }
    }

    @Test("each way in which a file can break the official form is named with its array")
    func brokenFiles() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("1.npz")
        let x = try NPYArray([Float(1), 2, 3, 4, 5, 6], shape: [3, 2])
        let bbox = try NPYArray([Float](repeating: 1, count: 8), shape: [2, 4])
        let one = try NPYArray([Int64(1)], shape: [])
        let zero = try NPYArray([Int64(0)], shape: [])
        let notANumber = try NPYArray([Float(1), .nan], shape: [1, 2])
        func expectError(
            _ arrays: KeyValuePairs<String, NPYArray>, array: String?, expected: String, found: String
        ) throws {
            try NPZFile.write(arrays, to: path)
            let error = NPZError(file: path, array: array, expected: expected, found: found)
            #expect(throws: error) { try RegionFeatures(officialFile: path) }
        }
        try expectError(["bbox": bbox], array: nil, expected: "an array 'x'", found: "only bbox")
        try expectError(["x": one], array: "x", expected: "shape [width, n]", found: "[]")
        try expectError(["x": x], array: nil, expected: "an array 'bbox'", found: "only x")
        try expectError(
            ["x": x, "bbox": x], array: "bbox", expected: "shape [2, 4], as x is [3, 2]", found: "[3, 2]")
        try expectError(
            ["x": x, "bbox": bbox, "num_bbox": one, "image_h": one, "image_w": one],
            array: "num_bbox", expected: "2, as x is [3, 2]", found: "1")
        try expectError(
            ["x": x, "bbox": bbox, "image_w": one],
            array: nil, expected: "an array 'image_h'", found: "only bbox, image_w, x")
        try expectError(
            ["x": x, "bbox": bbox, "image_h": zero, "image_w": one],
            array: "image_h", expected: "a number of pixels", found: "0")
        try expectError(
            ["x": notANumber, "bbox": bbox, "image_h": one, "image_w": one],
            array: "x", expected: "finite numbers", found: "nan")
    }

    @Test(
        "features that are not transposed are read, as the boxes tell; of as many as they are wide, the official order"
    )
    func notTransposed() throws {
        let folder = try TemporaryFolder()
        let path = folder.file("1.npz")
        func read(_ shape: [Int], boxes: Int) throws -> RegionFeatures {
            try NPZFile.write(
                [
                    "x": NPYArray((0..<shape[0] * shape[1]).map(Float.init), shape: shape),
                    "bbox": NPYArray([Float](repeating: 1, count: boxes * 4), shape: [boxes, 4]),
                    "image_h": NPYArray([Int64(3)], shape: []), "image_w": NPYArray([Int64(4)], shape: []),
                ], to: path)
            return try RegionFeatures(officialFile: path)
        }
        let official = try read([3, 2], boxes: 2)
        #expect((official.count, official.width) == (2, 3))
        #expect(official.features == [0, 2, 4, 1, 3, 5])
        let other = try read([2, 3], boxes: 2)
        #expect((other.count, other.width) == (2, 3))
        #expect(other.features == [0, 1, 2, 3, 4, 5])
        #expect(try read([2, 2], boxes: 2).features == [0, 2, 1, 3])
        #expect(try read([0, 3], boxes: 0).width == 3)
        #expect(throws: NPZError.self) { try read([0, 3], boxes: 3) }
        #expect(throws: NPZError.self) { try read([2, 3], boxes: 1) }
    }

    @Test("a file of MILVLG's extractor is read, and the pickled object in it is passed over")
    func extractedElsewhere() throws {
        let regions = try RegionFeatures(
            officialFile: Fixtures.url("features/COCO_val2014_000000000011.npz").path)
        #expect((regions.count, regions.width) == (5, 8))
        #expect((regions.imageHeight, regions.imageWidth) == (60, 80))
        #expect(regions.features.first == 0.26666477)
    }

    @Test(
        "a feature or box that is no finite number is an error when it is read",
        arguments: ["x", "bbox"], [Float.nan, .infinity, -.infinity])
    func notFinite(array: String, value: Float) throws {
        let folder = try TemporaryFolder()
        let path = folder.file("1.npz")
        let one = try NPYArray([Int64(1)], shape: [])
        let (x, bbox): ([Float], [Float]) =
            array == "x" ? ([1, value, 3], [0, 0, 1, 1]) : ([1, 2, 3], [0, 0, value, 1])
        try NPZFile.write(
            [
                "x": NPYArray(x, shape: [3, 1]), "bbox": NPYArray(bbox, shape: [1, 4]), "image_h": one,
                "image_w": one,
            ], to: path)
        let error = NPZError(file: path, array: array, expected: "finite numbers", found: "\(value)")
        #expect(throws: error) { try RegionFeatures(officialFile: path) }
    }

    @Test("a file cut short anywhere is an error")
    func truncatedFile() throws {
        let folder = try TemporaryFolder()
        let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: officialFile)))
        for length in stride(from: 0, to: bytes.count, by: 101) {
            let path = try folder.write("1.npz", bytes.prefix(length))
            #expect(throws: ArchiveError.self) { try RegionFeatures(officialFile: path) }
        }
    }
}
