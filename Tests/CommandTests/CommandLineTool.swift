import Foundation
import TestSupport
import Testing

/// The built `rwsan`, run as a user would, in a folder of its own.
struct CommandLineTool {
    /// The working folder.
    let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    /// What a finished command left.
    struct Outcome {
        let output: String
        let errorOutput: String
        /// The exit code; nil where a signal ended the command.
        let exitCode: Int32?

        var errorLines: [Substring] { errorOutput.split(separator: "\n") }
        var lastErrorLine: String { errorLines.last.map(String.init) ?? "" }
    }

    /// Runs a command to its end.
    func run(_ arguments: String...) throws -> Outcome { try start(arguments).outcome() }

    /// Runs a command to its end.
    func run(_ arguments: [String]) throws -> Outcome { try start(arguments).outcome() }

    /// Runs the command line `shell` in `sh`, where `"$@"` stands for `rwsan` with its arguments.
    func run(in shell: String, _ arguments: [String]) throws -> Outcome {
        try start(["-c", shell, "sh", Self.executable().path] + arguments, executable: "/bin/sh").outcome()
    }

    /// Starts a command that is to be stopped while it runs.
    func start(_ arguments: [String]) throws -> RunningCommand {
        try start(arguments, executable: Self.executable().path)
    }

    /// Starts the command line `shell` in `sh`, as `run(in:_:)` runs it.
    func start(in shell: String, _ arguments: [String]) throws -> RunningCommand {
        try start(["-c", shell, "sh", Self.executable().path] + arguments, executable: "/bin/sh")
    }

    private func start(_ arguments: [String], executable: String) throws -> RunningCommand {
        try RunningCommand(executable, arguments, in: folder.url)
    }

    /// `rwsan` lies beside the program that the tests are linked to.
    private static func executable() throws -> URL {
        let tests = URL(fileURLWithPath: "/proc/self/exe").resolvingSymlinksInPath()
        let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        let places = [
            tests.deletingLastPathComponent(),
            URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent(),
            package.appending(components: ".build", "debug"),
        ]
        let found = places.map { $0.appending(component: "rwsan") }
            .first { FileManager.default.isExecutableFile(atPath: $0.path) }
        return try #require(found, "expected rwsan in one of \(places.map(\.path))")
    }
}

/// A command under way. Its output goes to files, which take any amount of it.
final class RunningCommand {
    private let process = Process()
    private let logs: TemporaryFolder
    private let ended = DispatchSemaphore(value: 0)

    fileprivate init(_ executable: String, _ arguments: [String], in folder: URL) throws {
        logs = try TemporaryFolder()
        process.executableURL = URL(fileURLWithPath: executable)
        process.arguments = arguments
        process.currentDirectoryURL = folder
        // What one command of a test keeps for the next time is there for the others of that test alone.
        let variables = ["OMP_NUM_THREADS": "1", "RWSAN_CACHE": folder.appending(component: ".cache").path]
        process.environment = ProcessInfo.processInfo.environment.merging(variables) { $1 }
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = try FileHandle(forWritingTo: URL(fileURLWithPath: logs.write("output", "")))
        process.standardError = try FileHandle(forWritingTo: URL(fileURLWithPath: logs.write("error", "")))
        process.terminationHandler = { [ended] _ in ended.signal() }
        try process.run()
    }

    deinit { if process.isRunning { send(SIGKILL) } }

    /// Whether the command has not ended yet.
    var isRunning: Bool { process.isRunning }

    /// What the command has given so far.
    var output: String { (try? logs.bytes(of: "output").text) ?? "" }

    /// What the command has said so far beside its results.
    var errorOutput: String { (try? logs.bytes(of: "error").text) ?? "" }

    /// Sends the command a signal.
    func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

    /// Waits until something is so; a test fails where that takes too long or the command ends before.
    func wait(seconds: Double = 60, until condition: () -> Bool) throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while !condition() {
            guard isRunning else {
                let said = try logs.bytes(of: "error").text
                try #require(condition(), "the command ended: \(said)")
                return
            }
            try #require(ContinuousClock.now < deadline, "waited for \(seconds) s in vain")
            usleep(500)
        }
    }

    /// Waits for the end; a command that hangs fails the test.
    func outcome(seconds: Double = 60) throws -> CommandLineTool.Outcome {
        if ended.wait(timeout: .now() + seconds) == .timedOut {
            send(SIGKILL)
            Issue.record("the command did not end within \(seconds) s: \(process.arguments ?? [])")
            ended.wait()
        }
        return CommandLineTool.Outcome(
            output: try logs.bytes(of: "output").text, errorOutput: try logs.bytes(of: "error").text,
            exitCode: process.terminationReason == .exit ? process.terminationStatus : nil)
    }
}

extension [UInt8] {
    fileprivate var text: String { String(decoding: self, as: UTF8.self) }
}

extension CommandLineTool {
    /// Runs a command that is to be refused: with a code other than 0, without a result, and with one line
    /// that tells what it was about.
    func expectRefusal(
        _ arguments: [String], naming names: String..., sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let outcome = try run(arguments)
        expectOneErrorLine(outcome, naming: names, sourceLocation: sourceLocation)
        #expect(outcome.output.isEmpty, sourceLocation: sourceLocation)
    }

    /// Holds that a command failed and said why in one line that has all these names in it.
    func expectOneErrorLine(
        _ outcome: Outcome, naming names: [String], sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let text = Comment(rawValue: outcome.errorOutput)
        #expect(outcome.exitCode != nil && outcome.exitCode != 0, text, sourceLocation: sourceLocation)
        #expect(outcome.errorLines.count == 1, text, sourceLocation: sourceLocation)
        #expect(outcome.lastErrorLine.hasPrefix("rwsan: error: "), text, sourceLocation: sourceLocation)
        for name in names {
            #expect(outcome.lastErrorLine.contains(name), text, sourceLocation: sourceLocation)
        }
    }
}
