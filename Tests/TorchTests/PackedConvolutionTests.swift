import Testing

@testable import Torch

/// Convolutions for inference against libtorch's own.
@Suite struct PackedConvolutionTests {
    private static let convolution = Operator("aten::conv2d")

    @Test(
        "rectifiers and sums in the same pass give what they give behind it",
        arguments: [(1, 1), (1, 4), (4, 1), (2, 2), (9, 7)],
        [PackedConvolution.Rectifier.none, .relu, .relu6])
    func passes(size: (height: Int, width: Int), rectifier: PackedConvolution.Rectifier) throws {
        TorchRuntime.seed(3)
        for (kernel, groups) in [(1, 1), (3, 1), (3, 8), (5, 8)] {
            let x = try Tensor.normal([3, 8, size.height, size.width]) * 3
            let weight = try Tensor.normal([16, 8 / groups, kernel, kernel])
            let (bias, other) = (
                try Tensor.normal([16]), try Tensor.normal([3, 16, size.height, size.width])
            )
            let packed = try PackedConvolution(
                weight: weight, bias: bias, padding: kernel / 2, groups: groups)
            let plain = try Self.convolution.tensor(
                .tensor(x), .tensor(weight), .tensor(bias), .ints([1, 1]), .ints([kernel / 2, kernel / 2]),
                .ints([1, 1]), .int(groups))
            func rectified(_ y: Tensor) throws -> Tensor {
                switch rectifier {
                case .none: y
                case .relu: try y.relu()
                case .relu6: try y.clamped(to: 0...6)
                }
            }
            func expectClose(_ found: Tensor, _ expected: Tensor) throws {
                #expect(found.shape == expected.shape)
                #expect(try (found - expected).absolute().maximum().item() < 1e-4)
            }
            try withoutGradients {
                // As they come, and with channels last in memory.
                for x in [x, try x.permuted([0, 2, 3, 1]).contiguous().permuted([0, 3, 1, 2])] {
                    try expectClose(packed(x, rectifier), rectified(plain))
                    try expectClose(packed(x, rectifier, adding: other), rectified(plain + other))
                }
            }
        }
    }

    @Test("a norm that is folded into a convolution gives what it gives behind it")
    func foldedNorm() throws {
        TorchRuntime.seed(4)
        let (convolution, norm) = (try Convolution(6, 10, kernel: 3), try BatchNorm(10, epsilon: 1e-3))
        try withoutGradients {
            for tensor in [norm.weight, norm.bias, norm.runningMean] {
                try tensor.copy(from: Tensor.normal([10]))
            }
            try norm.runningVariance.copy(from: Tensor.uniform([10], in: 0...2))
            norm.setTraining(false)
            let x = try Tensor.normal([2, 6, 9, 8])
            let (weight, bias) = try norm.folded(into: convolution.weight)
            let found = try PackedConvolution(weight: weight, bias: bias)(x)
            #expect(try (found - norm(convolution(x))).absolute().maximum().item() < 1e-4)
        }
    }
}
