import Foundation
import TestSupport
import Testing
import Torch

/// Standard output and error that are closed, or whose reader goes away.
@Suite struct StandardStreamsTests {
    private func oneEpoch(_ mini: MiniCommands, _ more: String...) -> [String] {
        mini.trainOn("--set", "max_epoch=3", "--set", "eval_every_epoch=false") + more
    }

    @Test("without standard output a command says so once, and does nothing")
    func noOutput() throws {
        let mini = try MiniCommands()
        let outcome = try mini.tool.run(in: "exec \"$@\" >&-", oneEpoch(mini))
        mini.tool.expectOneErrorLine(outcome, naming: ["standard output", "closed"])
        #expect(try mini.tool.folder.names() == ["mini.yaml"])
        let help = try mini.tool.run(in: "exec \"$@\" >&-", ["help"])
        mini.tool.expectOneErrorLine(help, naming: ["standard output"])
    }

    @Test("without standard input and error a run goes on, and its files are whole")
    func noError() throws {
        let mini = try MiniCommands()
        let outcome = try mini.tool.run(in: "exec \"$@\" 2>&- <&-", oneEpoch(mini))
        #expect(outcome.exitCode == 0)
        #expect(outcome.errorOutput.isEmpty)
        #expect(outcome.output == mini.runFile("epoch3.safetensors") + "\n")
        #expect(try !SafetensorsFile(path: mini.runFile("epoch3.safetensors")).tensors.isEmpty)
        #expect(try mini.metrics().count == 1)
    }

    @Test("a run whose reader goes away stops with a checkpoint, and says why once")
    func readerGone() throws {
        let mini = try MiniCommands()
        let shell = "{ \"$@\"; echo $? > code; } | head -1"
        let arguments = mini.trainOn("--json", "--set", "max_epoch=1000", "--set", "eval_every_epoch=false")
        let outcome = try mini.tool.run(in: shell, arguments)
        #expect(try outcome.output.json()["event"] as? String != nil)
        #expect(try mini.tool.folder.bytes(of: "code") == Array("1\n".utf8))
        #expect(outcome.errorLines.filter { $0.contains("error: ") }.count == 1)
        #expect(outcome.lastErrorLine.contains("standard output"))
        #expect(mini.exists(mini.runFile("interrupted.safetensors")))
    }

    @Test("help that finds no room is an error")
    func fullHelp() throws {
        let outcome = try CommandLineTool().run(in: "exec \"$@\" > /dev/full", ["help"])
        #expect(outcome.exitCode == 1)
        #expect(outcome.lastErrorLine.contains("standard output"))
    }
}
