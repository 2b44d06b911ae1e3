// Runs commands for the tests. A new process of `rwsan` takes a quarter of a second before its first line, in which
// libtorch registers its operators; a copy of this process, which has done that, takes some milliseconds.
//
//     CommandServer SOCKET
//
// Each connection to the socket is a command: `CommandRequest` as JSON, ended by the sender's shutdown. The answers are
// two 32-bit numbers: the command's process, and in the end its status as `waitpid` gives it. The process ends with its
// standard input.

import Foundation
import RWSANCommands

/// What a command is started with.
struct CommandRequest: Codable {
    let arguments: [String]
    let folder: String
    let variables: [String: String]
    let output: String
    let errorOutput: String
}

func listen(at path: String) -> CInt {
    let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let isBound = withUnsafePointer(to: address) {
        $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0
        }
    }
    guard isBound, Glibc.listen(descriptor, 64) == 0 else { exit(1) }
    return descriptor
}

/// Everything that a connection sends.
func contents(of connection: CInt) -> Data {
    var data = Data()
    var part = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let count = read(connection, &part, part.count)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return data }
        data.append(contentsOf: part[..<count])
    }
}

func send(_ number: Int32, to connection: CInt) {
    withUnsafeBytes(of: number) { _ = write(connection, $0.baseAddress, $0.count) }
}

/// Becomes the command.
func run(_ request: CommandRequest) -> Never {
    for signal in [SIGCHLD, SIGPIPE] { Glibc.signal(signal, SIG_DFL) }
    guard chdir(request.folder) == 0 else { exit(1) }
    for (name, value) in request.variables { setenv(name, value, 1) }
    let files = [("/dev/null", O_RDONLY), (request.output, O_WRONLY), (request.errorOutput, O_WRONLY)]
    for (descriptor, (path, mode)) in files.enumerated() {
        let file = open(path, mode)
        guard file >= 0, dup2(file, CInt(descriptor)) >= 0 else { exit(1) }
        close(file)
    }
    RWSANCommand.run(request.arguments)
}

/// The connections, and the commands that they wait for.
struct Server {
    private let listener: CInt
    /// Commands that have not ended, by their process, with the connection that waits for them.
    private var waiting: [pid_t: CInt] = [:]

    init(at path: String) { listener = listen(at: path) }

    mutating func serve() {
        while true {
            var places = [listener, 0].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
            // A command that ends just before the wait begins is told of when it is over.
            let count = poll(&places, 2, waiting.isEmpty ? 1000 : 20)
            if count > 0, places[1].revents != 0 { return }
            if count > 0, places[0].revents != 0 { accept() }
            reap()
        }
    }

    private mutating func accept() {
        let connection = Glibc.accept(listener, nil, nil)
        guard connection >= 0 else { return }
        guard let request = try? JSONDecoder().decode(CommandRequest.self, from: contents(of: connection))
        else {
            close(connection)
            return
        }
        let child = fork()
        if child == 0 {
            close(listener)
            close(connection)
            waiting.values.forEach { close($0) }
            run(request)
        }
        waiting[child] = connection
        send(child, to: connection)
    }

    /// Tells of the commands that have ended.
    private mutating func reap() {
        var status: CInt = 0
        while case let child = waitpid(-1, &status, WNOHANG), child > 0 {
            guard let connection = waiting.removeValue(forKey: child) else { continue }
            send(status, to: connection)
            close(connection)
        }
    }
}

guard CommandLine.arguments.count == 2 else { exit(64) }
signal(SIGPIPE, SIG_IGN)
// A signal that is not ignored ends a wait.
signal(SIGCHLD) { _ in }
var server = Server(at: CommandLine.arguments[1])
server.serve()
