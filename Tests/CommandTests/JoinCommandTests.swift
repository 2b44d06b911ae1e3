import Foundation
import TestSupport
import Testing

/// `predict --shard`, and `join`, which puts the parts together.
@Suite struct JoinCommandTests {
    private func predict(_ mini: MiniCommands, shard: String) throws -> String {
        let output = "part \(shard.replacing("/", with: " of ")).json"
        let outcome = try mini.tool.run(
            mini.predict("--answers", MiniRun.answers.path, "--shard", shard, "--output", output))
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        return output
    }

    private func join(_ mini: MiniCommands, _ parts: [String], _ more: String...) -> [String] {
        let questions = mini.dataFile("vqa/v2_OpenEnded_mscoco_test2015_questions.json")
        return ["join", "--questions", questions, "--output", "results.json"] + parts + more
    }

    @Test("parts that were answered apart are joined, in any order, to the bytes of the whole")
    func whole() throws {
        let mini = try MiniCommands()
        let parts = try (1...3).map { try predict(mini, shard: "\($0)/3") }
        let outcome = try mini.tool.run(join(mini, parts.reversed()))
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        #expect(outcome.output == "results.json\n")
        #expect(
            try mini.tool.folder.bytes(of: "results.json")
                == [UInt8](Data(contentsOf: MiniRun.expected("test_result_epoch2.json"))))
    }

    @Test("a part that is missing is told with its questions, and --partial writes the rest")
    func missing() throws {
        let mini = try MiniCommands()
        let part = try predict(mini, shard: "2/3")
        let questions = URL(fileURLWithPath: mini.dataFile("vqa/v2_OpenEnded_mscoco_test2015_questions.json"))
        let all = try #require(try questions.json()["questions"] as? [[String: Any]])
        let first = try #require(all.first?["question_id"] as? Int)
        let count = try mini.tool.folder.bytes(of: part).split(separator: UInt8(ascii: "{")).count - 1
        let missing = "\(all.count - count) of \(all.count) questions have no answer"
        try mini.tool.expectRefusal(join(mini, [part]), naming: missing, "\(first), ", "--partial")
        let outcome = try mini.tool.run(join(mini, [part], "--partial"))
        #expect(outcome.exitCode == 0 && outcome.errorOutput.contains(missing))
        #expect(try mini.tool.folder.bytes(of: "results.json") == mini.tool.folder.bytes(of: part))
    }

    @Test("answers that do not belong together, and shards that are none, are refused")
    func refused() throws {
        let mini = try MiniCommands()
        let part = try predict(mini, shard: "1/3")
        let other = try mini.tool.folder.write("other.json", #"[{"answer": "yes", "question_id": 123456}]"#)
        try mini.tool.expectRefusal(join(mini, [part, other]), naming: other, "123456")
        let text = String(decoding: try mini.tool.folder.bytes(of: part), as: UTF8.self)
        let changed = try mini.tool.folder.write(
            "changed.json", text.replacing(/"answer": "[^"]*"/, with: "\"answer\": \"something else\""))
        try mini.tool.expectRefusal(join(mini, [part, changed]), naming: part, changed, "something else")
        for shard in ["0/3", "4/3", "x"] {
            try mini.tool.expectRefusal(mini.predict("--shard", shard), naming: "--shard", "'\(shard)'")
        }
    }
}
