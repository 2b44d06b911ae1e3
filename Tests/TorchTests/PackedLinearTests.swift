import TestSupport
import Testing

@testable import Torch

@Suite(.enabled(if: PackedWeight.isSupported, "the processor has no AVX-512"))
struct PackedLinearTests {
    /// A linear layer with packed weights, and rows for it.
    private func made(_ rows: Int, _ inputs: Int, _ outputs: Int) throws -> (Linear, Tensor) {
        TorchRuntime.seed(3)
        let layer = try Linear(inputs, outputs)
        layer.setTraining(false)
        return (layer, try Tensor.normal([rows, inputs]))
    }

    /// Sums in double precision.
    private func expected(_ layer: Linear, _ x: Tensor) throws -> [Double] {
        let (weights, bias) = (try layer.weight.array(of: Float.self), try layer.bias?.array(of: Float.self))
        let rows = try x.array(of: Float.self)
        let (inputs, outputs) = (layer.weight.shape[1], layer.weight.shape[0])
        return (0..<x.shape[0]).flatMap { row in
            (0..<outputs).map { output in
                (0..<inputs).reduce(Double(bias?[output] ?? 0)) {
                    $0 + Double(rows[row * inputs + $1]) * Double(weights[output * inputs + $1])
                }
            }
        }
    }

    @Test(
        "products are those of double precision, whatever the shape",
        arguments: [
            (1, 1, 1), (3, 5, 31), (13, 37, 32), (14, 16, 33), (15, 900, 45), (30, 1801, 64), (281, 20, 70),
        ])
    func products(rows: Int, inputs: Int, outputs: Int) throws {
        let (layer, x) = try made(rows, inputs, outputs)
        let exact = try expected(layer, x)
        try layer.packLinearLayers()
        let found = try withoutGradients { try layer(x).array(of: Float.self) }
        #expect(found.count == exact.count)
        #expect(zip(found, exact).allSatisfy { abs(Double($0) - $1) < 1e-5 })
    }

    @Test("what follows a layer is done with it: relu, GELU, a sum")
    func activations() throws {
        let (layer, x) = try made(29, 40, 45)
        let base = try Tensor.normal([29, 45])
        let dropout = Dropout(0.5)
        dropout.setTraining(false)
        func results() throws -> [[Float]] {
            try withoutGradients {
                try [layer.relu(x, dropout), layer.gelu(x), layer.added(to: base, x, dropout)].map {
                    try $0.array(of: Float.self)
                }
            }
        }
        let plain = try results()
        try layer.packLinearLayers()
        for (found, expected) in try zip(results(), plain) {
            #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 1e-6 })
        }
    }

    @Test("GELU is right far from zero, and keeps what is no number")
    func extremes() throws {
        let layer = try Linear(1, 32, hasBias: false)
        try withoutGradients { try layer.weight.copy(from: Tensor.ones([32, 1])) }
        layer.setTraining(false)
        try layer.packLinearLayers()
        let x = try Tensor([-100, -6, -0.5, 0, 0.5, 6, 100, .nan, .infinity] as [Float], shape: [9, 1])
        let found = try withoutGradients { try layer.gelu(x) }.narrowed(axis: 1, start: 31, length: 1)
            .array(of: Float.self)
        // From Python's math.erf.
        let expected: [Float] = [0, -5.9195e-09, -0.15426877, 0, 0.34573123, 6, 100]
        #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 1e-7 * max(1, abs($1)) })
        #expect(found[7].isNaN && found[8] == .infinity)
    }

    @Test("a row is the same to the bit, whatever stands beside it and however many threads there are")
    func alone() throws {
        let (layer, x) = try made(300, 950, 96)
        try layer.packLinearLayers()
        try withoutGradients {
            let all = try layer.gelu(x).array(of: Float.self)
            for row in [0, 20, 299] {
                let alone = try layer.gelu(x.narrowed(axis: 0, start: row, length: 1)).array(of: Float.self)
                #expect(alone[...] == all[row * 96..<(row + 1) * 96])
            }
            let onOneThread = try TorchRuntime.onOneThread { try layer.gelu(x).array(of: Float.self) }
            #expect(onOneThread == all)
        }
    }

    @Test("no rows give no rows, and rows of another width are an error")
    func misfits() throws {
        let (layer, _) = try made(1, 20, 40)
        try layer.packLinearLayers()
        #expect(try layer(Tensor.zeros([0, 20])).shape == [0, 40])
        #expect(try layer(Tensor.zeros([2, 3, 20])).shape == [2, 3, 40])
        #expect(throws: TorchError.self) { try layer(Tensor.zeros([2, 21])) }
        #expect(throws: TorchError.self) {
            try layer.added(to: Tensor.zeros([2, 41]), Tensor.zeros([2, 20]), Dropout(0))
        }
    }

    @Test("what has been trained since is not answered with the weights of before")
    func training() throws {
        let (layer, x) = try made(2, 20, 40)
        try layer.packLinearLayers()
        layer.setTraining(true)
        try layer(x).sum().backward()
        #expect(layer.weight.gradient != nil)
        try withoutGradients { try layer.weight.copy(from: Tensor.zeros([40, 20])) }
        layer.setTraining(false)
        let bias = try #require(layer.bias).array(of: Float.self)
        #expect(try layer(x).array(of: Float.self) == bias + bias)
    }
}
