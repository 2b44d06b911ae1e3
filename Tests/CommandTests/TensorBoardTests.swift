import Foundation
import TestSupport
import Testing

/// Event files of runs, read by the tensorboard package of PyPI itself. One test after the other, for each trains.
@Suite(.serialized) struct TensorBoardTests {
    /// A Python that has the package.
    private static let interpreter = PythonInterpreter.having("tensorboard")
    private static let skipped: Comment =
        "no python3 on PATH, nor one named by RWSAN_PYTHON, has tensorboard"

    /// What TensorBoard finds of the runs in a folder.
    private struct Found: Decodable {
        struct Run: Decodable {
            let scalars: [String: [[Double]]]
            let images: [String: [Image]]
        }
        /// Step, width, height and bytes of a PNG, and what is said of it.
        struct Image: Decodable {
            let numbers: [Int]
            let description: String

            init(from decoder: any Decoder) throws {
                var values = try decoder.unkeyedContainer()
                numbers = try (0..<4).map { _ in try values.decode(Int.self) }
                description = try values.decode(String.self)
            }
        }
        struct Table: Decodable {
            struct Run: Decodable {
                let state: Int?
            }
            let settings, metrics: [String]
            let runs: [String: Run]
        }
        let runs: [String: Run]
        let table: Table
    }

    private func read(_ folder: String, _ tool: CommandLineTool) throws -> Found {
        let python = try tool.run(
            in: "shift; exec \"$@\"",
            [try #require(Self.interpreter), Fixtures.url("tensorboard/read.py").path, folder])
        #expect(python.exitCode == 0, Comment(rawValue: python.errorOutput))
        return try JSONDecoder().decode(Found.self, from: Data(python.output.utf8))
    }

    private func eventFiles(in folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.contains("tfevents") }
            .sorted()
    }

    private func train(_ mini: MiniCommands, _ more: String...) throws {
        let outcome = try mini.tool.run(
            mini.train("--set", "use_glove=false", "--set", "seed=1") + more)
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
    }

    @Test(
        "a run's curves are those of metrics.jsonl, and one that goes on from before its end has one curve",
        .enabled(if: Self.interpreter != nil, Self.skipped))
    func curves() throws {
        let mini = try MiniCommands()
        try train(mini, "--set", "max_epoch=2")
        // From before the end: what comes after epoch 1 is taken back and comes again.
        try train(mini, "--resume", mini.runFile("epoch1.safetensors"), "--set", "max_epoch=3")
        #expect(try eventFiles(in: mini.runFile("")).count == 2)

        let found = try read("ckpts", mini.tool)
        let scalars = try #require(found.runs["ckpt_mini"]).scalars
        let records = try mini.metrics()
        let stepsPerEpoch = 15.0
        func expect(_ tag: String, _ value: ([String: Any]) -> Double?) throws {
            let points = try #require(scalars[tag], "\(tag)")
            #expect(points.map { $0[0] } == [1, 2, 3].map { stepsPerEpoch * $0 }, "\(tag)")
            for (point, record) in zip(points, records) {
                #expect(abs(try #require(value(record)) - point[1]) <= 1e-6 * abs(point[1]), "\(tag)")
            }
        }
        try expect("epoch/loss") { $0["loss"] as? Double }
        try expect("epoch/learning_rate") { $0["lr"] as? Double }
        try expect("epoch/gradient_norm") { $0["gradient_norm"] as? Double }
        try expect("epoch/questions_per_second") { $0["questions_per_second"] as? Double }
        try expect("epoch/waiting_share") { $0["waiting_share"] as? Double }
        try expect("step/learning_rate") { $0["lr"] as? Double }
        try expect("accuracy/overall") { $0["overall"] as? Double }
        for type in ["yes/no", "number", "other"] {
            try expect("accuracy/" + type) { ($0["perAnswerType"] as? [String: Double])?[type] }
        }
        for tag in ["step/loss", "step/gradient_norm", "step/questions_per_second", "step/waiting_share"] {
            #expect(scalars[tag]?.map { $0[0] } == [1, 2, 3].map { stepsPerEpoch * $0 }, "\(tag)")
        }
    }

    @Test(
        "TensorBoard's table of runs has the settings and the accuracies of runs of different models",
        .enabled(if: Self.interpreter != nil, Self.skipped))
    func settings() throws {
        let mini = try MiniCommands()
        try train(mini, "--set", "max_epoch=1")
        let other = try mini.tool.run(
            "train", "--data", mini.datasets, "--name", "other", "--set", "model=mcan_small", "--set",
            "hidden_size=32", "--set", "multi_head=4", "--set", "layer=1", "--set", "flat_mlp_size=16",
            "--set",
            "flat_out_size=32", "--set", "img_feat_size=24", "--set", "batch_size=32", "--set",
            "use_glove=false",
            "--set", "max_epoch=1", "--set", "seed=1")
        #expect(other.exitCode == 0, Comment(rawValue: other.errorOutput))
        let table = try read("ckpts", mini.tool).table
        #expect(table.runs.keys.sorted() == ["ckpt_mini", "ckpt_other"])
        #expect(table.settings.contains("srwsa_layer") && table.settings.contains("layer"))
        #expect(table.settings.contains("lr_base") && table.settings.contains("opt_betas"))
        #expect(table.metrics.contains("accuracy/overall") && table.metrics.contains("epoch/loss"))
        // Finished: STATUS_SUCCESS.
        #expect(table.runs.values.allSatisfy { $0.state == 1 })
    }

    @Test(
        "an event file that was cut off anywhere is read up to there",
        .enabled(if: Self.interpreter != nil, Self.skipped))
    func killed() throws {
        let mini = try MiniCommands()
        try train(mini, "--set", "max_epoch=2")
        let name = try #require(try eventFiles(in: mini.runFile("")).first)
        let whole = try Data(contentsOf: URL(fileURLWithPath: mini.runFile(name)))
        let lengths = stride(from: 0, through: whole.count, by: max(1, whole.count / 23)) + [whole.count - 1]
        for length in lengths {
            let folder = mini.tool.folder.file("cut/\(length)")
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            try whole.prefix(length).write(to: URL(fileURLWithPath: folder + "/" + name))
        }
        let found = try read("cut", mini.tool)
        var counts: [Int] = []
        for length in lengths.sorted() {
            let points = found.runs["\(length)"]?.scalars["epoch/loss"] ?? []
            #expect(points.map { $0[0] } == [15, 30].prefix(points.count).map { Double($0) })
            counts.append(points.count)
        }
        #expect(counts == counts.sorted() && counts.first == 0 && counts.last == 2, "\(counts)")
    }

    /// The fixture with grey pictures of its val images, which has none.
    private func withPictures() throws -> MiniCommands {
        let mini = try MiniCommands.withCopiedDataset()
        let folder = mini.dataFile("images/val2014")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let names = try FileManager.default.contentsOfDirectory(atPath: mini.dataFile("coco_extract/val2014"))
        for name in names where name.hasSuffix(".jpg.npz") {
            let picture = folder + "/" + name.dropLast(".jpg.npz".count) + ".png"
            try Data(PictureBytes.blackPNG(width: 64, height: 48)).write(to: URL(fileURLWithPath: picture))
        }
        return mini
    }

    @Test(
        "--no-tensorboard leaves event files out, and a run with pictures has the same accuracies and bits either way"
    )
    func without() throws {
        let (mini, plain) = (try withPictures(), try MiniCommands())
        try train(mini, "--set", "max_epoch=2", "--set", "dropout_r=0.1")
        try train(plain, "--set", "max_epoch=2", "--set", "dropout_r=0.1", "--no-tensorboard")
        #expect(try eventFiles(in: mini.runFile("")).count == 1)
        #expect(try eventFiles(in: plain.runFile("")) == [])
        #expect(
            try mini.tensorBytes(ofCheckpoint: "epoch2.safetensors")
                == plain.tensorBytes(ofCheckpoint: "epoch2.safetensors"))
        let accuracies = [try mini.metrics(), try plain.metrics()].map { $0.map { $0["overall"] as? Double } }
        #expect(accuracies[0] == accuracies[1] && accuracies[0].count == 2)
        #expect(accuracies[0].first != accuracies[0].last)
    }

