import Foundation
import TestSupport
import Testing
import Torch

/// `--precision`, right and wrong.
@Suite struct PrecisionOptionTests {
    @Test("training in bfloat16 says so and ends near the official run")
    func bfloat16() throws {
        let mini = try MiniCommands()
        let outcome = try mini.tool.run(mini.trainOn("--precision", "bfloat16", "--set", "max_epoch=3"))
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        #expect(outcome.errorOutput.contains("on cpu in bfloat16 with"))
        let losses = try mini.metrics().compactMap { $0["loss"] as? Double }
        let official = try #require(MiniRun.epochs().first { $0.epoch == 3 }?.loss)
        #expect(losses.count == 1)
        #expect(abs(losses[0] / official - 1) < 0.02)
    }

    @Test(
        "int8 answers as single precision does",
        .enabled(
            if: (try? TorchRuntime.requireInt8Products()) != nil, "the processor has no AVX-512 VNNI"))
    func int8() throws {
        let mini = try MiniCommands()
        for (file, more) in [("exact.json", []), ("rounded.json", ["--precision", "int8"])] {
            let outcome = try mini.tool.run(mini.predict("--answers", MiniRun.answers.path) + more)
            #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
            try FileManager.default.moveItem(
                atPath: mini.tool.folder.file("results.json"), toPath: mini.tool.folder.file(file))
        }
        let exact = try Data(contentsOf: URL(fileURLWithPath: mini.tool.folder.file("exact.json")))
        let rounded = try Data(contentsOf: URL(fileURLWithPath: mini.tool.folder.file("rounded.json")))
        #expect(exact == rounded)
    }

    @Test(
        "a precision that is unknown, or not for the purpose, is refused in one line",
        arguments: [
            ("fp8", "expected one of auto, float32, bfloat16, float16, int8"),
            ("int8", "it is for answering, not for training"),
        ])
    func refused(precision: String, reason: String) throws {
        let mini = try MiniCommands()
        let outcome = try mini.tool.run(mini.trainOn("--precision", precision))
        #expect(outcome.exitCode != 0)
        #expect(outcome.errorOutput == "rwsan: error: --precision \(precision): \(reason)\n")
    }
}
