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