    @Test(
        "pictures of a few val questions are shown after each epoch, and one that cannot be read is told once",
        .enabled(if: Self.interpreter != nil, Self.skipped))
    func pictures() throws {
        let mini = try withPictures()
        try train(mini, "--set", "max_epoch=2")
        let images = try #require(try read("ckpts", mini.tool).runs["ckpt_mini"]).images
        #expect(images.keys.sorted() == (1...4).map { "val/\($0)" })
        for (tag, shown) in images {
            #expect(shown.map { $0.numbers[0] } == [15, 30], "\(tag)")
            #expect(shown.allSatisfy { $0.numbers[1] >= 400 && $0.numbers[2] >= 400 && $0.numbers[3] > 1000 })
            #expect(shown.allSatisfy { $0.description.contains("People say: ") })
        }
        let folder = mini.dataFile("images/val2014")
        for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
            try Data("no picture".utf8).write(to: URL(fileURLWithPath: folder + "/" + name))
        }
        let outcome = try mini.tool.run(
            mini.train("--set", "use_glove=false", "--set", "max_epoch=2", "--set", "seed=1"))
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        let notices = outcome.errorLines.filter { $0.hasSuffix("TensorBoard will show no pictures of it") }
        #expect(notices.count == 1, Comment(rawValue: outcome.errorOutput))
    }
}
