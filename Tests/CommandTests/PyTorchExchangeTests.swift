import Foundation
import TestSupport
import Testing
import Torch
import VQADatasets
import VQATraining

/// A checkpoint of ours in PyTorch, read by the lines that README.md and docs/formats.md give for it.
@Suite struct PyTorchExchangeTests {
    /// Larger than what an epoch's last batch may be, so that an epoch is one step.
    private static let batchSize = 200

    @Test(
        "PyTorch reads a checkpoint of ours with the documented lines, answers alike, and goes on alike",
        .enabled(
            if: Self.interpreter != nil,
            "no python3 on PATH, nor one named by RWSAN_PYTHON, has torch, numpy and safetensors"))
    func exchange() throws {
        let mini = try MiniCommands()
        let (folder, interpreter) = (mini.tool.folder, try #require(Self.interpreter))
        // From the official run's step 30 on, two epochs of one step each, at a rate that lets mistakes show.
        // Under a name that says nothing of epochs, which had other batches.
        try FileManager.default.copyItem(
            atPath: MiniRun.checkpoint(2).path, toPath: folder.file("official.pkl"))
        let training = try mini.tool.run(
            mini.train(
                "--answers", MiniRun.answers.path, "--resume", "official.pkl", "--set",
                "batch_size=\(Self.batchSize)", "--set", "max_epoch=32", "--set", "lr_decay_list=[]",
                "--quiet"))
        #expect(training.exitCode == 0, Comment(rawValue: training.errorOutput))
        try FileManager.default.createDirectory(
            atPath: folder.file("ckpts/ckpt_val"), withIntermediateDirectories: true)
        let documented = "ckpts/ckpt_val/epoch16.safetensors"
        try FileManager.default.copyItem(
            atPath: mini.runFile("epoch31.safetensors"), toPath: folder.file(documented))

        let prediction = try mini.tool.run(
            "predict", "--checkpoint", documented, "--data", mini.datasets, "--split", "test",
            "--output", "results.json", "--save-logits", "ours.safetensors")
        #expect(prediction.exitCode == 0, Comment(rawValue: prediction.errorOutput))
        try saveSafetensors(["target": targets()], to: folder.file("targets.safetensors"))
        let script = Fixtures.url("torch/exchange.py").path
        let repository = Fixtures.root.deletingLastPathComponent().deletingLastPathComponent().path
        let python = try mini.tool.run(
            in: "shift; exec \"$@\"",
            [interpreter, script, repository, mini.datasets, "targets.safetensors", "theirs.safetensors"])
        #expect(python.exitCode == 0, Comment(rawValue: python.errorOutput))

        let (ours, _) = try loadSafetensors(folder.file("ours.safetensors"))
        let (theirs, _) = try loadSafetensors(folder.file("theirs.safetensors"))
        let ids = try #require(ours["question_id"]).array(of: Int64.self)
        #expect(ids.count == 42)
        #expect(try ids == #require(theirs["question_id"]).array(of: Int64.self))
        #expect(try largestDifference(#require(ours["logits"]), #require(theirs["logits"])) < 1e-4)
        try expectSameStep(theirs, as: Checkpoint(contentsOf: mini.runFile("epoch32.safetensors")))
    }
    /// The scores of the answers to the first training questions.
    private func targets() throws -> Tensor {
        let dataset = try OfficialDataset(MiniRun.datasets)
        let answers = try AnswerList(contentsOf: MiniRun.answers)
        let examples = try dataset.trainingExamples(
            [.train], vocabulary: dataset.vocabulary(), answers: answers, maximumWords: 16)
        var scores = Array(repeating: Float(0), count: Self.batchSize * answers.count)
        for row in 0..<Self.batchSize {
            for (answer, score) in examples.scores(of: row) {
                scores[row * answers.count + Int(answer.rawValue)] = score
            }
        }
        return try Tensor(scores, shape: [Self.batchSize, answers.count])
    }

    /// Holds that PyTorch's step led to the weights that ours led to.
    private func expectSameStep(_ theirs: [String: Tensor], as ours: Checkpoint) throws {
        for (name, weight) in ours.weights {
            let difference = try largestDifference(weight, #require(theirs["step." + name], "\(name)"))
            #expect(difference < (Self.hasNoGradient(name) ? 1e-3 : 1e-6), "\(name)")
        }
    }

    /// Whether a softmax takes out what a bias adds, to all places alike. Its gradient is the rounding of a
    /// sum that is zero, which Adam makes steps of up to the learning rate of.
    private static func hasNoGradient(_ name: String) -> Bool {
        name.hasSuffix(".linear_k.bias") || name.hasPrefix("attflat_") && name.hasSuffix(".mlp.linear.bias")
    }

    private func largestDifference(_ left: Tensor, _ right: Tensor) throws -> Double {
        try #require(left.shape == right.shape)
        return try (left - right).absolute().maximum().item()
    }

    /// A Python with the packages that the documented lines need.
    private static let interpreter = PythonInterpreter.having("torch, numpy, safetensors")
}
