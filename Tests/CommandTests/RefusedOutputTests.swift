import Foundation
import TestSupport
import Testing

/// Output that the system does not take: an error that says so, and what was there stays.
@Suite struct RefusedOutputTests {
    /// Allows files of at most this many blocks of 512 bytes; more is an error of writing.
    private func limited(blocks: Int) -> String { "ulimit -f \(blocks) && exec \"$@\"" }

    @Test("a checkpoint that finds no room ends the run with one line, and the one before it stays whole")
    func noRoomForCheckpoint() throws {
        let mini = try MiniCommands()
        _ = try mini.tool.run(mini.trainOn("--set", "max_epoch=3"))
        let before = try mini.tensorBytes(ofCheckpoint: "epoch3.safetensors")
        let outcome = try mini.tool.run(
            in: limited(blocks: 400), mini.train("--resume", mini.runFile("epoch3.safetensors")))
        #expect(outcome.exitCode == 1)
        #expect(outcome.lastErrorLine.contains(mini.runFile("epoch4.safetensors")))
        #expect(outcome.lastErrorLine.contains("File too large"))
        #expect(outcome.output.isEmpty)

        #expect(try mini.tensorBytes(ofCheckpoint: "epoch3.safetensors") == before)
        let names = try FileManager.default.contentsOfDirectory(atPath: mini.runFile(""))
        #expect(
            names.filter { !$0.hasPrefix("events.out.tfevents.") }.sorted()
                == ["epoch3.safetensors", "metrics.jsonl"], "no half file is left")
        let resumed = try mini.tool.run(mini.train("--resume", "ckpts/ckpt_mini"))
        #expect(resumed.exitCode == 0, Comment(rawValue: resumed.errorOutput))
        #expect(try mini.metrics().compactMap { $0["epoch"] as? Int } == [3, 4, 5])
    }

    @Test("results that find no room are an error, and the old file stays")
    func noRoomForResults() throws {
        let mini = try MiniCommands()
        let old = try mini.tool.folder.write("results.json", "[]")
        let outcome = try mini.tool.run(in: limited(blocks: 0), mini.predict())
        // The limit holds for what is said on standard error too.
        #expect(outcome.exitCode == 1)
        #expect(try String(contentsOfFile: old, encoding: .utf8) == "[]")
        #expect(try mini.tool.folder.names() == ["mini.yaml", "results.json"])
    }

    @Test(
        "a device that is full is an error",
        .enabled(if: FileManager.default.fileExists(atPath: "/dev/full")))
    func fullDevice() throws {
        let mini = try MiniCommands()
        try mini.tool.expectRefusal(
            mini.predict("--output", "/dev/full"), naming: "/dev/full", "No space left on device")
        let outcome = try mini.tool.run(in: "exec \"$@\" > /dev/full", mini.evaluate())
        mini.tool.expectOneErrorLine(outcome, naming: ["standard output", "No space left on device"])
        let silent = try mini.tool.run(in: "exec \"$@\" 2> /dev/full", mini.evaluate("--json"))
        #expect(silent.exitCode == 0, "what is said on the way is worth no result")
    }

    @Test(
        "a folder that cannot be made is noticed before the work", arguments: ["--output", "--save-logits"])
    func missingFolder(option: String) throws {
        let mini = try MiniCommands()
        _ = try mini.tool.folder.write("no", "a file where the folder should be")
        try mini.tool.expectRefusal(
            mini.predict(option, "no/where.json"), naming: "no/where.json", "Not a directory")
        #expect(try mini.tool.folder.names() == ["mini.yaml", "no"])
    }

    @Test("a run whose folder cannot be made is refused")
    func noRunFolder() throws {
        let mini = try MiniCommands()
        _ = try mini.tool.folder.write("ckpts", "a file where the folder should be")
        let outcome = try mini.tool.run(mini.trainOn())
        #expect(outcome.exitCode == 1)
        #expect(outcome.lastErrorLine.contains("ckpts/ckpt_mini"))
        #expect(outcome.lastErrorLine.contains("Not a directory"))
    }

    @Test("a loss that is not finite stops the run with the step and what to try")
    func notFinite() throws {
        let mini = try MiniCommands()
        let outcome = try mini.tool.run(mini.trainOn("--set", "lr_base=1e30"))
        #expect(outcome.exitCode == 1)
        let line = outcome.lastErrorLine
        #expect(line.contains("step 2 of epoch 3") && line.contains("lr_base") && line.contains("--resume"))
    }
}
