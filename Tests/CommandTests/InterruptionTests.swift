import Foundation
import TestSupport
import Testing

/// Runs that are stopped, by whatever, and resumed: they must end as if nothing had happened.
@Suite(.serialized) struct InterruptionTests {
    /// Everything that could make a resumed run differ is on: dropout, shuffling, several workers.
    private static let settings = ["dropout_r=0.1", "shuffle=true", "seed=7", "max_epoch=4"]
    private static let finalCheckpoint = "epoch4.safetensors"
    /// The tensors of the last checkpoint of a run that nobody stopped.
    private static let uninterrupted = Result {
        let mini = try MiniCommands()
        let outcome = try mini.tool.run(command(mini))
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        return try mini.tensorBytes(ofCheckpoint: finalCheckpoint)
    }

    private static func command(_ mini: MiniCommands) -> [String] {
        mini.train("--glove", MiniRun.glove.path) + settings.flatMap { ["--set", $0] }
    }

    /// The command that goes on with whatever the run's folder holds.
    private func resume(_ mini: MiniCommands) -> [String] {
        Self.command(mini) + ["--resume", "ckpts/ckpt_mini"]
    }

    private func expectSameEnd(_ mini: MiniCommands) throws {
        #expect(try mini.tensorBytes(ofCheckpoint: Self.finalCheckpoint) == Self.uninterrupted.get())
        // Each epoch once, and in turn.
        #expect(try mini.metrics().compactMap { $0["epoch"] as? Int } == [1, 2, 3, 4])
    }

    /// A run that Ctrl-C has stopped after some steps of its first epoch, and before the epoch's last.
    private func runStoppedAmidEpoch() throws -> MiniCommands {
        // On a busy machine a run may not have done a step in a time that is enough for half an epoch elsewhere.
        for milliseconds: UInt32 in [200, 400, 800, 1600, 3200, 6400] {
            let mini = try MiniCommands()
            let run = try mini.tool.start(Self.command(mini))
            try run.wait { mini.exists(mini.runFile("epoch0.safetensors")) }
            usleep(milliseconds * 1000)
            run.send(SIGINT)
            guard try run.outcome().exitCode == 128 + SIGINT else { continue }
            let info = try mini.tool.run("info", mini.runFile("interrupted.safetensors"), "--json")
            let training = try #require(try info.output.json()["training"] as? [String: Any])
            if let steps = training["stepInEpoch"] as? Int, steps > 0 { return mini }
        }
        return try #require(nil, "no run was stopped amid an epoch")
    }

    /// Whether a checkpoint is being written.
    private func isWriting(_ mini: MiniCommands) -> Bool {
        let names = try? FileManager.default.contentsOfDirectory(atPath: mini.runFile(""))
        return names?.contains { $0.hasPrefix("epoch") && $0.hasSuffix(".partial") } ?? false
    }

    @Test("killed at any moment and resumed, a run ends with the same bits")
    func killed() throws {
        let mini = try MiniCommands()
        /// Starts or goes on, and kills the command some time after something is there.
        func kill(milliseconds: UInt32 = 0, after condition: () -> Bool) throws {
            let run = try mini.tool.start(resume(mini))
            try run.wait(until: condition)
            usleep(milliseconds * 1000)
            run.send(SIGKILL)
            #expect(try run.outcome().exitCode == nil)
        }
        try kill(milliseconds: 20) { true }  // While the program starts.
        try kill { mini.exists(mini.tool.folder.file("ckpts")) }  // Before or in the first checkpoint.
        try kill(milliseconds: 150) { mini.exists(mini.runFile("epoch0.safetensors")) }  // In an epoch.
        try kill { isWriting(mini) }
        try kill { mini.exists(mini.runFile("epoch1.safetensors")) }  // At the end of an epoch.
        try kill(milliseconds: 400) { mini.exists(mini.runFile("epoch2.safetensors")) }
        try kill { isWriting(mini) }

        let outcome = try mini.tool.run(resume(mini))
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        try expectSameEnd(mini)
        #expect(!isWriting(mini), "the half checkpoints of killed runs are gone")
    }

