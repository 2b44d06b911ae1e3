import Testing

@testable import Torch

/// The kernels of our own in half precision: single precision's results, rounded once.
@Suite(.serialized) struct HalfKernelTests {
    static let types: [DType] = [.bfloat16, .float16]

    /// How far a number may be from the one it was rounded from, as a share of it.
    private func halfUnit(_ type: DType) -> Double { type == .bfloat16 ? 1.0 / 256 : 1.0 / 2048 }

    private func drawn(_ shape: Int..., as type: DType) throws -> Tensor {
        try Tensor.normal(shape).converted(to: type).requiringGradient()
    }

    private func largestDifference(_ found: Tensor, _ expected: Tensor) throws -> Double {
        try (found.detached().converted(to: .float32) - expected.detached().converted(to: .float32))
            .absolute().maximum().item()
    }

    /// Runs the kernel on numbers of half precision, and on the same numbers in float32, and holds results and gradients
    /// together: results within what one rounding changes, gradients within that of what is kept for them.
    private func compare(_ inputs: [Tensor], _ kernel: ([Tensor]) throws -> Tensor) throws {
        let wide = try inputs.map { try $0.detached().converted(to: .float32).requiringGradient() }
        let (found, expected) = (try kernel(inputs), try kernel(wide))
        #expect(expected.dtype == .float32)
        let half = try #require(inputs.map(\.dtype).first { $0 != .float32 })
        let unit = halfUnit(half)
        let largest = try expected.detached().absolute().maximum().item()
        #expect(try largestDifference(found, expected) <= unit * largest * 1.01)

        let gradient = try Tensor.normal(expected.shape).converted(to: found.dtype)
        try found.backward(gradient: gradient)
        try expected.backward(gradient: gradient.converted(to: .float32))
        for (index, (input, wide)) in zip(inputs, wide).enumerated() {
            let (found, expected) = (try #require(input.gradient), try #require(wide.gradient))
            #expect(found.dtype == input.dtype && found.shape == expected.shape)
            let largest = try expected.absolute().maximum().item()
            #expect(try largestDifference(found, expected) < 3 * unit * largest, "gradient of input \(index)")
        }
    }

    @Test(
        "the residual norm in half precision is that of single precision, rounded",
        arguments: types, [5, 48, 512])
    func residualNorm(type: DType, width: Int) throws {
        TorchRuntime.seed(1)
        let inputs = [try drawn(90, width, as: type), try drawn(90, width, as: type)]
        for probability in [0, 0.3] {
            let norm = try StandardNorm(width)
            for input in inputs { try input.setGradient(nil) }
            try compare(inputs) {
                TorchRuntime.seed(2)
                let out = try norm($0[0], plus: $0[1], Dropout(probability))
                #expect(out.dtype == $0[0].dtype)
                return out
            }
        }
    }

    @Test("a sum of two types has the norm of the wider one, and gradients of both", arguments: types)
    func mixedNorm(type: DType) throws {
        TorchRuntime.seed(1)
        let norm = try StandardNorm(64)
        for probability in [0, 0.3] {
            try compare([drawn(90, 64, as: .float32), drawn(90, 64, as: type)]) {
                TorchRuntime.seed(2)
                let out = try norm($0[0], plus: $0[1], Dropout(probability))
                #expect(out.dtype == .float32)
                return out
            }
        }
    }

    @Test("the gain and bias of the norm get gradients in single precision", arguments: types)
    func gainGradient(type: DType) throws {
        TorchRuntime.seed(1)
        let inputs = [try drawn(90, 64, as: type), try drawn(90, 64, as: type)]
        let gradient = try Tensor.normal([90, 64]).converted(to: type)
        func gradients(_ dtype: DType) throws -> [Tensor] {
            let norm = try StandardNorm(64)
            let out = try norm(
                inputs[0].detached().converted(to: dtype), plus: inputs[1].detached().converted(to: dtype))
            try out.backward(gradient: gradient.converted(to: dtype))
            return [try #require(norm.gain.gradient), try #require(norm.bias.gradient)]
        }
        for (found, expected) in zip(try gradients(type), try gradients(.float32)) {
            #expect(found.dtype == .float32)
            // Ninety rows are added up.
            #expect(try largestDifference(found, expected) < 30 * halfUnit(type))
        }
    }

    @Test(
        "attention in half precision is that of single precision, rounded",
        arguments: types, [0, 0.2])
    func segmentAttention(type: DType, probability: Double) throws {
        TorchRuntime.seed(2)
        let queries = try Segments(lengths: [3, 0, 40, 7])
        let sources = try Segments(lengths: [4, 2, 19, 0], masked: [0])
        let attention = SegmentAttention(heads: 4, scale: 0.3, dropout: Dropout(probability))
        // Values narrower and wider than queries.
        for width in [3, 20] {
            let inputs = [
                try drawn(queries.rowCount, 4 * 6, as: type), try drawn(sources.rowCount, 4 * 6, as: type),
                try drawn(sources.rowCount, 4 * width, as: type),
            ]
            try compare(inputs) {
                TorchRuntime.seed(3)
                let out = try attention(
                    query: $0[0], key: $0[1], value: $0[2], querySegments: queries, sourceSegments: sources)
                #expect(out.dtype == $0[0].dtype)
                return out
            }
        }
    }

    @Test("every number of half precision goes through dropout that drops nothing", arguments: types)
    func everyNumber(type: DType) throws {
        // So small that nothing is dropped, and nothing scaled.
        let none = Dropout(1e-9)
        let x = try numbers(of: type)
        for (found, expected) in zip(try bits(none(x)), try bits(x)) where found != expected {
            #expect(!isNumber(found, type) && !isNumber(expected, type))
        }
    }

    @Test("dropout rounds as libtorch does, and passes on what is no number", arguments: types)
    func rounding(type: DType) throws {
        TorchRuntime.seed(4)
        let x = try numbers(of: type)
        let dropout = Dropout(1.0 / 3)
        let kept = try bits(dropout(x))
        let expected = try bits((x.converted(to: .float32) * 1.5).converted(to: type))
        var dropped = 0
        for (found, expected) in zip(kept, expected) where found != expected {
            if isNumber(expected, type) {
                #expect(found == 0)
                dropped += 1
            } else {
                #expect(found == 0 || !isNumber(found, type))
            }
        }
        #expect((21_000..<23_000).contains(dropped))
    }

    @Test("relu with dropout in half precision drops what it drops in single precision", arguments: types)
    func reluDropout(type: DType) throws {
        TorchRuntime.seed(5)
        // A length of which the last block is a part.
        try compare([drawn(37, 83, as: type)]) {
            TorchRuntime.seed(6)
            return try Dropout(0.25).relu($0[0])
        }
        try compare([drawn(37, 83, as: type)]) {
            TorchRuntime.seed(6)
            return try Dropout(0.25)($0[0])
        }
    }

    /// All 65,536 patterns of bits.
    private func numbers(of type: DType) throws -> Tensor {
        let patterns = (0...UInt16.max).map { Int16(bitPattern: $0) }
        return try Tensor(patterns, shape: [patterns.count]).viewed(as: type)
    }

    private func isNumber(_ bits: UInt16, _ type: DType) -> Bool {
        bits & 0x7fff <= (type == .bfloat16 ? 0x7f80 : 0x7c00)
    }

    private func bits(_ x: Tensor) throws -> [UInt16] {
        try x.viewed(as: .int16).array(of: Int16.self).map { UInt16(bitPattern: $0) }
    }
}

extension Tensor {
    private static let view = Operator("aten::view.dtype")

    /// The same bits as numbers of another type of the same size.
    fileprivate func viewed(as dtype: DType) throws(TorchError) -> Tensor {
        try Self.view.tensor(.tensor(self), .dtype(dtype))
    }
}
