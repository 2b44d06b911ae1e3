import Foundation
import TestSupport
import Testing

/// `train`, from the start and from an official checkpoint.
@Suite struct TrainCommandTests {
    private static let recordKeys: Set = [
        "epoch", "gradient_norm", "loss", "lr", "metric", "overall", "perAnswerType", "questions_per_second",
        "seconds",
        "waiting_share",
    ]

    @Test("going on from the official epoch 2 logs the official epochs 3 to 5")
    func continuation() throws {
        let mini = try MiniCommands()
        let outcome = try mini.tool.run(mini.trainOn())
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        #expect(outcome.output == mini.runFile("epoch5.safetensors") + "\n")

        let records = try mini.metrics()
        let official = try MiniRun.epochs().filter { $0.epoch > 2 }
        #expect(records.compactMap { $0["epoch"] as? Int } == official.map(\.epoch))
        for (record, expected) in zip(records, official) {
            #expect(Set(record.keys) == Self.recordKeys)
            #expect(abs(try #require(record["loss"] as? Double) / expected.loss - 1) < 1e-3)
            #expect(try #require(record["gradient_norm"] as? Double) > 0)
            #expect(record["lr"] as? Double == expected.lr)
            #expect(abs(try #require(record["overall"] as? Double) - expected.overall) <= 0.5)
            let types = try #require(record["perAnswerType"] as? [String: Double])
            #expect(types.keys.sorted() == expected.perAnswerType.keys.sorted())
            for (type, accuracy) in expected.perAnswerType {
                #expect(abs(try #require(types[type]) - accuracy) <= 0.5, "\(type)")
            }
            #expect(try #require(record["seconds"] as? Double) > 0)
            #expect(0...1 ~= (try #require(record["waiting_share"] as? Double)))
            #expect(try #require(record["questions_per_second"] as? Double) > 0)
        }
        #expect(
            try String(contentsOfFile: mini.tool.folder.file("results/log/log_run_mini.txt"), encoding: .utf8)
                .contains("Epoch: 5, Loss: "))
    }

    @Test("a run from the start learns, and its checkpoint answers without the dataset's help")
    func fromScratch() throws {
        let mini = try MiniCommands()
        let outcome = try mini.tool.run(
            mini.train("--glove", MiniRun.glove.path, "--set", "max_epoch=3", "--set", "seed=1"))
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        #expect(
            outcome.errorOutput.contains(
                "glove.mini.300d.txt knows 71 of 74 words, 99.96 % of the questions' text"))
        let losses = try mini.metrics().compactMap { $0["loss"] as? Double }
        #expect(losses.count == 3)
        #expect(losses[2] < losses[0] * 0.75)

        let features = mini.dataFile("coco_extract/test2015/COCO_test2015_000000048846.jpg.npz")
        let answer = try mini.tool.run(
            "ask", "--checkpoint", mini.runFile("epoch3.safetensors"), "--features", features,
            "--question", "What color is the xylophone?", "--json")
        #expect(answer.exitCode == 0, Comment(rawValue: answer.errorOutput))
        let reply = try answer.output.json()
        #expect((reply["answers"] as? [Any])?.count == 3)
        #expect(reply["unknownWords"] as? [String] == ["xylophone"])
    }

    @Test("without a terminal there are plain lines, one an epoch, and no escape codes")
    func plainLines() throws {
        let mini = try MiniCommands()
        let outcome = try mini.tool.run(mini.trainOn("--set", "max_epoch=4"))
        #expect(!outcome.errorOutput.utf8.contains { $0 == 0x1B || $0 == 0x0D })
        #expect(outcome.errorLines.filter { $0.hasPrefix("epoch ") }.count == 2)
    }

    @Test("a new run of a name that is taken leaves the old one's checkpoints where they can be found")
    func earlierRun() throws {
        let mini = try MiniCommands()
        let command = mini.train("--set", "use_glove=false", "--set", "max_epoch=1", "--set", "seed=1")
        _ = try mini.tool.run(command)
        let old = try mini.tensorBytes(ofCheckpoint: "epoch1.safetensors")
        let outcome = try mini.tool.run(command + ["--set", "seed=2"])
        #expect(outcome.exitCode == 0)
        #expect(outcome.errorOutput.contains("ckpts/ckpt_mini.1"))
        #expect(try mini.tensorBytes(ofCheckpoint: "../ckpt_mini.1/epoch1.safetensors") == old)
        #expect(try mini.tensorBytes(ofCheckpoint: "epoch1.safetensors") != old)
    }
}
