import Foundation
import TestSupport
import Testing

/// `train --profile`.
@Suite struct ProfileTests {
    @Test("a trace shows where the time of three steps goes, and changes nothing of the run")
    func trace() throws {
        let plain = try MiniCommands()
        let profiled = try MiniCommands()
        for (mini, more) in [(plain, []), (profiled, ["--profile", "traces/steps.json"])] {
            let outcome = try mini.tool.run(mini.trainOn("--set", "seed=1") + more)
            #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        }
        #expect(
            try plain.tensorBytes(ofCheckpoint: "epoch5.safetensors")
                == profiled.tensorBytes(ofCheckpoint: "epoch5.safetensors"))

        let trace = try URL(fileURLWithPath: profiled.tool.folder.file("traces/steps.json")).json()
        let events = try #require(trace["traceEvents"] as? [[String: Any]])
        func count(_ name: String) -> Int {
            events.count { $0["name"] as? String == name && $0["dur"] != nil }
        }
        for name in ["step", "waiting for data", "forward", "backward", "optimizer"] {
            #expect(count(name) == 3, "\(name)")
        }
        #expect(count("rwsan::residual_norm") > 3)
        #expect(count("AddmmBackward0") > 3)
    }

    @Test("a run of fewer steps says that there is no trace")
    func tooShort() throws {
        let mini = try MiniCommands()
        let outcome = try mini.tool.run(
            mini.train("--set", "use_glove=false", "--set", "max_epoch=1", "--set", "batch_size=126")
                + ["--profile", "steps.json"])
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        #expect(outcome.errorOutput.contains("the run ended before step 3, so there is no trace"))
        #expect(!mini.exists(mini.tool.folder.file("steps.json")))
    }

    @Test("a trace that cannot be written is refused before the training")
    func unwritable() throws {
        let mini = try MiniCommands()
        let outcome = try mini.tool.run(mini.trainOn() + ["--profile", "mini.yaml/steps.json"])
        #expect(outcome.exitCode != 0)
        #expect(outcome.errorOutput.contains("mini.yaml/steps.json: cannot be written"))
        #expect(!mini.exists(mini.runFile("epoch3.safetensors")))
    }
}
