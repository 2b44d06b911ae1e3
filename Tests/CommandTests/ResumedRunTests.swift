import Foundation
import TestSupport
import Testing

/// What is said to those who go on with a run.
@Suite struct ResumedRunTests {
    private func finished() throws -> MiniCommands {
        let mini = try MiniCommands()
        let outcome = try mini.tool.run(
            mini.train(
                "--set", "use_glove=false", "--set", "seed=3", "--set", "max_epoch=1", "--set",
                "eval_every_epoch=false"))
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        return mini
    }

    @Test("a run that is finished says so, and what goes on; settings without effect are told")
    func finishedRun() throws {
        let mini = try finished()
        let again = try mini.tool.run(
            mini.train(
                "--resume", "ckpts/ckpt_mini", "--set", "max_epoch=1", "--set", "seed=4", "--set",
                "use_glove=true", "--glove", MiniRun.glove.path, "--set", "eval_every_epoch=false"))
        #expect(again.exitCode == 0, Comment(rawValue: again.errorOutput))
        #expect(again.output == mini.runFile("epoch1.safetensors") + "\n")
        #expect(
            again.errorOutput.contains(
                "the run is finished: all 1 epochs are done; --set max_epoch=N goes on"))
        #expect(again.errorOutput.contains("seed = 4 changes nothing") && again.errorOutput.contains("is 3"))
        #expect(again.errorOutput.contains("use_glove = true changes nothing"))
        #expect(again.errorOutput.contains("--glove changes nothing"))

        let same = try mini.tool.run(
            mini.train(
                "--resume", "ckpts/ckpt_mini", "--set", "max_epoch=1", "--set", "seed=3", "--set",
                "use_glove=false", "--set", "eval_every_epoch=false"))
        #expect(!same.errorOutput.contains("changes nothing"))
    }

    @Test("a setting that the weights do not fit is named with the value that they fit")
    func unfit() throws {
        let mini = try finished()
        let outcome = try mini.tool.run(
            mini.train("--resume", "ckpts/ckpt_mini", "--set", "flat_out_size=24", "--set", "use_glove=false")
        )
        mini.tool.expectOneErrorLine(
            outcome, naming: ["epoch1.safetensors", "flat_out_size = 24, where it has"])
    }

    @Test(
        "a checkpoint of another model than the one that is named says which it is of, in train and predict")
    func otherModel() throws {
        let mini = try finished()
        let words = ["epoch1.safetensors", "a checkpoint of rwsan", "do not fit mcan_small"]
        let checkpoint = mini.runFile("epoch1.safetensors")
        let small = ["--set", "model=mcan_small", "--set", "hidden_size=64"]
        // The settings of the run's file are RWSAN's.
        let train = ["train", "--data", mini.datasets, "--name", "mini", "--resume", checkpoint] + small
        mini.tool.expectOneErrorLine(try mini.tool.run(train), naming: words)
        let evaluate = ["evaluate", "--data", mini.datasets, "--checkpoint", checkpoint] + small
        mini.tool.expectOneErrorLine(try mini.tool.run(evaluate), naming: words)
        try mini.tool.expectRefusal(
            ["evaluate", "--data", mini.datasets, "--checkpoint", mini.runFile("")],
            naming: "expected a checkpoint, found a folder")
    }

    @Test("an official checkpoint is not taken for one of another epoch than its name says")
    func officialBatchSize() throws {
        let mini = try MiniCommands()
        let outcome = try mini.tool.run(mini.trainOn("--set", "batch_size=126", "--set", "max_epoch=3"))
        mini.tool.expectOneErrorLine(
            outcome, naming: ["says 2 epochs, and its 30 steps are 15 epochs of 2 steps", "batch_size"])
    }

    @Test("another batch_size, which moves the schedule, is told")
    func movedSchedule() throws {
        let mini = try finished()
        let outcome = try mini.tool.run(
            mini.train("--resume", "ckpts/ckpt_mini", "--set", "batch_size=8", "--set", "max_epoch=2"))
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        #expect(
            outcome.errorOutput.contains(
                "batch_size = 8, where it has 16: the learning rate goes on from step 15, which is 0.48 epochs here"
            ))
    }

    @Test("a folder of official checkpoints goes on with the highest epoch")
    func officialFolder() throws {
        let mini = try MiniCommands()
        let folder = mini.runFile("")
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        for epoch in [1, 2] {
            try FileManager.default.copyItem(
                atPath: MiniRun.checkpoint(epoch).path, toPath: mini.runFile("epoch\(epoch).pkl"))
        }
        let outcome = try mini.tool.run(
            mini.train(
                "--answers", MiniRun.answers.path, "--resume", "ckpts/ckpt_mini", "--set", "max_epoch=2"))
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        #expect(outcome.errorOutput.contains("all 2 epochs are done"))
        #expect(outcome.output == mini.runFile("epoch2.safetensors") + "\n")
    }
}
