import Foundation
import TestSupport
import Testing
import Torch
@testable import VQATraining

/// MCAN against the official code of openvqa and mcan-vqa: logits, losses, and steps of training.
@Suite struct MCANTests {
    @Test("the logits are the official ones", arguments: ZooCase.mcan)
    func logits(zoo: ZooCase) throws {
        let model = try zoo.model()
        model.setTraining(false)
        let found = try withoutGradients { try model(zoo.batch(0..<6)) }.array(of: Float.self)
        let tensors = try zoo.tensors()
        let official = try #require(tensors["logits_before_sigmoid"] ?? tensors["logits"])
        let expected = try official.array(of: Float.self)
        #expect(found.count == expected.count)
        for (found, expected) in zip(found, expected) { #expect(abs(found - expected) < 1e-4) }
    }

    @Test(
        "three steps from the checkpoint's weights, and three with its moments, are the official ones",
        arguments: ZooCase.mcan, [false, true])
    func steps(zoo: ZooCase, isResumed: Bool) throws {
        let expected = try zoo.expected()
        let model = try zoo.model()
        let optimizer = try Adam(
            model.namedParameters(), learningRate: 0, betas: (0.9, 0.98), epsilon: 1e-9)
        if isResumed {
            let checkpoint = try zoo.checkpoint()
            #expect(checkpoint.stepCount == 2)
            try optimizer.restore(checkpoint.optimizerState, stepCount: checkpoint.stepCount)
        }
        let maker = try Stepping.immediate.makeSteps(
            model, optimizer, device: .cpu, precision: .float32, lossScale: nil)
        let size = try 6 / zoo.parts()
        let batches = try (0..<zoo.parts()).map { try zoo.batch($0 * size..<($0 + 1) * size) }
        for step in isResumed ? expected.resumed : expected.fresh {
            try maker.step(batches, learningRate: step.rate)
            let figures = try maker.figures()
            #expect(abs(figures.lossSum / step.loss - 1) < 1e-5)
            #expect(abs(figures.gradientNormSum / step.gradient_norm - 1) < 1e-4)
        }
        let state = try model.state()
        for parameter in expected.parameters {
            let values = try #require(state[parameter.name], "\(parameter.name)").array(of: Float.self)
            let stated = isResumed ? parameter.after_resumed : parameter.after_fresh
            let sums = values.reduce((0, 0)) { ($0.0 + Double($1), $0.1 + abs(Double($1))) }
            #expect(abs(sums.0 - stated[0]) <= stated[2], "\(parameter.name)")
            #expect(abs(sums.1 - stated[1]) <= stated[2], "\(parameter.name)")
        }
    }

    @Test("the loss is the official one", arguments: ZooCase.mcan)
    func loss(zoo: ZooCase) throws {
        let tensors = try zoo.tensors()
        let logits = try #require(tensors["logits_before_sigmoid"] ?? tensors["logits"])
        let loss = try Loss.binaryCrossEntropy(logits: logits, targets: #require(tensors["targets_bce"]))
            .item()
        let expected = try #require(try zoo.expected().losses["bce sum"])
        #expect(abs(loss / expected - 1) < 1e-6)
    }

    @Test("Adam's state that is keyed by addresses is found, and a parameter without any is passed over")
    func olderState() throws {
        let mfb = ZooCase(name: "mfb_vqa")
        let older = try Checkpoint(contentsOf: mfb.url("checkpoint_older.pkl").path)
        let newer = try Checkpoint(contentsOf: mfb.url("checkpoint.pkl").path)
        #expect(older.stepCount == newer.stepCount && older.stepCount > 0)
        #expect(older.optimizerState.keys.sorted() == newer.optimizerState.keys.sorted())
        #expect(older.optimizerState["adapter.frcn_linear.weight"] == nil)
        for (name, state) in newer.optimizerState {
            let found = try #require(older.optimizerState[name]?["mean"]).array(of: Float.self)
            #expect(try found == #require(state["mean"]).array(of: Float.self))
        }
    }

    @Test("the state of another optimizer is refused and named, never left out")
    func otherOptimizer() throws {
        let file = ZooCase(name: "butd_vqa").url("checkpoint_older.pkl").path
        let error = #expect(throws: CheckpointError.self) { try Checkpoint(contentsOf: file) }
        #expect(try #require(error).reason.contains("exp_inf"))
    }
}
