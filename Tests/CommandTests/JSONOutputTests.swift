import Foundation
import TestSupport
import Testing

/// What programs read.
@Suite struct JSONOutputTests {
    @Test("train --json prints an object a line, and nothing else")
    func training() throws {
        let mini = try MiniCommands()
        let outcome = try mini.tool.run(mini.trainOn("--json", "--set", "max_epoch=4"))
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        #expect(outcome.errorOutput.isEmpty)
        let events = try outcome.output.split(separator: "\n").map { try String($0).json() }
        let names = events.compactMap { $0["event"] as? String }
        #expect(names.count == events.count)
        #expect(
            names.filter { $0 != "notice" && $0 != "evaluating" }
                == ["start", "step", "epoch", "step", "epoch", "finished"])
        let start = try #require(events.first { $0["event"] as? String == "start" })
        #expect((start["configuration"] as? [String: Any])?["max_epoch"] as? Int == 4)
        #expect(start["resumed_from"] as? String == MiniRun.checkpoint(2).path)
        for key in ["parameters", "words", "answers", "questions", "evaluated_questions"] {
            #expect(try #require(start[key] as? Int) > 0, "\(key)")
        }
        let epoch = try #require(events.first { $0["event"] as? String == "epoch" })
        #expect(epoch["epoch"] as? Int == 3)
        #expect(epoch["overall"] as? Double == (try mini.metrics())[0]["overall"] as? Double)
        #expect(epoch["checkpoint"] as? String == mini.runFile("epoch3.safetensors"))
        #expect(events.last?["checkpoint"] as? String == mini.runFile("epoch4.safetensors"))
        let step = try #require(events.first { $0["event"] as? String == "step" })
        #expect(step["step"] as? Int == step["steps"] as? Int)
    }

    @Test("a run that is stopped tells the checkpoint and how to go on; notices are events")
    func interrupted() throws {
        let mini = try MiniCommands()
        let run = try mini.tool.start(
            mini.trainOn(
                "--json", "--no-cuda-graphs", "--set", "max_epoch=9999", "--set", "eval_every_epoch=false"))
        try run.wait { mini.exists(mini.runFile("epoch3.safetensors")) }
        run.send(SIGTERM)
        let outcome = try run.outcome()
        #expect(outcome.exitCode == 143)
        let events = try outcome.output.split(separator: "\n").map { try String($0).json() }
        #expect(events.last?["event"] as? String == "interrupted")
        let checkpoint = mini.runFile("interrupted.safetensors")
        #expect(events.last?["checkpoint"] as? String == checkpoint)
        #expect((events.last?["resume"] as? String)?.contains("--resume \(checkpoint)") == true)
        #expect(events.contains { ($0["text"] as? String)?.hasPrefix("--no-cuda-graphs") == true })
    }

    @Test("predict and fetch sum up what they did")
    func summaries() throws {
        let mini = try MiniCommands()
        let predicted = try mini.tool.run(mini.predict("--json", "--save-logits", "logits.safetensors"))
        let summary = try predicted.output.json()
        #expect(summary["output"] as? String == "results.json")
        #expect(summary["logits"] as? String == "logits.safetensors")
        #expect(summary["split"] as? String == "test")
        #expect(try #require(summary["questions"] as? Int) > 0)

        let fetched = try MiniMirror().fetch("--json")
        let answer = try fetched.output.json()
        #expect(answer["outcome"] as? String == "complete")
        let splits = try #require(answer["splits"] as? [[String: Any]])
        #expect(splits.compactMap { $0["split"] as? String }.prefix(2) == ["train", "val"])
    }
}
