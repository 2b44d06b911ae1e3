import Foundation
import TestSupport
import Testing
import VQAFeatures

/// Stores that extraction writes, with a small detector.
@Suite struct ExtractedStoreTests {
    private let tool: CommandLineTool
    private static let pictures = ["a_landscape", "b_portrait", "c_wide", "d_grey"]

    init() throws {
        tool = try CommandLineTool()
        try FileManager.default.createDirectory(
            atPath: tool.folder.file("pictures"), withIntermediateDirectories: true)
        for number in 1...6 {
            let picture = Self.pictures[number % Self.pictures.count]
            _ = try tool.folder.write(
                "pictures/\(number).png", Data(contentsOf: Fixtures.url("detector/\(picture).png")))
        }
    }

    private func extract(_ output: String, _ more: String...) -> [String] {
        [
            "extract", "--detector", Fixtures.url("detector/weights.caffemodel").path, "--pictures",
            "pictures",
            "--output", output,
        ] + more
    }

    private func contents(_ folder: String) throws -> [String: [UInt8]] {
        let names = try FileManager.default.contentsOfDirectory(atPath: tool.folder.file(folder))
        return try Dictionary(
            uniqueKeysWithValues: names.map { ($0, try tool.folder.bytes(of: "\(folder)/\($0)")) })
    }

    private func run(_ arguments: [String]) throws -> CommandLineTool.Outcome {
        let outcome = try tool.run(arguments)
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        return outcome
    }

    @Test("killed in the midst of pictures and gone on with, a store is what packing files of features gives")
    func killed() throws {
        _ = try run(extract("files"))
        _ = try run(["pack", "--input", "files", "--output", "packed"])
        let extracted = tool.folder.file("store/extracted")
        for count in [1, 3, 5] {
            let command = try tool.start(extract("store", "--store"))
            try command.wait {
                let names = (try? FileManager.default.contentsOfDirectory(atPath: extracted)) ?? []
                return names.count { $0.hasSuffix(".npz") } >= count
            }
            command.send(SIGKILL)
            #expect(try command.outcome().exitCode == nil)
            #expect(try tool.run("info", "store").lastErrorLine.contains("not finished"))
        }
        let outcome = try run(extract("store", "--store"))
        #expect(outcome.output == "store\n")
        #expect(!outcome.errorOutput.contains("0 there already"))
        #expect(try contents("store") == contents("packed"))
    }

    @Test("parts become one store, whose names and confidences are those of the files")
    func parts() throws {
        for part in ["1/2", "2/2"] {
            _ = try run(extract("part\(part.first ?? "0")", "--store", "--shard", part))
        }
        #expect(try run(["info", "part2"]).output.contains("part 2/2 of the pictures"))
        try tool.expectRefusal(
            ["pack", "--input", "part2", "--output", "all"], naming: "expected all 2 parts", "1/2 missing")
        _ = try run(["pack", "--input", "part2", "part1", "--output", "all"])
        _ = try run(extract("store", "--store"))
        #expect(try contents("store") == contents("all"))
        #expect(try run(["info", "all"]).output.contains("6 images"))
        #expect(try run(["info", "all"]).output.contains(", with objects and attributes"))

        // All at a time.
        let parts = try ["2/3", "1/3", "3/3"].map { try tool.start(extract("files", "--shard", $0)) }
        for part in parts {
            #expect(try part.outcome().errorOutput.contains("2 pictures extracted, 0 there"))
        }
        #expect(try run(extract("files")).errorOutput.contains("0 pictures extracted, 6 there already"))
        let store = try FeatureStore(tool.folder.file("all"))
        for number in 1...6 {
            let file = tool.folder.file("files/\(number).png.npz")
            let labels = try #require(try RegionLabels(officialFile: file))
            #expect(try store.labels(of: ImageID(rawValue: Int64(number))) == labels)
            #expect(labels.attributes != nil)
        }
        #expect(try run(["info", "files/1.png.npz"]).output.hasSuffix(", with objects and attributes\n"))
    }

    @Test("parts of as many pictures of other names are no parts of one store")
    func otherPictures() throws {
        _ = try run(extract("part1", "--store", "--shard", "1/2"))
        try FileManager.default.moveItem(
            atPath: tool.folder.file("pictures/6.png"), toPath: tool.folder.file("pictures/7.png"))
        _ = try run(extract("part2", "--store", "--shard", "2/2"))
        try tool.expectRefusal(
            ["pack", "--input", "part1", "part2", "--output", "all"], naming: "part2", "other names")
    }

    @Test("parts that are none, and options of a store without one, are refused")
    func refused() throws {
        for part in ["0/3", "4/3", "a/b"] {
            try tool.expectRefusal(extract("files", "--shard", part), naming: "--shard", "'\(part)'")
        }
        try tool.expectRefusal(extract("files", "--dtype", "float32"), naming: "--dtype", "--store")
        try tool.expectRefusal(extract("files", "--store", "--shard-size", "0"), naming: "--shard-size", "0")
        _ = try run(extract("store", "--store"))
        try tool.expectRefusal(
            extract("store", "--store", "--regions", "36"), naming: "store", "10-100", "36")
        try tool.expectRefusal(
            extract("store", "--store", "--dtype", "float32"), naming: "float32", "float16")
        try tool.expectRefusal(extract("store"), naming: "store", "--store")
        try tool.expectRefusal(extract("pictures/1.png/store", "--store"), naming: "pictures/1.png/store")
    }
}
