import Foundation
import TestSupport
import Testing
@testable import Torch

/// Numbers that files state, and networks that are not made of them.
@Suite(.serialized) struct BoundedWorkTests {
    @Test("a loss scale after any number of good steps goes on", arguments: [Int.max, 5000, -1, .min])
    func lossScale(goodSteps: Int) throws {
        var scale = LossScale(scale: 8, goodSteps: goodSteps)
        #expect(!scale.isPossible)
        #expect(try scale.unscale([Tensor.ones([2])]))
        #expect(scale.goodSteps <= LossScale.growthInterval)
        let parameter = try Tensor([1 as Float]).requiringGradient()
        let steps = try DeviceAdam(
            Adam([("p", parameter)], learningRate: 0), lossScale: LossScale(goodSteps: goodSteps), on: .cpu)
        #expect(try steps.figures().stepCount == 0)
    }

    @Test("the largest whole numbers are shown, and end nothing")
    func description() throws {
        #expect("\(try Tensor([Int64.max, .min, 3]))".contains("3]"))
    }

    @Test("a network without memory has the shapes of one with it, draws nothing, and may be of any size")
    func shapesOnly() throws {
        let before = try TorchRuntime.generatorState().array(of: UInt8.self)
        let large = try ShapesOnly.run { try Linear(1 << 20, 1 << 20) }
        #expect(large.weight.shape == [1 << 20, 1 << 20])
        let (own, shapes) = (
            try LSTM(inputWidth: 3, hiddenWidth: 2),
            try ShapesOnly.run { try LSTM(inputWidth: 3, hiddenWidth: 2) }
        )
        #expect(own.namedParameters().map(\.tensor.shape) == shapes.namedParameters().map(\.tensor.shape))
        TorchRuntime.seed(3)
        let first = try TorchRuntime.generatorState().array(of: UInt8.self)
        _ = try ShapesOnly.run { (try Embedding(count: 5, width: 3), try StandardNorm(4), try Linear(3, 3)) }
        #expect(try TorchRuntime.generatorState().array(of: UInt8.self) == first)
        try TorchRuntime.setGeneratorState(Tensor(before))
        #expect(try Tensor.zeros([2]).array(of: Float.self) == [0, 0])
    }
}
