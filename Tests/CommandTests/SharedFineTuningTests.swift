import Foundation
import TestSupport
import Testing

extension SharedWorkTests {
    /// `mpirun rwsan train --model`: several processes that fine-tune a published model.
    @Suite struct SharedFineTuningTests {
        private static let short = ["dropout_r=0", "max_epoch=2"].flatMap { ["--set", $0] }

        /// The weights and moments of the run `mini` in a folder.
        private func weights(_ epoch: Int, _ set: FineTuningSet) throws -> [String: [UInt8]] {
            try set.bytes(ofCheckpoint: epoch, of: "mini").filter { !$0.key.hasPrefix("random.") }
        }

        @Test("ViLT learns from pictures to the bits of one process, and writes what it writes once")
        func viLT() throws {
            let (shared, set) = (try SharedCommands(), try FineTuningSet())
            let pictures = ["--pictures", set.data + "/images"]
            let outcome = try shared.run(
                2, set.train(name: "mini") + ["--set", "grad_accu_steps=1"] + Self.short + pictures)
            #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
            #expect(outcome.errorLines.count { $0.hasPrefix("epoch ") } == 2)
            try set.run(set.train(name: "mini") + Self.short)
            #expect(try shared.weights("epoch2.safetensors") == weights(2, set))
            let (found, expected) = (try shared.mini.metrics(), try set.metrics(of: "mini"))
            for key in ["loss", "gradient_norm", "lr", "overall"] {
                #expect(found.map { $0[key] as? Double } == expected.map { $0[key] as? Double }, "\(key)")
            }
            let files = try FileManager.default.contentsOfDirectory(atPath: shared.mini.runFile(""))
            #expect(files.count { $0.contains("tfevents") } == 1, "\(files)")

            let predict =
                ["predict", "--checkpoint", shared.mini.runFile("epoch2.safetensors"), "--data", set.data]
                + ["--split", "val", "--output", "answers.json"] + pictures
            try shared.runWell(2, predict)
            try set.run(predict)
            #expect(
                try Data(contentsOf: URL(fileURLWithPath: shared.mini.tool.folder.file("answers.json")))
                    == Data(contentsOf: URL(fileURLWithPath: set.tool.folder.file("answers.json"))))
        }

        @Test("what no process has a gradient of stays as it is, as where one learns alone")
        func unused() throws {
            func train(_ steps: Int) -> [String] {
                ["train", "--model", FineTuningSet.model("lxmert"), "--data", MiniRun.datasets.path]
                    + ["--name", "mini"]
                    + [
                        "max_epoch=1", "seed=1", "eval_every_epoch=false", "dropout_r=0",
                        "grad_accu_steps=\(steps)",
                    ].flatMap { ["--set", $0] }
            }
            let (shared, alone) = (try SharedCommands(), try SharedCommands())
            try shared.runWell(2, train(1))
            let outcome = try alone.mini.tool.run(train(2))
            try #require(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
            let found = try shared.weights("epoch1.safetensors")
            #expect(found == (try alone.weights("epoch1.safetensors")))
        }
    }
}
