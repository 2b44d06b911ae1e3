import Foundation
import TestSupport
import Testing

@testable import RWSANCommands

/// `rwsan serve`: the real program, which starts the real server.
@Suite struct ServeCommandTests {
    private let tool: CommandLineTool

    init() throws { tool = try CommandLineTool() }

    private static let model = ["--model", Fixtures.url("hub/vilt").path]

    /// A server on a port of its own.
    private func start(_ more: String...) throws -> (RunningCommand, port: Int) {
        let command = try tool.start(["serve", "--port", "0"] + Self.model + more)
        try command.wait { command.output.hasSuffix("\n") }
        let match = try #require(
            command.output.wholeMatch(of: /http:\/\/127\.0\.0\.1:(\d+)\n/), "\(command.output)")
        return (command, try #require(Int(match.1)))
    }

    private func question(_ text: String) throws -> String {
        let picture = try Data(contentsOf: Fixtures.url("hub/pictures/e_small.png")).base64EncodedString()
        let body = "{\"picture\":\"\(picture)\",\"questions\":[\"\(text)\"]}"
        return "POST /v1/answers HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            + "Content-Length: \(body.utf8.count)\r\n\r\n" + body
    }

    @Test("SIGTERM finishes what is under way, takes no more, and ends with 0", arguments: [SIGTERM, SIGINT])
    func end(signal: Int32) throws {
        let (command, port) = try start("--batch-wait", "1000")
        let asking = try HTTPConnection(port: port)
        let idle = try HTTPConnection(port: port)
        idle.send("GET /health/ready HTTP/1.1\r\nHost: localhost\r\n\r\n")
        #expect(idle.nextResponse()?.status == 200)
        asking.send(try question("is it red?"))
        // Then the picture is looked at, and the question waits for others.
        let metrics = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"
        let hasCome = "rwsan_stage_seconds_count{stage=\"upload\"} 1\n"
        repeat { idle.send(metrics) } while idle.nextResponse()?.text.contains(hasCome) == false
        command.send(signal)
        let answer = try #require(asking.nextResponse())
        #expect(answer.status == 200, "\(answer.text)")
        #expect(idle.waitForEnd())
        let outcome = try command.outcome()
        #expect(outcome.exitCode == 0, "\(outcome.errorOutput)")
        #expect(outcome.errorOutput.isEmpty)
        #expect(throws: POSIXError.self) { try HTTPConnection(port: port) }
    }

    @Test("nothing of a request is in what the server writes down")
    func silence() throws {
        let (command, port) = try start()
        for text in [
            try question("secretquestion"),
            "POST /v1/answers?secretquery HTTP/1.1\r\nHost: localhost\r\nContent-Length: 12\r\n\r\nsecretbodyxx",
            "GET /secretpath HTTP/1.1\r\nHost: localhost\r\nX-Secret: secretheader\r\n\r\n",
            "secretnonsense\r\n\r\n",
        ] {
            let connection = try HTTPConnection(port: port)
            connection.send(text)
            _ = connection.nextResponse()
        }
        command.send(SIGTERM)
        let outcome = try command.outcome()
        #expect(outcome.exitCode == 0)
        #expect(!(outcome.output + outcome.errorOutput).contains("secret"))
    }

    @Test("a port that is taken, or cannot be, and a host without keys are told in one line")
    func refused() throws {
        let (command, port) = try start()
        let taken = try tool.run(["serve", "--port", "\(port)"] + Self.model)
        #expect(taken.exitCode == 1)
        #expect(
            taken.errorOutput.hasPrefix("rwsan-server: error: 127.0.0.1:\(port): cannot listen there"),
            "\(taken.errorOutput)")
        #expect(taken.errorLines.count == 1)
        command.send(SIGTERM)
        _ = try command.outcome()

        try tool.expectRefusal(["serve"], naming: "--checkpoint")
        try tool.expectRefusal(["serve", "--port", "65536"] + Self.model, naming: "--port", "65536")
        try tool.expectRefusal(
            ["serve", "--host", "0.0.0.0"] + Self.model, naming: "--host 0.0.0.0", "--api-key-file")
        let keys = try tool.folder.write("keys", "short\n")
        try tool.expectRefusal(["serve", "--api-key-file", keys] + Self.model, naming: keys, "key 1", "16")
        let none = try tool.folder.write("none", "\n \n")
        try tool.expectRefusal(["serve", "--api-key-file", none] + Self.model, naming: none, "found none")
        try tool.expectRefusal(["serve", "--api-key-file", "nowhere"] + Self.model, naming: "nowhere")
        for origin in ["example.org", "https://example.org/path", "*", "ftp://example.org"] {
            try tool.expectRefusal(
                ["serve", "--allow-origin", origin] + Self.model, naming: "--allow-origin", origin)
        }
        for (option, value) in [
            ("--max-batch", "0"), ("--batch-wait", "-1"), ("--queue", "1"), ("--picture-queue", "0"),
            ("--deadline", "nan"),
            ("--send-time", "0"), ("--max-body", "0"), ("--max-pixels", "1000"), ("--keep", "-1"),
            ("--max-connections", "0"),
        ] {
            try tool.expectRefusal(["serve", option, value] + Self.model, naming: option, value)
        }
    }

    @Test("a model that is not there is told by the server as by any other command")
    func noModel() throws {
        let outcome = try tool.run("serve", "--checkpoint", "nowhere")
        #expect(outcome.exitCode == 1 && outcome.errorLines.count == 1)
        #expect(outcome.lastErrorLine.hasPrefix("rwsan-server: error: nowhere"), "\(outcome.lastErrorLine)")
    }

    @Test("where there is no server beside the program, how to build it is told")
    func noServer() throws {
        let error = try ServerProgram(beside: tool.folder.file("rwsan")).startError()
        #expect("\(error)".contains(tool.folder.path + "/rwsan-server") && "\(error)".contains("make server"))
        // One that cannot be run.
        let path = try tool.folder.write("rwsan-server", "nothing")
        chmod(path, 0o755)
        let other = try ServerProgram(beside: tool.folder.file("rwsan")).startError()
        #expect("\(other)".contains("cannot be started"))
    }
}
