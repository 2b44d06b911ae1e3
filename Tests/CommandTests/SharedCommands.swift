import FileSystem
import Foundation
import TestSupport
import Testing

/// What several processes share: one test at a time, for each has more processes than there may be cores.
@Suite(.serialized, .enabled(if: SharedCommands.arePossible, SharedCommands.areMissing)) enum SharedWorkTests
{}

/// Commands that several processes share, started by `mpirun`.
struct SharedCommands {
    let mini: MiniCommands

    /// Whether `mpirun` and the library that uses its MPI are there.
    static let arePossible: Bool = {
        let probe = try? CommandLineTool().run(in: "exec mpirun --version", [])
        return probe?.exitCode == 0 && FileManager.default.fileExists(atPath: library + "/libCMPI.so")
    }()
    /// Why tests are skipped that need them.
    static let areMissing: Comment = "needs mpirun, and the library that scripts/setup --mpi makes"

    private static let library = UserCache.folder(ProcessInfo.processInfo.environment) + "/mpi"

    /// - Parameter mini: The commands, each test's in a folder of its own.
    init(_ mini: MiniCommands? = nil) throws {
        self.mini = try mini ?? MiniCommands()
        // Each test has a cache of its own, and MPI is found there.
        let cache = self.mini.tool.folder.file(".cache")
        try FileManager.default.createDirectory(atPath: cache, withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(atPath: cache + "/mpi", withDestinationPath: Self.library)
    }

    /// The shell's words that start so many processes, as root too and on fewer cores. Threads of the tests hold signals
    /// back, and what they start does too.
    private static func launcher(_ count: Int, _ options: String) -> String {
        "exec env --default-signal=INT,TERM,USR1 mpirun --allow-run-as-root --oversubscribe -np \(count) \(options) \"$@\""
    }

    /// Runs a command to its end.
    func run(_ count: Int, _ arguments: [String], options: String = "") throws -> CommandLineTool.Outcome {
        try mini.tool.run(in: Self.launcher(count, options), arguments)
    }

    /// Runs a command to its end, which has to be a good one.
    func runWell(_ count: Int, _ arguments: [String], sourceLocation: SourceLocation = #_sourceLocation)
        throws
    {
        let outcome = try run(count, arguments)
        try #require(
            outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput), sourceLocation: sourceLocation)
    }

    /// Starts a command that is to be stopped while it runs. Signals go to `mpirun`.
    func start(_ count: Int, _ arguments: [String]) throws -> RunningCommand {
        try mini.tool.start(in: Self.launcher(count, ""), arguments)
    }

    /// Sends one of the processes of a command a signal.
    func send(_ signal: Int32, toProcess rank: Int) throws {
        let working = mini.tool.folder.url.resolvingSymlinksInPath().path
        let found = try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { Int32($0) }
            .first { id in
                let environment = try? Data(contentsOf: URL(fileURLWithPath: "/proc/\(id)/environ"))
                let folder = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(id)/cwd")
                return folder == working
                    && environment?.split(separator: 0).contains {
                        $0.elementsEqual("OMPI_COMM_WORLD_RANK=\(rank)".utf8)
                    } ?? false
            }
        kill(try #require(found, "process \(rank) is not there"), signal)
    }

    /// The tensors of a checkpoint without the state of process 0's random numbers.
    func weights(_ name: String) throws -> [String: [UInt8]] {
        try mini.tensorBytes(ofCheckpoint: name).filter { !$0.key.hasPrefix("random.") }
    }
}
