import Foundation
import TestSupport
import Testing

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
