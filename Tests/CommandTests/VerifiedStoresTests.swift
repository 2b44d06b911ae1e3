import Foundation
import TestSupport
import Testing
import Torch
import VQAFeatures

/// Feature stores that commands compare with their checksums before they use them.
@Suite struct VerifiedStoresTests {
    private let mini: MiniCommands
    /// What is said where anything is read for its checksum.
    private static let notice = "of packed features with their checksums, once for each change of a file"

    /// The dataset with its features in stores of several shards, as `pack` makes them without remembering them.
    init() throws {
        mini = try MiniCommands.withCopiedDataset()
        for name in ["train2014", "val2014", "test2015"] { try pack(name) }
        usleep(60_000)
    }

    private func pack(_ name: String) throws {
        let folder = mini.dataFile("coco_extract/" + name)
        var packer = FeaturePacker()
        packer.shardByteCount = 2 << 10
        _ = try packer.pack([folder], into: folder + ".packed")
        try FileManager.default.removeItem(atPath: folder)
    }

    private func store(_ name: String) -> String { mini.dataFile("coco_extract/\(name).packed") }

    /// Changes a bit of the first feature of a shard, and gives its path and its images.
    private func damage(_ name: String, shard: String = "shard-00001.safetensors") throws -> (
        path: String, images: Int
    ) {
        let path = store(name) + "/" + shard
        let file = try SafetensorsFile(path: path)
        var bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        let headerLength = bytes.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
        bytes[8 + headerLength + (try file.info(of: "features").byteRange.lowerBound)] ^= 4
        try bytes.write(to: URL(fileURLWithPath: path))
        usleep(60_000)
        return (path, try file.info(of: "size").shape[0])
    }

    private func train(_ more: String...) -> [String] {
        mini.train(
            "--answers", MiniRun.answers.path, "--set", "use_glove=false", "--set", "seed=3", "--set",
            "max_epoch=1") + more
    }

    private func succeed(_ arguments: [String]) throws -> CommandLineTool.Outcome {
        let outcome = try mini.tool.run(arguments)
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        return outcome
    }

    @Test(
        "train, evaluate and predict compare a store once for each change, and tell how much there is to read"
    )
    func once() throws {
        #expect(try succeed(train()).errorOutput.contains(Self.notice))
        #expect(!(try succeed(mini.evaluate()).errorOutput.contains(Self.notice)))
        #expect(try succeed(mini.predict()).errorOutput.contains(Self.notice))
        #expect(!(try succeed(mini.predict()).errorOutput.contains(Self.notice)))
        let path = store("test2015") + "/shard-00000.safetensors"
        try Data(contentsOf: URL(fileURLWithPath: path)).write(to: URL(fileURLWithPath: path))
        usleep(60_000)
        #expect(try succeed(mini.predict()).errorOutput.contains(Self.notice))
    }

    @Test("what pack and info --verify have read is not read again")
    func remembered() throws {
        for name in ["train2014", "val2014"] { _ = try succeed(["info", "--verify", store(name)]) }
        #expect(!(try succeed(train()).errorOutput.contains(Self.notice)))

        let folder = MiniRun.datasets.appending(path: "coco_extract/test2015").path
        try FileManager.default.removeItem(atPath: store("test2015"))
        _ = try succeed(["pack", "--input", folder, "--output", store("test2015")])
        #expect(!(try succeed(mini.predict()).errorOutput.contains(Self.notice)))
    }

    @Test("a memory of verified files that is damaged or cannot be written is told, and ends nothing")
    func withoutMemory() throws {
        let memory = mini.tool.folder.file(".cache/verified.json")
        _ = try succeed(mini.predict())
        try Data("{".utf8).write(to: URL(fileURLWithPath: memory))
        let damaged = try succeed(mini.predict())
        #expect(damaged.errorOutput.contains("\(memory) is damaged"))
        #expect(damaged.errorOutput.contains(Self.notice))
        #expect(!(try succeed(mini.predict()).errorOutput.contains("damaged")))

        try FileManager.default.removeItem(atPath: mini.tool.folder.file(".cache"))
        _ = try mini.tool.folder.write(".cache", "no folder")
        let unwritable = try succeed(mini.predict())
        #expect(unwritable.errorLines.count { $0.contains("not remembered") && $0.contains(memory) } == 1)
    }

    @Test("a damaged shard ends training before its first step, evaluate, predict and info --verify, by name")
    func refused() throws {
        let (path, _) = try damage("val2014")
        let names = [path, "expected the checksum", "rwsan pack", "--skip-damaged"]
        for arguments in [train(), mini.evaluate()] {
            let outcome = try mini.tool.run(arguments)
            #expect(outcome.exitCode == 1)
            for name in names {
                #expect(outcome.lastErrorLine.contains(name), Comment(rawValue: outcome.lastErrorLine))
            }
        }
        #expect(!mini.exists(mini.runFile("epoch0.safetensors")))
        // What to do is done.
        let folder = MiniRun.datasets.appending(path: "coco_extract/val2014").path
        let packed = try succeed(["pack", "--input", folder, "--output", store("val2014")])
        #expect(packed.errorOutput.contains("removed a damaged shard: \(path)"))
        #expect(try succeed(mini.evaluate("--json")).output.json()["overall"] as? Double == 26.25)

        let test = try damage("test2015")
        let predict = try mini.tool.run(mini.predict())
        #expect(predict.exitCode == 1 && predict.lastErrorLine.contains(test.path))
        let info = try mini.tool.run("info", "--verify", store("test2015"))
        #expect(info.exitCode == 1 && info.lastErrorLine.contains(test.path))
    }

    @Test("with --skip-damaged, training leaves out the pictures of damaged shards, of val too, and tells so")
    func skipped() throws {
        let (training, validation) = (try damage("train2014"), try damage("val2014"))
        // With steps of one question, whole steps are left out.
        let outcome = try succeed(train("--skip-damaged", "--set", "batch_size=1"))
        for (path, images) in [training, validation] {
            let lines = outcome.errorLines.filter { $0.contains(path) }
            #expect(lines.contains { $0.hasSuffix("its \(images) images are left out") }, "\(lines)")
        }
        #expect(outcome.errorOutput.contains("questions about \(training.images) images whose features"))
        #expect(outcome.errorOutput.contains("left out of the val questions: "))
        let record = try #require(try mini.metrics().first)
        let leftOut = try #require(record["left_out"] as? Int)
        #expect(leftOut > 0)
        #expect(record["overall"] != nil)
        #expect(record["loss"] as? Double ?? .nan > 0)
        let info = try succeed(["info", mini.runFile("epoch1.safetensors"), "--json"])
        let state = try #require(try info.output.json()["training"] as? [String: Any])
        #expect(state["skippedSteps"] as? Int ?? 0 > 0)
    }

    @Test("a run goes on without accuracies where no val question is left")
    func noneLeft() throws {
        let names = try FileManager.default.contentsOfDirectory(atPath: store("val2014"))
        for name in names where name.hasPrefix("shard-") { _ = try damage("val2014", shard: name) }
        _ = try succeed(train("--skip-damaged"))
        let record = try #require(try mini.metrics().first)
        #expect(record["left_out"] as? Int == 72)
        #expect(record["overall"] == nil)
    }
}
