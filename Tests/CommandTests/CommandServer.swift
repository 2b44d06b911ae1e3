import Foundation
import TestSupport
import Testing

/// A process in which everything that `rwsan` needs is loaded, and which makes a copy of itself for each command.
///
/// Commands that a test stops, or runs in a shell, are processes of `rwsan` itself.
final class CommandServer: Sendable {
    /// The one of all tests; it ends with them.
    static let shared = Result { try CommandServer() }

    private let path: String
    private let folder: TemporaryFolder
    /// Its end is the server's too.
    private let input = Pipe()

    private init() throws {
        folder = try TemporaryFolder()
        path = folder.file("socket")
        // Commands call themselves what the process was started as.
        let name = folder.url.appending(component: "rwsan")
        try FileManager.default.createSymbolicLink(
            at: name, withDestinationURL: CommandLineTool.executable("CommandServer"))
        let process = Process()
        process.executableURL = name
        process.arguments = [path]
        process.environment = ProcessInfo.processInfo.environment.merging(["OMP_NUM_THREADS": "1"]) { $1 }
        process.standardInput = input
        try process.run()
        let deadline = ContinuousClock.now + .seconds(60)
        while !FileManager.default.fileExists(atPath: path) {
            try #require(process.isRunning && ContinuousClock.now < deadline, "CommandServer did not start")
            usleep(1000)
        }
    }

    private struct Request: Codable {
        let arguments: [String]
        let folder: String
        let variables: [String: String]
        let output: String
        let errorOutput: String
    }

    /// Runs a command to its end; one that hangs fails the test.
    func run(_ arguments: [String], in folder: URL, _ variables: [String: String], seconds: Int32 = 180)
        throws
        -> CommandLineTool.Outcome
    {
        let logs = try TemporaryFolder()
        let (output, errorOutput) = (try logs.write("output", ""), try logs.write("error", ""))
        let connection = try connect()
        defer { close(connection) }
        let request = try JSONEncoder().encode(
            Request(
                arguments: arguments, folder: folder.path, variables: variables, output: output,
                errorOutput: errorOutput))
        try FileHandle(fileDescriptor: connection, closeOnDealloc: false).write(contentsOf: request)
        shutdown(connection, CInt(SHUT_WR))
        let child = try #require(number(from: connection), "CommandServer took no command")
        var place = pollfd(fd: connection, events: Int16(POLLIN), revents: 0)
        if poll(&place, 1, seconds * 1000) == 0 {
            kill(child, SIGKILL)
            Issue.record("the command did not end within \(seconds) s: \(arguments)")
        }
        let status = try #require(number(from: connection), "CommandServer lost a command")
        return CommandLineTool.Outcome(
            output: String(decoding: try logs.bytes(of: "output"), as: UTF8.self),
            errorOutput: String(decoding: try logs.bytes(of: "error"), as: UTF8.self),
            exitCode: status & 0x7F == 0 ? status >> 8 & 0xFF : nil)
    }

    private func connect() throws -> CInt {
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue) | CInt(SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let isConnected = withUnsafePointer(to: address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                Foundation.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
            }
        }
        try #require(isConnected, "no connection to CommandServer: \(String(cString: strerror(errno)))")
        return descriptor
    }

    private func number(from connection: CInt) -> Int32? {
        var number: Int32 = 0
        return withUnsafeMutableBytes(of: &number) { read(connection, $0.baseAddress, $0.count) } == 4
            ? number : nil
    }
}
