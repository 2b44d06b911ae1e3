import Foundation
import TestSupport
import Testing
import Torch

@testable import RWSANCommands

/// Names that would move the cursor.
@Suite struct PrintableTextTests {
    @Test(
        "control characters are written out, all else stays",
        arguments: [
            ("a\u{1B}[2Jb", "a\\u{1B}[2Jb"), ("a\nb\r\nc", "a\\u{A}b\\u{D}\\u{A}c"),
            ("\u{9B}x\u{7F}\0", "\\u{9B}x\\u{7F}\\u{0}"),
            ("\u{202E}gpj.exe", "\\u{202E}gpj.exe"), ("café 猫 👩‍💻 \t \\u{1B}", "café 猫 👩‍💻 \t \\u{1B}"),
        ])
    func escapes(text: String, expected: String) {
        #expect(PrintableText.escaping(text) == expected)
        #expect(PrintableText.escaping(expected) == expected)
    }

    @Test("an error's line has no control characters")
    func errorLine() {
        struct Bad: Error, CustomStringConvertible { let description = "a\u{1B}]0;title\u{7}b\nc" }
        #expect(ErrorLine.text(for: Bad()) == "a\\u{1B}]0;title\\u{7}b c")
    }

    @Test("JSON says the same with its control characters escaped")
    func json() throws {
        let text = "a\u{9B}31m\u{202E}\u{7F}\u{2028}b"
        let json = PrintableText.escapingJSON("[\"\(text)\"]")
        #expect(json == "[\"a\\u009b31m\\u202e\\u007f\\u2028b\"]")
        #expect(try JSONDecoder().decode([String].self, from: Data(json.utf8)) == [text])
    }

    @Test(
        "names out of a checkpoint and types out of annotations are written out for people, through a pipe too"
    )
    func results() throws {
        let tool = try CommandLineTool()
        let checkpoint = tool.folder.file("a.safetensors")
        try saveSafetensors(
            ["proj\u{1B}[2J.weight": Tensor.zeros([1])], metadata: ["format": "rwsan-checkpoint-1"],
            to: checkpoint)
        let info = try tool.run("info", checkpoint)
        #expect(info.output.contains("  proj\\u{1B}[2J.weight [1]") && !info.output.contains("\u{1B}"))
        let programs = try tool.run("info", "--json", checkpoint)
        #expect(try programs.output.json()["tensors"] as? [String: [Int]] == ["proj\u{1B}[2J.weight": [1]])

        let type = "is\\u001b]0;the\\u0007"
        _ = try tool.folder.write(
            "q.json", "{\"questions\": [{\"question_id\": 1, \"image_id\": 1, \"question\": \"x\"}]}")
        _ = try tool.folder.write(
            "a.json",
            "{\"annotations\": [{\"question_id\": 1, \"image_id\": 1, \"question_type\": \"\(type)\", "
                + "\"answers\": [{\"answer\": \"x\"}]}]}")
        _ = try tool.folder.write("r.json", "[{\"question_id\": 1, \"answer\": \"x\"}]")
        let score = try tool.run(
            "score", "--questions", "q.json", "--annotations", "a.json", "--results", "r.json")
        #expect(score.output.contains("is\\u{1B}]0;the\\u{7}") && !score.output.contains("\u{1B}"))
    }

    @Test("an error's line has an end, whatever the file's names are")
    func longLine() {
        struct Long: Error, CustomStringConvertible {
            let description = String(repeating: "x", count: 1 << 20)
        }
        #expect(ErrorLine.text(for: Long()).count == 10_001)
    }

    @Test(
        "any number can be shown",
        arguments: [(1e300, "?", "9223372036854775807"), (-1e300, "0 s", "-9223372036854775808")]
            + [(.nan, "?", "?"), (.infinity, "?", "?"), (61.4, "1 min 1 s", "61")]
            as [(Double, String, String)])
    func anyNumber(value: Double, time: String, number: String) {
        #expect(readable(seconds: value) == time)
        #expect(whole(value) == number)
    }

    @Test("a key of a settings file and a file's name reach the terminal written out")
    func settingsFile() throws {
        let mini = try MiniCommands()
        let file = try mini.tool.folder.write("bad.yaml", "\"hidden\\e[31m_size\": 3\n")
        let outcome = try mini.tool.run(mini.trainOn("--config", file))
        mini.tool.expectOneErrorLine(outcome, naming: ["hidden\\u{1B}[31m_size"])
        let name = try mini.tool.run("info", "no\u{1B}[31m.npz")
        mini.tool.expectOneErrorLine(name, naming: ["no\\u{1B}[31m.npz"])
    }
}
