import Foundation
import TestSupport
import Testing
import VQADatasets

extension SharedWorkTests {
    /// `mpirun rwsan train`: several processes that share each step.
    @Suite struct SharedTrainingTests {
        /// Two epochs from the start, in an order of their own and without evaluation.
        private func short(_ mini: MiniCommands, _ more: String...) -> [String] {
            mini.train(
                "--set", "use_glove=false", "--set", "seed=7", "--set", "shuffle=true", "--set",
                "max_epoch=2",
                "--set",
                "eval_every_epoch=false") + more.flatMap { $0.contains("=") ? ["--set", $0] : [$0] }
        }

        private func run(_ mini: MiniCommands, _ arguments: [String]) throws {
            let outcome = try mini.tool.run(arguments)
            try #require(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        }

        @Test(
            "going on from the official epoch 2 logs the official epochs 3 to 5, once, and writes their files once",
            arguments: [2, 3])
        func continuation(count: Int) throws {
            let shared = try SharedCommands()
            let outcome = try shared.run(count, shared.mini.trainOn())
            #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
            #expect(outcome.output == shared.mini.runFile("epoch5.safetensors") + "\n")
            #expect(outcome.errorOutput.contains("\(count) processes of 1 thread"))
            #expect(outcome.errorLines.count { $0.hasPrefix("epoch ") } == 3)

            let records = try shared.mini.metrics()
            let official = try MiniRun.epochs().filter { $0.epoch > 2 }
            #expect(records.compactMap { $0["epoch"] as? Int } == official.map(\.epoch))
            for (record, expected) in zip(records, official) {
                #expect(abs(try #require(record["loss"] as? Double) / expected.loss - 1) < 1e-3)
                #expect(record["lr"] as? Double == expected.lr)
                #expect(abs(try #require(record["overall"] as? Double) - expected.overall) <= 0.5)
            }
            let answers = try ResultFile.read(
                shared.mini.tool.folder.url.appending(path: "results/cache/result_run_mini.json"))
            #expect(answers.count == 72 && Set(answers.map(\.questionID)).count == 72)
        }

        @Test(
            "steps that processes share are to the bit those of one process that learns their parts one after the other",
            arguments: [(2, 16), (3, 18)])
        func sameBits(count: Int, batchSize: Int) throws {
            let shared = try SharedCommands()
            try shared.runWell(count, short(shared.mini, "batch_size=\(batchSize)"))
            let alone = try SharedCommands()
            try run(alone.mini, short(alone.mini, "batch_size=\(batchSize)", "grad_accu_steps=\(count)"))
            #expect(try shared.weights("epoch2.safetensors") == alone.weights("epoch2.safetensors"))
            for key in ["loss", "gradient_norm", "lr"] {
                let (found, expected) = (try shared.mini.metrics(), try alone.mini.metrics())
                #expect(found.map { $0[key] as? Double } == expected.map { $0[key] as? Double }, "\(key)")
            }
        }

        @Test("questions that cannot be shared evenly come to the loss and gradient of one process")
        func unevenParts() throws {
            let shared = try SharedCommands()
            try shared.runWell(3, short(shared.mini, "lr_base=0.0001"))
            let alone = try MiniCommands()
            try run(alone, short(alone, "lr_base=0.0001"))
            for key in ["loss", "gradient_norm"] {
                for (found, expected) in zip(try shared.mini.metrics(), try alone.metrics()) {
                    let values = (try #require(found[key] as? Double), try #require(expected[key] as? Double))
                    #expect(abs(values.0 / values.1 - 1) < 1e-6, "\(key)")
                }
            }
        }

        @Test(
            "Ctrl-C on mpirun leaves a checkpoint, and the run ends with the same bits, whatever dropout draws"
        )
        func interrupted() throws {
            let whole = try SharedCommands()
            try whole.runWell(2, short(whole.mini, "dropout_r=0.1"))

            let shared = try SharedCommands()
            let run = try shared.start(2, short(shared.mini, "dropout_r=0.1"))
            try run.wait { shared.mini.exists(shared.mini.runFile("epoch1.safetensors")) }
            run.send(SIGINT)
            let outcome = try run.outcome()
            #expect(outcome.exitCode != 0)
            let checkpoint = shared.mini.runFile("interrupted.safetensors")
            #expect(shared.mini.exists(checkpoint), Comment(rawValue: outcome.errorOutput))
            #expect(outcome.errorOutput.contains("to go on: mpirun -np 2 rwsan train "))
            #expect(outcome.errorOutput.contains("--resume \(checkpoint)"))
            try shared.runWell(2, short(shared.mini, "dropout_r=0.1", "--resume", checkpoint))
            #expect(try shared.weights("epoch2.safetensors") == whole.weights("epoch2.safetensors"))
        }

        @Test(
            "USR1, which Slurm sends before time is over, leaves a checkpoint and a code that asks for another turn"
        )
        func timeIsOver() throws {
            let shared = try SharedCommands()
            let run = try shared.start(2, short(shared.mini, "max_epoch=1000"))
            try run.wait { shared.mini.exists(shared.mini.runFile("epoch1.safetensors")) }
            run.send(SIGUSR1)
            #expect(try run.outcome().exitCode == 128 + SIGUSR1)
            #expect(shared.mini.exists(shared.mini.runFile("interrupted.safetensors")))
        }

        @Test(
            "a checkpoint of two processes goes on with three, and with one; both say that bits will differ")
        func otherCount() throws {
            let shared = try SharedCommands()
            try shared.runWell(2, short(shared.mini, "max_epoch=1"))
            let three = try shared.run(3, short(shared.mini, "--resume", "ckpts/ckpt_mini"))
            #expect(three.exitCode == 0, Comment(rawValue: three.errorOutput))
            #expect(three.errorOutput.contains("the run had 2 processes before, and has 3 now"))
            let one = try shared.mini.tool.run(
                short(shared.mini, "max_epoch=3", "--resume", "ckpts/ckpt_mini"))
            #expect(one.exitCode == 0, Comment(rawValue: one.errorOutput))
            #expect(one.errorOutput.contains("the run had 3 processes before, and has 1 now"))
            #expect(try shared.mini.metrics().compactMap { $0["epoch"] as? Int } == [1, 2, 3])
        }

        @Test("each process has its share of the processors, unless OMP_NUM_THREADS says otherwise")
        func threads() throws {
            let shared = try SharedCommands()
            let outcome = try shared.mini.tool.run(
                in:
                    "unset OMP_NUM_THREADS; exec mpirun --allow-run-as-root --oversubscribe --bind-to none -np 2 \"$@\"",
                short(shared.mini, "max_epoch=1"))
            #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
            let most = max(1, ProcessInfo.processInfo.activeProcessorCount / 2)
            let line = outcome.errorOutput.firstMatch(of: /with 2 processes of (\d+) thread/)
            #expect(
                1...most ~= (Int(try #require(line).output.1) ?? 0), Comment(rawValue: outcome.errorOutput))
        }
    }
}
