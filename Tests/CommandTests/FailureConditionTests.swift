import Foundation
import TestSupport
import Testing

/// What the system may refuse to any command. docs/reliability.md has the table.
@Suite struct FailureConditionTests {
    @Test("an output where nothing can be written is refused in one line by every command that writes")
    func readOnly() throws {
        let mini = try MiniCommands()
        let place = "/proc/no/where"
        let features = mini.dataFile("coco_extract/val2014")
        let pictures = mini.tool.folder.file("pictures")
        try FileManager.default.createDirectory(atPath: pictures, withIntermediateDirectories: true)
        for command in [
            mini.predict("--output", place + ".json"), mini.evaluate("--output", place + ".json"),
            mini.evaluate("--save-logits", place + ".safetensors"), mini.evaluate("--log", place + ".txt"),
            ["pack", "--input", features, "--output", place], ["fetch", "easy-vqa", "--output", place],
            ["answers", "--data", mini.datasets, "--output", place + ".json"],
            mini.train("--profile", place + ".json", "--set", "use_glove=false"),
        ] {
            let outcome = try mini.tool.run(command)
            #expect(outcome.exitCode == 1, "\(command[0]): \(outcome.errorOutput)")
            #expect(outcome.lastErrorLine.contains("/proc/no"), "\(command[0]): \(outcome.errorOutput)")
            #expect(!outcome.errorOutput.contains("Fatal error"), "\(command[0])")
        }
    }

    @Test("a working folder that takes no files ends training with one line")
    func readOnlyWorkingFolder() throws {
        let mini = try MiniCommands()
        let command = mini.train("--set", "use_glove=false", "--set", "max_epoch=1")
        let outcome = try mini.tool.run(in: "cd /proc && exec \"$@\"", command)
        #expect(outcome.exitCode == 1)
        #expect(outcome.lastErrorLine.contains("ckpts"), Comment(rawValue: outcome.errorOutput))
    }

    @Test(
        "files from before 1970 and from after 2262 are read as any others, and a clock that was set back harms none",
        arguments: ["1901-12-14T00:00:00Z", "2300-01-01T00:00:00Z"])
    func oddDates(date: String) throws {
        let mini = try MiniCommands.withCopiedDataset()
        let features = mini.dataFile("coco_extract/train2014")
        let packed = try mini.tool.run("pack", "--input", features, "--output", features + ".packed")
        #expect(packed.exitCode == 0, Comment(rawValue: packed.errorOutput))
        let touch = try mini.tool.run(
            in: "find datasets -exec touch -d \(date) {} + && exec \"$@\"", ["info", mini.datasets])
        #expect(touch.exitCode == 0, Comment(rawValue: touch.errorOutput))
        // The second run finds what the first has prepared and verified.
        for _ in 1...2 {
            let outcome = try mini.tool.run(
                mini.train("--set", "use_glove=false", "--set", "max_epoch=1", "--quiet"))
            #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        }
    }
}
