import Foundation
import RegionDetector
import ServerInput
import VisualQuestionAnswering

/// What has a server answer: in the program that has one, which is another than `rwsan`, for it takes as long to build as
/// all the rest.
package struct ServerStart: Sendable {
    /// What is served, and how.
    package struct Job {
        /// Loads the model.
        package let makeAnswerer: () throws -> Answerer
        /// What a detector's objects and attributes are called; nil where that is not known.
        package let names: DetectorNames?
        /// Where to listen, and how much to take on.
        package let settings: ServerSettings
        /// Takes a line on how things go.
        package let onNotice: @Sendable (String) -> Void
        /// Takes the address once requests are.
        package let onListening: @Sendable (String) -> Void
    }

    /// Has a server answer until it is asked to end.
    package typealias Start = @Sendable (Job) throws -> Void

    /// That of the task; nil in a program without a server.
    @TaskLocal static var current: ServerStart?

    /// Whether the program is the server's own.
    static var isOwnProgram: Bool { current != nil }

    let start: Start
}

/// The program that has the server, beside this one.
struct ServerProgram {
    private let path: String

    /// - Parameter program: The path of the program that it lies beside.
    init(beside program: String = "/proc/self/exe") {
        path =
            URL(fileURLWithPath: program).resolvingSymlinksInPath().deletingLastPathComponent()
            .appending(component: "rwsan-server").path
    }

    /// Puts the server in this process's place, with the arguments behind `serve`.
    ///
    /// - Returns: Why that cannot be.
    func startError() throws -> any Error {
        guard access(path, X_OK) == 0 else { return MissingServer(path: path) }
        let given = CommandLine.arguments.drop { $0 != "serve" }.dropFirst()
        var arguments: [UnsafeMutablePointer<CChar>?] = (["rwsan-server"] + given).map { strdup($0) }
        arguments.append(nil)
        execv(path, arguments)
        return UnusableServer(path: path, reason: String(cString: strerror(errno)))
    }
}

private struct MissingServer: Error, CustomStringConvertible {
    let path: String
    var description: String {
        "\(path): expected the server there, found no program: 'make server' builds it in a clone (swift build -c release "
            + "--product rwsan-server)"
    }
}

private struct UnusableServer: Error, CustomStringConvertible {
    let path: String
    let reason: String
    var description: String { "\(path): cannot be started: \(reason)" }
}
