import Foundation
import TestSupport
import Testing

extension SharedWorkTests {
    /// `predict` and `evaluate` by several processes.
    @Suite struct SharedAnsweringTests {
        @Test("predict writes the bytes that one process writes: answers, and logits", arguments: [2, 3])
        func predict(count: Int) throws {
            let shared = try SharedCommands()
            let outcome = try shared.run(
                count,
                shared.mini.predict("--answers", MiniRun.answers.path, "--save-logits", "logits.safetensors"))
            #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
            #expect(outcome.output == "results.json\n")
            let folder = shared.mini.tool.folder
            #expect(
                try folder.bytes(of: "results.json")
                    == [UInt8](Data(contentsOf: MiniRun.expected("test_result_epoch2.json"))))

            let alone = try MiniCommands()
            let single = try alone.tool.run(
                alone.predict("--answers", MiniRun.answers.path, "--save-logits", "logits.safetensors"))
            #expect(single.exitCode == 0, Comment(rawValue: single.errorOutput))
            #expect(
                try folder.bytes(of: "logits.safetensors")
                    == alone.tool.folder.bytes(of: "logits.safetensors"))
        }

        @Test("evaluate gives the official accuracy once, and the answers")
        func evaluate() throws {
            let shared = try SharedCommands()
            let outcome = try shared.run(3, shared.mini.evaluate("--json", "--output", "val.json"))
            #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
            let report = try outcome.output.json()
            #expect(report["overall"] as? Double == 26.25)
            let alone = try MiniCommands()
            let single = try alone.tool.run(alone.evaluate("--json", "--output", "val.json"))
            #expect(single.output == outcome.output)
            #expect(
                try shared.mini.tool.folder.bytes(of: "val.json") == alone.tool.folder.bytes(of: "val.json"))
        }

        @Test("questions about pictures that cannot be read are left out of the same file")
        func leftOut() throws {
            let shared = try SharedCommands(.withCopiedDataset())
            let folder = shared.mini.dataFile("coco_extract/test2015")
            for name in try FileManager.default.contentsOfDirectory(atPath: folder).sorted().prefix(2) {
                try Data("no zip".utf8).write(to: URL(fileURLWithPath: folder + "/" + name))
            }
            let alone = try shared.mini.tool.run(shared.mini.predict("--skip-damaged"))
            #expect(alone.exitCode == 0, Comment(rawValue: alone.errorOutput))
            let expected = try shared.mini.tool.folder.bytes(of: "results.json")
            let outcome = try shared.run(2, shared.mini.predict("--skip-damaged"))
            #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
            #expect(try shared.mini.tool.folder.bytes(of: "results.json") == expected)
            #expect(outcome.errorLines == alone.errorLines)
        }
    }
}
