import Testing
import Torch

/// The convolution with fewer products against libtorch's own.
struct WinogradTests {
    /// Numbers from -2 to 2 without any regularity, and not libtorch's: its generator belongs to all tests of a process.
    private func numbers(_ shape: [Int]) throws -> Tensor {
        var state: UInt64 = 1
        let values = (0..<shape.reduce(1, *)).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Float(state >> 40) / Float(1 << 22) - 2
        }
        return try Tensor(values, shape: shape)
    }

    @Test(
        "a convolution of fewer products gives what the plain one does",
        arguments: [(3, 7, 7), (1, 1, 1), (2, 4, 9), (1, 14, 5)])
    func sameAsPlain(count: Int, height: Int, width: Int) throws {
        let x = try numbers([count, 32, height, width])
        let weight = try numbers([48, 32, 3, 3])
        let bias = try numbers([48])
        let plain = try Operator("aten::conv2d").tensor(
            .tensor(x), .tensor(weight), .tensor(bias), .ints([1, 1]), .ints([1, 1]), .ints([1, 1]), 1)
        let points = try Operator("rwsan::winograd_weights").tensor(.tensor(weight))
        for isRectified in [false, true] {
            let found = try Operator("rwsan::winograd_convolution").tensor(
                .tensor(x), .tensor(points), .tensor(bias), .bool(isRectified))
            let expected = isRectified ? try plain.relu() : plain
            let gap = try (found - expected).absolute().maximum().item()
            #expect(try gap < 1e-5 * plain.absolute().maximum().item())
        }
    }

    @Test("channels that do not fill a register, and weights of another convolution, are refused")
    func refused() throws {
        let points = try Operator("rwsan::winograd_weights").tensor(.tensor(.zeros([20, 20, 3, 3])))
        let convolution = Operator("rwsan::winograd_convolution")
        #expect(throws: TorchError.self) {
            try convolution(.tensor(.zeros([1, 20, 7, 7])), .tensor(points), .tensor(.zeros([20])), false)
        }
        #expect(throws: TorchError.self) {
            try convolution(.tensor(.zeros([1, 16, 7, 7])), .tensor(points), .tensor(.zeros([20])), false)
        }
        #expect(throws: TorchError.self) {
            try Operator("rwsan::winograd_weights")(.tensor(.zeros([20, 20, 1, 1])))
        }
    }
}
