import Foundation
import TestSupport
import Testing

extension SharedWorkTests {
    /// Processes of a shared run that go wrong, or away.
    @Suite struct SharedFailureTests {
        private func train(_ mini: MiniCommands, _ more: String...) -> [String] {
            mini.train(
                "--set", "use_glove=false", "--set", "seed=7", "--set", "dropout_r=0.1", "--set",
                "max_epoch=2",
                "--set", "eval_every_epoch=false", "--process-timeout", "3") + more
        }

        /// The lines of an outcome that are the program's own errors.
        private func errors(_ outcome: CommandLineTool.Outcome) -> [String] {
            outcome.errorLines.filter { $0.hasPrefix("rwsan: error: ") }.map(String.init)
        }

        @Test(
            "where a process is killed or stopped, the others end with one line that names it, and the run goes on to the same bits",
            arguments: [(SIGKILL, 1), (SIGSTOP, 1), (SIGSTOP, 0), (SIGKILL, 0)])
        func lostProcess(signal: Int32, rank: Int) throws {
            let shared = try SharedCommands()
            let run = try shared.start(3, train(shared.mini))
            try run.wait { shared.mini.exists(shared.mini.runFile("epoch1.safetensors")) }
            try shared.send(signal, toProcess: rank)
            let begun = ContinuousClock.now
            let outcome = try run.outcome()
            #expect(ContinuousClock.now - begun < .seconds(20))
            #expect(outcome.exitCode != 0)
            let lines = errors(outcome)
            // Who has a second until it is killed itself may not come to say it; mpirun names the process then.
            if signal == SIGSTOP { #expect(lines.count == 1, Comment(rawValue: outcome.errorOutput)) }
            #expect(lines.count <= 1, Comment(rawValue: outcome.errorOutput))
            for line in lines {
                let host = ProcessInfo.processInfo.hostName
                #expect(line.contains("process \(rank) on \(host) has not answered for "), "\(line)")
                #expect(line.contains("--resume"))
            }
            if signal == SIGKILL { #expect(outcome.errorOutput.contains("process rank \(rank) with PID")) }

            try shared.runWell(3, train(shared.mini, "--resume", "ckpts/ckpt_mini"))
            #expect(try shared.weights("epoch2.safetensors") == Self.undisturbed.get())
        }

        private static let undisturbed = Result {
            let shared = try SharedCommands()
            try shared.runWell(3, SharedFailureTests().train(shared.mini))
            return try shared.weights("epoch2.safetensors")
        }

        /// The shell's words that start two processes whose arguments differ in what follows.
        private func pair(_ first: String, _ second: String) -> String {
            "exec env --default-signal=TERM mpirun --allow-run-as-root --oversubscribe -np 1 \"$@\" \(first) : "
                + "-np 1 \"$@\" \(second)"
        }

        @Test(
            "processes whose weights are not the same bits end the run: before the first step, and after each epoch",
            arguments: [("seed=", "before the first step"), ("lr_base=0.00", "after epoch 1")])
        func different(setting: String, moment: String) throws {
            let shared = try SharedCommands()
            let outcome = try shared.mini.tool.run(
                in: pair("--set \(setting)1", "--set \(setting)2"), train(shared.mini))
            #expect(outcome.exitCode != 0)
            let lines = errors(outcome)
            #expect(lines.count == 1, Comment(rawValue: outcome.errorOutput))
            #expect(
                lines.allSatisfy {
                    $0.contains("\(moment), expected the same weights") && $0.contains("in process 1 on ")
                })
            #expect(!shared.mini.exists(shared.mini.runFile("epoch1.safetensors")))
        }

        @Test("a process that is busy for longer than the time to wait is not taken for a lost one")
        func busy() throws {
            let shared = try SharedCommands()
            let (folder, pipe) = (shared.mini.tool.folder, shared.mini.tool.folder.file("pipe.yaml"))
            #expect(mkfifo(pipe, 0o600) == 0)
            let run = try shared.mini.tool.start(
                in: pair("--config pipe.yaml", "--config mini.yaml"),
                [
                    "train", "--data", shared.mini.datasets, "--name", "mini", "--set", "use_glove=false",
                    "--set", "max_epoch=1",
                    "--set", "eval_every_epoch=false", "--process-timeout", "1",
                ])
            // Who opens the other end knows that process 0 waits for it, and process 1 for process 0.
            let descriptor = open(pipe, O_WRONLY)
            usleep(3_000_000)
            let settings = try folder.bytes(of: "mini.yaml")
            #expect(write(descriptor, settings, settings.count) == settings.count)
            close(descriptor)
            let outcome = try run.outcome()
            #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
            #expect(shared.mini.exists(shared.mini.runFile("epoch1.safetensors")))
        }

        @Test("what is wrong for all processes is said once, and ends them all")
        func saidOnce() throws {
            let shared = try SharedCommands()
            let wrong: [(arguments: [String], name: String)] = [
                (shared.mini.train("--resume", "nowhere"), "nowhere"),
                (
                    train(shared.mini, "--set", "grad_accu_steps=16"),
                    "expected at most as many processes as there are questions"
                ),
                (train(shared.mini, "--process-timeout", "0"), "--process-timeout"),
                (train(shared.mini, "--set", "colour=red"), "colour"),
            ]
            for (arguments, name) in wrong {
                let outcome = try shared.run(2, arguments)
                #expect(outcome.exitCode != 0 && outcome.output.isEmpty)
                let lines = errors(outcome)
                #expect(
                    lines.count == 1 && lines.allSatisfy { $0.contains(name) },
                    Comment(rawValue: outcome.errorOutput))
            }
        }

