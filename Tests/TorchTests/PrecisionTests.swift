import Foundation
import Testing

@testable import Torch

/// Mixed precision, the scale of the loss, and weights of 8 bits.
@Suite(.serialized) struct PrecisionTests {
    @Test("in mixed precision products are of the type asked for, and outside of it they are not")
    func autocast() throws {
        let linear = try Linear(8, 4)
        let x = try Tensor.normal([3, 8])
        for (precision, dtype) in [
            (Precision.float32, DType.float32), (.bfloat16, .bfloat16), (.float16, .float16),
            (.int8, .float32),
        ] {
            #expect(try precision.autocast(on: .cpu) { try linear(x).dtype } == dtype)
        }
        #expect(try linear(x).dtype == .float32)
        #expect(throws: TorchError.self) {
            try Precision.bfloat16.autocast(on: .cpu) { try Precision.bfloat16.autocast(on: .cpu) {} }
        }
        #expect(try linear(x).dtype == .float32)
    }

    @Test("a product in mixed precision has a gradient in single precision")
    func mixedGradient() throws {
        let linear = try Linear(8, 4)
        let x = try Tensor.normal([3, 8])
        let sum = try Precision.bfloat16.autocast(on: .cpu) { try linear(x).sum() }
        try sum.backward()
        let gradient = try #require(linear.weight.gradient)
        #expect(gradient.dtype == .float32)
        let expected = try x.sum(axes: [0]).reshaped([1, 8]) + Tensor.zeros([4, 8])
        #expect(try (gradient - expected).absolute().maximum().item() < 0.05)
    }

    @Test("what another thread computes in mixed precision changes no bit of a gradient")
    func threads() throws {
        let linear = try Linear(64, 64)
        let x = try Tensor.normal([9, 64])
        /// The gradient of a layer that is applied twice, with something between.
        func gradient(_ between: () -> Void) throws -> [Float] {
            try linear.dropGradients()
            let sum = try Precision.float16.autocast(on: .cpu) {
                let once = try linear(x)
                between()
                return try linear(once).sum()
            }
            try sum.backward()
            return try #require(linear.weight.gradient).array(of: Float.self)
        }
        let alone = try gradient {}
        let disturbed = try gradient {
            let ended = DispatchSemaphore(value: 0)
            Thread {
                try? Precision.float16.autocast(on: .cpu) {}
                ended.signal()
            }.start()
            ended.wait()
        }
        #expect(alone == disturbed)
    }

    @Test("a norm of a sum whose branch is in mixed precision is near that in single precision")
    func mixedBranch() throws {
        let norm = try StandardNorm(64)
        let (x, branch) = (try Tensor.normal([5, 64]), try Tensor.normal([5, 64]))
        let exact = try norm(x, plus: branch).detached()
        let mixed = try norm(x, plus: branch.converted(to: .bfloat16)).detached()
        #expect(try (mixed - exact).absolute().maximum().item() < 0.05)
        #expect(throws: TorchError.self) {
            try Operator("rwsan::residual_norm").tensor(
                .tensor(x), .tensor(branch.converted(to: .float64)), .tensor(norm.gain), .tensor(norm.bias),
                0.0)
        }
    }

    @Test("gradients are divided by the scale, and an infinite one halves it and leaves the step out")
    func lossScale() throws {
        var scale = LossScale()
        let gradients = [try Tensor([65536, -131072] as [Float]), try Tensor([32768] as [Float])]
        #expect(try scale.unscale(gradients))
        #expect(try gradients[0].array(of: Float.self) == [1, -2])
        #expect(try gradients[1].array(of: Float.self) == [0.5])
        #expect(scale.scale == 65536)

        #expect(try !scale.unscale([Tensor([1, .infinity] as [Float])]))
        #expect(try !scale.unscale([Tensor([Float.nan])]))
        #expect(scale.scale == 16384)
        #expect(try scale.scaled(Tensor([2] as [Float])).item() == 32768)
    }

    @Test("after 2,000 good steps in a row the scale doubles")
    func growingScale() throws {
        var scale = LossScale()
        let gradient = try Tensor.zeros([1])
        for _ in 0..<1999 { _ = try scale.unscale([gradient]) }
        #expect(scale.scale == 65536)
        _ = try scale.unscale([gradient])
        #expect(scale.scale == 131072)
        #expect(scale.goodSteps == 0)
    }

    @Test(
        "weights of 8 bits give nearly the same, with and without relu",
        .enabled(if: Self.hasInt8, "the processor has no AVX-512 VNNI"), arguments: [16, 37, 512])
    func int8(width: Int) throws {
        TorchRuntime.seed(3)
        let linear = try Linear(width, 48)
        let x = try Tensor.normal([21, width])
        let dropout = Dropout(0.1)
        linear.setTraining(false)
        dropout.setTraining(false)
        let (exact, exactRelu) = try withoutGradients { (try linear(x), try linear.relu(x, dropout)) }
        try linear.roundToInt8()
        let (rounded, roundedRelu) = (try linear(x), try linear.relu(x, dropout))
        let size = try exact.standardDeviation(axes: [0, 1]).item()
        #expect(try (rounded - exact).standardDeviation(axes: [0, 1]).item() < 0.02 * size)
        #expect(try (roundedRelu - exactRelu).standardDeviation(axes: [0, 1]).item() < 0.02 * size)
        #expect(try (rounded - exact).absolute().maximum().item() > 0)
        #expect(try roundedRelu.array(of: Float.self).allSatisfy { $0 >= 0 })

        linear.setTraining(true)
        #expect(try linear(x).detached().array(of: Float.self) == exact.array(of: Float.self))
    }

    @Test(
        "whole numbers up to 127 are multiplied exactly",
        .enabled(if: Self.hasInt8, "the processor has no AVX-512 VNNI"))
    func exactInt8() throws {
        let linear = try Linear(300, 20)
        let numbers = { (count: Int, step: Int) in (0..<count).map { Float($0 * step % 255 - 127) } }
        try withoutGradients {
            try linear.weight.copy(from: Tensor(numbers(6000, 7), shape: [20, 300]))
            try linear.bias?.fill(0.5)
        }
        let x = try Tensor(numbers(9 * 300, 11), shape: [9, 300])
        linear.setTraining(false)
        let exact = try withoutGradients { try linear(x) }
        try linear.roundToInt8()
        let difference = try (linear(x) - exact).absolute().maximum().item()
        #expect(try difference < 1e-6 * exact.absolute().maximum().item())
    }

    @Test(
        "a row of 8 bits with what is no finite number gives no number, and one next to nothing gives the bias",
        .enabled(if: Self.hasInt8, "the processor has no AVX-512 VNNI"), arguments: [16, 37])
    func extremeInt8(width: Int) throws {
        let linear = try Linear(width, 16)
        try withoutGradients { try linear.bias?.fill(0.5) }
        linear.setTraining(false)
        let dropout = Dropout(0.1)
        dropout.setTraining(false)
        try linear.roundToInt8()
        for place in [0, width - 1] {
            func rows(_ value: Float) throws -> Tensor {
                var row = [Float](repeating: abs(value) < 1 ? 0 : 1, count: width)
                row[place] = value
                return try Tensor([[Float]](repeating: row, count: 20).flatMap(\.self), shape: [20, width])
            }
            for value in [Float.nan, -.nan, .infinity, -.infinity] {
                let (plain, relu) = (try linear(rows(value)), try linear.relu(rows(value), dropout))
                #expect(try plain.array(of: Float.self).allSatisfy(\.isNaN))
                #expect(try relu.array(of: Float.self).allSatisfy(\.isNaN))
            }
            for value in [0, 1e-37, -1e-37, Float.leastNonzeroMagnitude] {
                #expect(try linear(rows(value)).array(of: Float.self).allSatisfy { $0 == 0.5 })
            }
        }
    }

    static let hasInt8 = (try? TorchRuntime.requireInt8Products()) != nil
}
