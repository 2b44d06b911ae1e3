import Foundation
import TestSupport
import Testing
import Torch
import VisualQuestionAnswering

@testable import RWSANCommands

/// What the program says of itself.
@Suite struct HelpCommandTests {
    private func help(_ arguments: String...) throws -> String {
        let outcome = try CommandLineTool().run(arguments)
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        #expect(outcome.errorOutput.isEmpty)
        return outcome.output
    }

    @Test("--version names the version, libtorch's, and which kernels the processor gives")
    func version() throws {
        let text = try help("--version")
        let lines = text.split(separator: "\n")
        #expect(lines.first == "rwsan \(PackageVersion.current), libtorch 2.11.0")
        #expect(lines[1].hasPrefix("processor: ") && lines[1].contains("; kernels for "))
        #expect(lines.count == (Device.driver == .missing ? 2 : 3), "CUDA is named where it is there")
        #expect(try help("train", "--version") == text)
    }

    @Test(
        "a command that is mistyped is named with the nearest one, wherever it stands",
        arguments: [
            (["trian"], "'train'", "'rwsan --help'"), (["help", "evalute"], "'evaluate'", "'rwsan --help'"),
            (["fetch", "vqav2"], "'vqa-v2'", "'rwsan fetch --help'"),
            (["help", "fetch", "easyvqa"], "'easy-vqa'", "'rwsan fetch --help'"),
            (["help", "setings"], "'settings'", "'rwsan --help'"),
        ] as [([String], String, String)])
    func mistypedCommand(arguments: [String], nearest: String, help: String) throws {
        try CommandLineTool().expectRefusal(arguments, naming: "the nearest is \(nearest)", "see \(help)")
    }

    @Test("an error points to the help that has the option")
    func pointsToHelp() throws {
        let tool = try CommandLineTool()
        try tool.expectRefusal(
            ["fetch", "vqa-v2", "--retries=-1"], naming: "--retries", "see 'rwsan fetch vqa-v2 --help'")
        try tool.expectRefusal(["evaluate"], naming: "see 'rwsan evaluate --help'")
    }

    @Test("the first help leads to the settings, the official command line and every command")
    func root() throws {
        let text = try help()
        #expect(text == (try help("help")))
        #expect(text == (try help("help", "help")))
        for word in ["help settings", "--RUN=train", "models", "datasets"] { #expect(text.contains(word)) }
        for command in RootCommand.configuration.subcommands where command.configuration.shouldDisplay {
            let name = try #require(command.configuration.commandName)
            #expect(text.contains("\n  \(name) "), "\(name)")
        }
    }

    @Test("every option of every command has a sentence, and defaults are shown", arguments: commands)
    func everyOption(command: String) throws {
        let path = command.split(separator: " ").map(String.init)
        let type = CommandPath(path).command
        let text = RootCommand.helpMessage(for: type, columns: 100)
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        var optionCount = 0
        for (line, next) in zip(lines, lines.dropFirst()) where line.hasPrefix("  -") {
            optionCount += 1
            let meaning = line.dropFirst(26)
            let rest = meaning.isEmpty || line.dropFirst(24).first != " " && line.count <= 26 ? next : line
            #expect(rest.contains(" "), "\(command): \(line)")
            #expect(line.count <= 100)
        }
        #expect(optionCount >= 2)
        #expect(text.contains("USAGE: rwsan \(command)") || ProgramName.isOther)
    }

    private static let commands = [
        "fetch vqa-v2", "fetch easy-vqa", "fetch efficientnet-lite0", "import", "extract", "pack", "answers",
        "train",
        "evaluate", "predict", "join", "ask", "detect", "score", "export", "info", "doctor",
    ]

    @Test("where a dataset is needed, the usage says so", arguments: ["train", "evaluate", "predict"])
    func dataIsNeeded(command: String) throws {
        let text = try help("help", command).split(whereSeparator: \.isWhitespace).joined(separator: " ")
        #expect(text.contains("USAGE: rwsan \(command) --data <folder> "))
        #expect(text.contains("Needed unless both folders below are given"))
    }

    @Test("the splits that predict takes are those of the datasets, in its help and its error")
    func splits() throws {
        let text = try help("help", "predict").split(whereSeparator: \.isWhitespace).joined(separator: " ")
        #expect(text.contains("train, val, vg, test, test-dev (vqa-v2); train, val (easy-vqa)"))
        let mini = try MiniCommands()
        try mini.tool.expectRefusal(
            mini.predict("--split", "tset"), naming: "tset", "vqa-v2", "train, val, vg, test, test-dev")
    }
}

/// In this process the program has the name of the tests.
private enum ProgramName {
    static let isOther = Program.name != "rwsan"
}