        @Test(
            "a file that one process cannot read stops all with the steps kept; --skip-damaged counts it for all"
        )
        func damagedFeatures() throws {
            let shared = try SharedCommands(.withCopiedDataset())
            let alone = try MiniCommands.withCopiedDataset()
            let names = try FileManager.default.contentsOfDirectory(
                atPath: shared.mini.dataFile("coco_extract/train2014")
            ).sorted()
            let name = "coco_extract/train2014/" + (try #require(names.last))
            for mini in [shared.mini, alone] {
                try Data("no zip".utf8).write(to: URL(fileURLWithPath: mini.dataFile(name)))
            }
            let stopped = try shared.run(2, train(shared.mini))
            #expect(stopped.exitCode != 0)
            let lines = errors(stopped)
            #expect(lines.count == 1, Comment(rawValue: stopped.errorOutput))
            #expect(
                lines.allSatisfy { $0.contains(name) && $0.contains("of epoch 1") && $0.contains("--resume") }
            )
            #expect(shared.mini.exists(shared.mini.runFile("interrupted.safetensors")))

            let skipping = try shared.run(2, train(shared.mini, "--skip-damaged", "--set", "max_epoch=1"))
            let expected = try alone.tool.run(train(alone, "--skip-damaged", "--set", "max_epoch=1"))
            func leftOut(_ outcome: CommandLineTool.Outcome) -> [Substring] {
                outcome.errorLines.filter { $0.hasPrefix("left out") && !$0.contains("npz") }
            }
            #expect(skipping.exitCode == 0, Comment(rawValue: skipping.errorOutput))
            #expect(!leftOut(expected).isEmpty && leftOut(skipping) == leftOut(expected))
        }

        @Test("without the library of scripts/setup --mpi, several processes end with what makes it")
        func notSetUp() throws {
            let mini = try MiniCommands()
            let outcome = try mini.tool.run(
                in: "exec env --default-signal=TERM mpirun --allow-run-as-root --oversubscribe -np 2 \"$@\"",
                train(mini))
            #expect(outcome.exitCode != 0)
            let lines = errors(outcome)
            #expect(
                lines.count == 1
                    && lines.allSatisfy { $0.contains("libCMPI.so") && $0.contains("scripts/setup --mpi") },
                Comment(rawValue: outcome.errorOutput))
        }
    }
}
