import Testing

@testable import Torch

/// Linear layers that are trained on our own products, against libtorch's.
@Suite(.enabled(if: PackedWeight.isSupported, "the processor has no AVX-512"))
struct TrainedLinearTests {
    /// The result, and the gradients by input, weight and bias.
    private func results(_ layer: Linear, _ x: Tensor, _ gradient: Tensor) throws -> [Tensor] {
        for tensor in [x, layer.weight, layer.bias].compactMap({ $0 }) { try tensor.setGradient(nil) }
        let out = try layer(x)
        try out.backward(gradient: gradient)
        return try [out.detached()]
            + [x, layer.weight, layer.bias].compactMap { $0 }.map { try #require($0.gradient).detached() }
    }

    // Rows, inputs and outputs of a part of a block or panel, of just one, and of more than a cache holds; too few rows, too.
    static let shapes = [
        [64, 1, 1], [70, 32, 32], [77, 31, 33], [300, 7, 5], [69, 900, 70], [2000, 40, 100], [64, 512, 2048],
        [600, 256, 1], [63, 20, 30],
    ]

    @Test("results and gradients are libtorch's", arguments: shapes, [true, false])
    func gradients(shape: [Int], hasBias: Bool) throws {
        TorchRuntime.seed(1)
        let layer = try Linear(shape[1], shape[2], hasBias: hasBias)
        let x = try Tensor.normal([shape[0], shape[1]]).requiringGradient()
        let gradient = try Tensor.normal([shape[0], shape[2]])
        let expected = try TorchRuntime.withOwnProducts(false) { try results(layer, x, gradient) }
        let found = try TorchRuntime.withOwnProducts(true) { try results(layer, x, gradient) }
        #expect(found.count == expected.count)
        for (found, expected) in zip(found, expected) {
            #expect(found.shape == expected.shape)
            let largest = try expected.absolute().maximum().item()
            #expect(try (found - expected).absolute().maximum().item() < 1e-5 * max(1, largest))
        }
    }

    @Test("rows may lie in more axes than two, and in any order")
    func axes() throws {
        TorchRuntime.seed(2)
        let layer = try Linear(12, 5)
        let x = try Tensor.normal([30, 12, 4]).requiringGradient()
        func results() throws -> [Tensor] {
            try x.setGradient(nil)
            let out = try layer(x.transposed(1, 2))
            try (out * out).sum().backward()
            let gradient = try #require(x.gradient)
            return [try out.detached(), try gradient.detached()]
        }
        let expected = try TorchRuntime.withOwnProducts(false) { try results() }
        let found = try TorchRuntime.withOwnProducts(true) { try results() }
        for (found, expected) in zip(found, expected) {
            #expect(found.shape == expected.shape)
            #expect(try (found - expected).absolute().maximum().item() < 1e-4)
        }
    }

    @Test("the number of threads changes no bit")
    func threads() throws {
        TorchRuntime.seed(3)
        let layer = try Linear(70, 90)
        let (x, gradient) = (try Tensor.normal([500, 70]).requiringGradient(), try Tensor.normal([500, 90]))
        // The bias's gradient is libtorch's sum.
        func numbers() throws -> [[Float]] {
            try results(layer, x, gradient).prefix(3).map { try $0.array() }
        }
        try TorchRuntime.withOwnProducts(true) {
            let one = try TorchRuntime.onOneThread { try numbers() }
            let all = try numbers()
            #expect(one == all)
        }
    }

    @Test("mixed precision, no rows, and rows of another length are libtorch's matter")
    func others() throws {
        try TorchRuntime.withOwnProducts(true) {
            let layer = try Linear(6, 4)
            let mixed = try Precision.bfloat16.autocast(on: .cpu) { try layer(Tensor.normal([80, 6])) }
            #expect(mixed.dtype == .bfloat16)
            #expect(try layer(Tensor.zeros([0, 6])).shape == [0, 4])
            #expect(throws: TorchError.self) { try layer(Tensor.zeros([80, 5])) }
        }
    }

    @Test("without gradients no weight's gradient is made, and an input's only where it is asked for")
    func unasked() throws {
        try TorchRuntime.withOwnProducts(true) {
            let layer = try Linear(6, 4)
            let out = try withoutGradients { try layer(Tensor.ones([80, 6])) }
            #expect(!out.requiresGradient)
            let x = try Tensor.ones([80, 6])
            try layer(x).sum().backward()
            #expect(x.gradient == nil)
            #expect(try #require(layer.weight.gradient).array(of: Float.self).allSatisfy { $0 == 80 })
        }
    }

    @Test("what becomes of the result in place is part of the gradients")
    func inPlace() throws {
        let relu = Operator("aten::relu_")
        let layer = try Linear(6, 4)
        let x = try Tensor.normal([8, 10, 6])
        func gradient(_ areOwn: Bool) throws -> [Float] {
            try TorchRuntime.withOwnProducts(areOwn) {
                try layer.weight.setGradient(nil)
                _ = try relu.tensor(.tensor(layer(x))).sum().backward()
                return try #require(layer.weight.gradient).array()
            }
        }
        let (expected, found) = (try gradient(false), try gradient(true))
        #expect(zip(expected, found).allSatisfy { abs($0 - $1) < 1e-4 })
    }
}
