import Foundation
import TestSupport
import Testing
import VQAFeatures

/// Regions of a made-up image, all different; `image` is in the numbers.
func madeUpRegions(_ image: Int, count: Int = 3, width: Int = 4) throws -> RegionFeatures {
    try RegionFeatures(
        width: width, features: (0..<count * width).map { Float(image) + Float($0) / 8 },
        boxes: (0..<count * 4).map { Float($0) + 0.25 }, imageHeight: 100 + image, imageWidth: 200 + image)
}

/// A folder for input and another for the store made of it.
struct PackingFolders {
    let temporary: TemporaryFolder
    let input: String
    let output: String

    init(images: [Int] = []) throws {
        temporary = try TemporaryFolder()
        (input, output) = (temporary.file("npz"), temporary.file("npz.packed"))
        try FileManager.default.createDirectory(atPath: input, withIntermediateDirectories: true)
        for image in images { try write(image) }
    }

    /// The `.npz` file of an image.
    func file(_ image: Int) -> String { input + "/COCO_\(String(format: "%012d", image)).jpg.npz" }

    func write(_ image: Int, _ regions: RegionFeatures? = nil) throws {
        try (regions ?? madeUpRegions(image)).writeOfficialFile(to: file(image))
    }

    /// Cuts a file to a share of its length.
    func cut(_ path: String, to share: Double = 0.5) throws {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        try bytes.prefix(Int(Double(bytes.count) * share)).write(to: URL(fileURLWithPath: path))
    }

    /// The input as an archive, as `tar czf` makes it.
    func archive() throws -> String {
        let path = temporary.file("npz.tar.gz")
        let tar = Process()
        tar.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        tar.arguments = ["tar", "--sort=name", "-czf", path, "-C", temporary.path, "npz"]
        try tar.run()
        tar.waitUntilExit()
        try #require(tar.terminationStatus == 0)
        return path
    }

    /// Packs to shards of about two images each.
    @discardableResult
    func pack(
        _ inputs: [String]? = nil, as precision: FeaturePrecision = .float32, stoppingAfter limit: Int = .max
    ) throws -> FeaturePacker.Report {
        var packer = FeaturePacker()
        packer.precision = precision
        packer.shardByteCount = 2 * 3 * 4 * (precision == .float32 ? 4 : 2)
        var packedCount = 0
        return try packer.pack(
            inputs ?? [input], into: output, onProgress: { packedCount = $0.packedCount },
            shouldStop: { packedCount >= limit })
    }

    func shards() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: output).filter { $0.hasPrefix("shard-") }.sorted()
    }

    /// Whether the store holds exactly these images, each with its own numbers.
    func expectStore(of images: [Int]) throws {
        let store = try FeatureStore(output)
        try store.verify()
        #expect(store.imageIDs.sorted() == images.map { ImageID(rawValue: Int64($0)) })
        for image in images {
            #expect(try store.features(for: ImageID(rawValue: Int64(image))) == madeUpRegions(image))
        }
    }
}
