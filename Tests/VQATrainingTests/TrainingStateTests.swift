import Foundation
import TestSupport
import Testing
import Torch
@testable import VQATraining

/// Where a checkpoint says that a run stands.
@Suite struct TrainingStateTests {
    private func state(_ change: (inout TrainingState) -> Void) -> TrainingState {
        var state = TrainingState(learningRateBase: 1e-4, seed: 1, threadCount: 1)
        (state.epoch, state.stepInEpoch, state.step, state.skippedSteps) = (2, 3, 23, 4)
        (state.seconds, state.waitingSeconds) = (12, 1)
        state.lossScale = LossScale(scale: 65536, goodSteps: 19)
        change(&state)
        return state
    }

    private static let impossible: [@Sendable (inout TrainingState) -> Void] = [
        { ($0.step, $0.skippedSteps) = (.min, 1) }, { ($0.step, $0.skippedSteps) = (.max, -1) },
        { $0.skippedSteps = 24 }, { $0.step = .max }, { $0.epoch = -1 }, { $0.epoch = 1 << 21 },
        { $0.stepInEpoch = .max }, { $0.stepInEpoch = -1 }, { $0.waitingSeconds = 1e300 },
        { $0.seconds = -1 },
        { $0.seconds = 1e10 }, { $0.learningRateBase = -1 }, { $0.lossSum = -1 },
        { $0.lossScale = LossScale(scale: 65536, goodSteps: .max) },
        { $0.lossScale = LossScale(scale: 65536, goodSteps: -1) }, { $0.lossScale = LossScale(scale: 0) },
        { $0.lossScale = LossScale(scale: 1e300) },
    ]

    @Test(
        "a checkpoint of a state that no run can be in is refused in one line with its name",
        arguments: 0..<17)
    func refused(index: Int) throws {
        let folder = try TemporaryFolder()
        var checkpoint = Checkpoint(weights: ["a": try Tensor.zeros([1])])
        checkpoint.training = state(Self.impossible[index])
        let path = folder.file("a.safetensors")
        try checkpoint.write(to: path)
        let errors = [
            #expect(throws: CheckpointError.self) { try Checkpoint(contentsOf: path) },
            #expect(throws: CheckpointError.self) { try Checkpoint.stepCount(of: path) },
        ]
        for error in errors {
            let text = try #require(error).description
            #expect(text.hasPrefix(path + ": expected a training state") && !text.contains("\n"))
        }
    }

    @Test("a state that a run can be in is read as it was")
    func possible() throws {
        let folder = try TemporaryFolder()
        var checkpoint = Checkpoint(weights: ["a": try Tensor.zeros([1])])
        checkpoint.training = state { _ in }
        try checkpoint.write(to: folder.file("a.safetensors"))
        let copy = try Checkpoint(contentsOf: folder.file("a.safetensors"))
        #expect(copy.training == checkpoint.training)
        #expect(copy.stepCount == 19)
    }

    @Test("a step count that cannot be is 0 before it is refused")
    func overflow() { #expect(state { ($0.step, $0.skippedSteps) = (.min, 1) }.optimizerSteps == 0) }

    @Test("metadata of more values than any model has is refused before it is taken apart")
    func manyValues() throws {
        let folder = try TemporaryFolder()
        let words = "[" + String(repeating: "\"\",", count: 1 << 20) + "\"\"]"
        try saveSafetensors(
            ["a": Tensor.zeros([1])], metadata: ["format": "rwsan-checkpoint-1", "words": words],
            to: folder.file("a.safetensors"))
        let error = #expect(throws: CheckpointError.self) {
            try Checkpoint(contentsOf: folder.file("a.safetensors"))
        }
        #expect(error?.reason.contains("at most 1048576 values in its words") == true)
    }
}
