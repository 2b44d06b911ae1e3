import Foundation
import TestSupport
import Testing

@testable import RWSANCommands

/// Files that a command would read and write, or write twice.
@Suite struct DistinctFilesTests {
    @Test("two outputs to one path are refused before the work, however they are named")
    func twoOutputs() throws {
        let mini = try MiniCommands()
        try mini.tool.expectRefusal(
            mini.predict("--save-logits", "./results.json"), naming: "--save-logits", "--output", "writes")
        try mini.tool.expectRefusal(
            mini.evaluate("--log", "a", "--output", "b/../a"), naming: "--log", "--output")
        #expect(try mini.tool.folder.names() == ["mini.yaml"])
        let outcome = try mini.tool.run(mini.evaluate("--log", "/dev/null", "--output", "/dev/null"))
        #expect(!outcome.errorOutput.contains("of its own"), "the null device takes both")
    }

    @Test("no output goes over what the command reads")
    func overInput() throws {
        let mini = try MiniCommands.withCopiedDataset()
        let checkpoint = mini.tool.folder.file("c.pkl")
        try FileManager.default.copyItem(atPath: MiniRun.checkpoint(2).path, toPath: checkpoint)
        try FileManager.default.createSymbolicLink(
            atPath: mini.tool.folder.file("link"), withDestinationPath: checkpoint)
        let before = try mini.tool.folder.bytes(of: "c.pkl")
        try mini.tool.expectRefusal(
            mini.evaluate("--checkpoint", checkpoint, "--output", "link"), naming: "--output link",
            "--checkpoint")
        #expect(try mini.tool.folder.bytes(of: "c.pkl") == before)
        let questions = mini.dataFile("vqa/v2_OpenEnded_mscoco_val2014_questions.json")
        try mini.tool.expectRefusal(mini.predict("--output", questions), naming: "--output", "the dataset")
        try mini.tool.expectRefusal(
            ["answers", "--data", mini.datasets, "--output", questions], naming: "--output", "the dataset")
        try mini.tool.expectRefusal(
            mini.train("--profile", "mini.yaml"), naming: "--profile", "--config")
        try mini.tool.expectRefusal(
            ["pack", "--input", "datasets", "--output", "./datasets/"], naming: "--output", "--input")
        try mini.tool.expectRefusal(
            ["extract", "--pictures", "datasets", "--output", "datasets"], naming: "--output", "--pictures")
    }

    @Test("a run's trace does not go over its own files")
    func trace() throws {
        let mini = try MiniCommands()
        try mini.tool.expectRefusal(
            mini.train("--profile", "results/log/log_run_mini.txt"), naming: "--profile", "the run")
    }
}
