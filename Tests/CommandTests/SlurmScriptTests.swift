import Foundation
import TestSupport
import Testing

/// `Examples/slurm`, with stand-ins for Slurm's own commands.
@Suite struct SlurmScriptTests {
    private static let scripts = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Examples/slurm")

    /// Runs a script with stand-ins that say what they were given.
    private func run(_ script: String, _ variables: String) throws -> CommandLineTool.Outcome {
        let tool = try CommandLineTool()
        let commands = [
            "srun": "echo \"srun $*\"; exit ${STATUS:-0}", "scontrol": "echo \"scontrol $*\"",
            "rwsan": "echo \"rwsan $*\"",
        ]
        for (name, body) in commands {
            let file = try tool.folder.write(name, "#!/bin/sh\n\(body)\n")
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file)
        }
        let path = Self.scripts.appending(component: script).path
        return try tool.run(in: "PATH=\"$PWD:$PATH\"; export PATH \(variables); exec '\(path)'", [])
    }

    @Test(
        "a training whose time is over puts itself back into the queue, and no other",
        arguments: [(138, 0, true), (0, 0, false), (1, 1, false)])
    func training(status: Int, exitCode: Int32, isRequeued: Bool) throws {
        let outcome = try run("train.sh", "SLURM_JOB_ID=7 SLURM_CPUS_PER_TASK=8 NAME=mine STATUS=\(status)")
        #expect(outcome.exitCode == exitCode, Comment(rawValue: outcome.errorOutput))
        #expect(outcome.output.contains("train --data datasets --name mine --resume ckpts/ckpt_mine"))
        #expect(outcome.output.contains("scontrol requeue 7") == isRequeued)
        let text = try String(contentsOf: Self.scripts.appending(component: "train.sh"), encoding: .utf8)
        #expect(text.contains("#SBATCH --signal=USR1@") && text.contains("#SBATCH --requeue"))
    }

    @Test("each job of an extraction takes its part into a store of its own")
    func extraction() throws {
        let outcome = try run(
            "extract.sh",
            "SLURM_CPUS_PER_TASK=8 SLURM_ARRAY_TASK_ID=3 SLURM_ARRAY_TASK_COUNT=16 PICTURES=all.zip")
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        #expect(
            outcome.output
                == "rwsan extract --pictures all.zip --store --output parts/part3 --detector k10-100 --shard 3/16\n"
        )
    }
}
