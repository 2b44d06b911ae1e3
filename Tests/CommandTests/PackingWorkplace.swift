import Foundation
import TestSupport
import Testing
import VQAFeatures

/// A folder of official `.npz` files and the command that packs them.
struct PackingWorkplace {
    let tool: CommandLineTool
    var input: String { tool.folder.file("npz") }
    var output: String { tool.folder.file("npz.packed") }

    /// - Parameters:
    ///   - images: The images, each with numbers of its own.
    ///   - width: The length of a feature vector; with 512, twenty images make a megabyte.
    init(images: some Sequence<Int>, width: Int = 512) throws {
        tool = try CommandLineTool()
        try FileManager.default.createDirectory(atPath: input, withIntermediateDirectories: true)
        for image in images { try write(image, width: width) }
    }

    func file(_ image: Int) -> String { input + "/COCO_\(String(format: "%012d", image)).jpg.npz" }

    func write(_ image: Int, width: Int = 512) throws {
        let count = width > 100 ? 50 : 2
        let regions = try RegionFeatures(
            width: width, features: (0..<count * width).map { Float(image + $0 % 97) / 8 },
            boxes: (0..<count * 4).map(Float.init), imageHeight: 100, imageWidth: 200)
        try regions.writeOfficialFile(to: file(image), durably: false)
    }

    /// The command line of packing, with a shard for each megabyte.
    func command(_ inputs: String..., to output: String? = nil) -> [String] {
        ["pack", "--input"] + (inputs.isEmpty ? [input] : inputs)
            + ["--output", output ?? self.output, "--shard-size", "1", "--json"]
    }

    /// What a run says that it did.
    struct Summary: Decodable {
        let outcome: String
        let packed: Int
        let kept: Int
        let skipped: [SkippedInput]
        let endedEarly: [String]
    }

    func summary(_ outcome: CommandLineTool.Outcome) throws -> Summary {
        try JSONDecoder().decode(Summary.self, from: Data(outcome.output.utf8))
    }

    /// Runs the command to a whole store.
    func pack(_ inputs: String...) throws -> Summary {
        let arguments = command().replacing([input], with: inputs.isEmpty ? [input] : inputs)
        let outcome = try tool.run(arguments)
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        return try summary(outcome)
    }

    /// The input as an archive, as `tar czf` makes it.
    func archive() throws -> String {
        let path = tool.folder.file("npz.tar.gz")
        let tar = Process()
        tar.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        tar.arguments = ["tar", "--sort=name", "-czf", path, "-C", tool.folder.path, "npz"]
        try tar.run()
        tar.waitUntilExit()
        try #require(tar.terminationStatus == 0)
        return path
    }

    /// The files of a store with their contents.
    func files(in output: String? = nil) throws -> [String: Data] {
        let folder = output ?? self.output
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0 != ".packing" }
        return try Dictionary(
            uniqueKeysWithValues: names.map {
                ($0, try Data(contentsOf: URL(fileURLWithPath: folder + "/" + $0)))
            })
    }

    /// Whether the folder is a whole store of these images, each with its own numbers.
    func expectStore(of images: some Sequence<Int>) throws {
        let store = try FeatureStore(output)
        try store.verify()
        #expect(store.imageIDs.sorted().map { Int($0.rawValue) } == images.sorted())
        for image in images {
            let features = try store.features(for: ImageID(rawValue: Int64(image)))
            #expect(features.features.first == Float(image) / 8)
        }
    }
}
