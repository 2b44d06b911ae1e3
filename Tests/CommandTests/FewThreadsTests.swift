import Foundation
import TestSupport
import Testing

/// Commands of a user who may have no more threads than some. The limit counts those of all of the user's processes.
@Suite(.serialized) struct FewThreadsTests {
    private let mini: MiniCommands
    /// Nobody's number, so that the limit counts the command's threads alone.
    private static let user = 61_973

    /// No such limit binds root, so that another user runs the command.
    private static let canBecomeUser: Bool = {
        let probe = try? CommandLineTool().run(in: asUser(threads: 100), ["--version"])
        return getuid() == 0 && probe?.exitCode == 0
    }()

    /// The shell's words for running a command with as many threads.
    private static func asUser(threads: Int) -> String {
        "exec prlimit --nproc=\(threads) setpriv --reuid \(user) --clear-groups \"$@\""
    }

    init() throws {
        mini = try MiniCommands.withCopiedDataset()
        try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: mini.tool.folder.path)
    }

    /// A training that goes on for as long as nobody stops it, with two threads that make batches.
    private var endless: [String] {
        mini.train("--set", "use_glove=false", "--set", "max_epoch=100000", "--set", "eval_every_epoch=false")
    }

    @Test(
        "where no thread can be made, train, predict and pack end with one line that says so, and do not hang",
        .enabled(if: canBecomeUser, "needs root, prlimit and setpriv, to become a user whom the limit binds"))
    func noThreads() throws {
        let folder = mini.dataFile("coco_extract/val2014")
        for arguments in [endless, mini.predict(), ["pack", "--input", folder, "--output", "val.packed"]] {
            let run = try mini.tool.start(in: Self.asUser(threads: 1), arguments)
            let outcome = try run.outcome(seconds: 30)
            #expect(outcome.exitCode == 1, Comment(rawValue: outcome.errorOutput))
            #expect(outcome.lastErrorLine.contains("rwsan: error: "))
            #expect(outcome.lastErrorLine.contains("expected the system to start a thread"))
            #expect(outcome.errorLines.count { $0.contains("error: ") } == 1)
            #expect(!outcome.lastErrorLine.contains("--skip-damaged"))
        }
    }

    @Test(
        "where there are threads for batches and no others, training goes on, and Ctrl-C is obeyed",
        .enabled(if: canBecomeUser, "needs root, prlimit and setpriv, to become a user whom the limit binds"))
    func obeysSignals() throws {
        let run = try mini.tool.start(in: Self.asUser(threads: 2), endless)
        try run.wait { mini.exists(mini.runFile("epoch1.safetensors")) }
        run.send(SIGINT)
        let outcome = try run.outcome(seconds: 30)
        #expect(outcome.exitCode == 128 + SIGINT, Comment(rawValue: outcome.errorOutput))
        #expect(outcome.lastErrorLine.contains("--resume \(mini.runFile("interrupted.safetensors"))"))
    }
}