    @Test(
        "Ctrl-C finishes the step, writes a checkpoint and says how to go on; the run ends with the same bits",
        arguments: [SIGINT, SIGTERM])
    func interrupted(signal: Int32) throws {
        let mini = try MiniCommands()
        let run = try mini.tool.start(Self.command(mini))
        // The epoch's checkpoint is there before val is answered.
        try run.wait { mini.exists(mini.runFile("metrics.jsonl")) }
        usleep(200_000)
        run.send(signal)
        let outcome = try run.outcome()
        #expect(outcome.exitCode == 128 + signal)
        let checkpoint = mini.runFile("interrupted.safetensors")
        #expect(outcome.lastErrorLine.contains("--resume \(checkpoint)"))
        #expect(outcome.output.isEmpty)

        let info = try mini.tool.run("info", checkpoint, "--json")
        let training = try #require(try info.output.json()["training"] as? [String: Any])
        #expect(training["epoch"] as? Int == 1)

        let resumed = try mini.tool.run(Self.command(mini) + ["--resume", checkpoint])
        #expect(resumed.exitCode == 0, Comment(rawValue: resumed.errorOutput))
        try expectSameEnd(mini)
        #expect(!mini.exists(checkpoint), "the epoch's checkpoint is ahead of it")
    }

    /// A run that goes on for as long as nobody stops it.
    private static func endless(_ mini: MiniCommands) -> [String] {
        mini.train("--set", "use_glove=false", "--set", "max_epoch=100000", "--set", "eval_every_epoch=false")
    }

    @Test(
        "Ctrl-\\, a terminal that is closed and time that is over end a run as Ctrl-C does, without a stack trace",
        arguments: [SIGQUIT, SIGHUP, SIGUSR1])
    func quit(signal: Int32) throws {
        let mini = try MiniCommands()
        let run = try mini.tool.start(Self.endless(mini))
        try run.wait { mini.exists(mini.runFile("epoch1.safetensors")) }
        run.send(signal)
        if signal == SIGHUP { run.send(signal) }  // The shell's, and the system's.
        let outcome = try run.outcome()
        #expect(outcome.exitCode == 128 + signal, Comment(rawValue: outcome.errorOutput))
        #expect(outcome.lastErrorLine.contains("--resume \(mini.runFile("interrupted.safetensors"))"))
        #expect(!outcome.errorOutput.contains("crashed"))
    }

    @Test("Ctrl-\\ ends a command that does not listen")
    func quitElsewhere() throws {
        let mini = try MiniCommands()
        let pipe = mini.tool.folder.file("pipe")
        #expect(mkfifo(pipe, 0o600) == 0)
        let run = try mini.tool.start(
            ["score", "--questions", pipe, "--annotations", pipe, "--results", pipe])
        // Who opens the other end knows that the command waits for it.
        let descriptor = open(pipe, O_WRONLY)
        defer { close(descriptor) }
        run.send(SIGQUIT)
        let outcome = try run.outcome(seconds: 20)
        #expect(outcome.exitCode == nil)
        #expect(!outcome.errorOutput.contains("crashed"))
    }

    @Test("with nohup a run goes on when the terminal is closed")
    func nohup() throws {
        let mini = try MiniCommands()
        let run = try mini.tool.start(in: "trap '' HUP; exec \"$@\"", Self.endless(mini))
        try run.wait { mini.exists(mini.runFile("epoch1.safetensors")) }
        run.send(SIGHUP)
        try run.wait { mini.exists(mini.runFile("epoch3.safetensors")) }
        run.send(SIGTERM)
        #expect(try run.outcome().exitCode == 128 + SIGTERM)
    }

    @Test("a second Ctrl-C ends the run at once")
    func interruptedTwice() throws {
        let mini = try MiniCommands()
        // One step of all the questions takes seconds; the signals come at its beginning.
        let run = try mini.tool.start(
            Self.command(mini) + ["--set", "batch_size=252", "--set", "hidden_size=1024"])
        try run.wait { mini.exists(mini.runFile("epoch0.safetensors")) }
        run.send(SIGINT)
        try run.wait { run.errorOutput.contains("again to end at once") }
        run.send(SIGINT)
        let outcome = try run.outcome()
        #expect(outcome.exitCode == nil, "the signal ends the process")
        #expect(!mini.exists(mini.runFile("interrupted.safetensors")))
    }

    @Test("half an epoch is not finished with another batch size")
    func otherBatchSize() throws {
        let mini = try runStoppedAmidEpoch()
        try mini.tool.expectRefusal(
            resume(mini) + ["--set", "batch_size=8"], naming: "interrupted.safetensors", "batch_size")
    }
}
