import TestSupport
import Testing

@testable import Torch

/// What GPUs do another way than the CPU, against the plain operators.
@Suite(.serialized, .enabled(if: GPU.isThere, GPU.isMissing)) struct GPUTests {
    private let gpu = Device.best

    private func normal(_ shape: Int..., dtype: DType = .float32) throws -> Tensor {
        try Tensor.normal(shape).converted(to: dtype).moved(to: gpu).requiringGradient()
    }

    private func difference(_ left: Tensor?, _ right: Tensor?) throws -> Double {
        let (left, right) = (try #require(left).detached(), try #require(right).detached())
        #expect(left.shape == right.shape)
        return try (left.converted(to: .float32) - right.converted(to: .float32)).absolute().maximum().item()
    }

    @Test(
        "attention within segments and its gradients are those of padded attention",
        arguments: [4, 16, 64], [(DType.float16, 2e-2), (.bfloat16, 1e-1)])
    func fusedAttention(rank: Int, type: (dtype: DType, bound: Double)) throws {
        try GPU.alone {
            TorchRuntime.seed(2)
            let queries = try Segments(lengths: [100, 3, 17, 40], device: gpu)
            let sources = try Segments(lengths: [14, 9, 1, 16], masked: [1], device: gpu)
            let attention = SegmentAttention(heads: 4, scale: 0.3, dropout: Dropout(0))
            let inputs = [
                try normal(queries.rowCount, 4 * rank, dtype: type.dtype),
                try normal(sources.rowCount, 4 * rank, dtype: type.dtype),
                try normal(sources.rowCount, 4 * 128, dtype: type.dtype),
            ]
            let found = try attention(
                query: inputs[0], key: inputs[1], value: inputs[2], querySegments: queries,
                sourceSegments: sources)
            let expected = try attention.composed(
                query: inputs[0], key: inputs[1], value: inputs[2], querySegments: queries,
                sourceSegments: sources)
            #expect(try difference(found, expected) < type.bound)
            let gradient = try normal(queries.rowCount, 4 * 128, dtype: type.dtype).detached()
            try expected.backward(gradient: gradient)
            let expectedGradients = try inputs.map { try #require($0.gradient).cloned() }
            for input in inputs { try input.setGradient(nil) }
            try found.backward(gradient: gradient)
            for (input, expected) in zip(inputs, expectedGradients) {
                let scale = max(1, try expected.converted(to: .float32).absolute().maximum().item())
                #expect(try difference(input.gradient, expected) < type.bound * scale)
            }
        }
    }

    @Test("attention drops the same weights in backward as in forward", arguments: [DType.float32, .float16])
    func droppedWeights(dtype: DType) throws {
        try GPU.alone {
            TorchRuntime.seed(3)
            let segments = try Segments(lengths: [40, 3, 17, 60], device: gpu)
            let attention = SegmentAttention(heads: 4, scale: 0.3, dropout: Dropout(0.3))
            let (query, key) = (try normal(120, 64, dtype: dtype), try normal(120, 64, dtype: dtype))
            let value = try normal(120, 512, dtype: dtype)
            let gradient = try normal(120, 512, dtype: dtype).detached()
            let attended = try attention(
                query: query, key: key, value: value, querySegments: segments, sourceSegments: segments)
            try attended.backward(gradient: gradient)
            func product(_ left: Tensor, _ right: Tensor) throws -> Double {
                try (left.detached().converted(to: .float32) * right.converted(to: .float32)).sum().item()
            }
            // For given weights the result is linear in the values.
            let (forward, backward) = (
                try product(attended, gradient), try product(value, #require(value.gradient))
            )
            let size = try product(attended, attended).squareRoot() * product(gradient, gradient).squareRoot()
            #expect(abs(forward - backward) < 1e-3 * size)
        }
    }

    @Test("the LSTM and its gradients are those of the CPU, also within mixed precision")
    func lstm() throws {
        try GPU.alone {
            TorchRuntime.seed(4)
            let lstm = try LSTM(inputWidth: 12, hiddenWidth: 16)
            let x = try Tensor.normal([5, 7, 12])
            func run(on device: Device) throws -> [[Float]] {
                try lstm.move(to: device)
                for parameter in lstm.parameters() { try parameter.setGradient(nil) }
                let states = try Precision.bfloat16.autocast(on: device) { try lstm(x.moved(to: device)) }
                try (states * states).sum().backward()
                return try ([states] + lstm.parameters().compactMap(\.gradient)).map { try $0.array() }
            }
            for (found, expected) in zip(try run(on: gpu), try run(on: .cpu)) {
                #expect(zip(found, expected).allSatisfy { abs($0 - $1) < 1e-3 })
            }
        }
    }

    @Test("recorded work reads what its tensors hold when it is started, and draws random numbers anew")
    func recordedWork() throws {
        try GPU.alone {
            try gpu.useOwnStream()
            let input = try Tensor.ones([1000], device: gpu)
            let output = try Tensor.zeros([1000], device: gpu)
            let dropout = Dropout(0.5)
            let body = { try output.copy(from: dropout(input) * 3) }
            try body()
            let work = try RecordedWork(on: gpu, sharingMemoryOf: nil, body)
            try input.fill(2)
            try work.run()
            let first = try output.array(of: Float.self)
            #expect(Set(first) == [0, 12])
            try work.run()
            #expect(try output.array(of: Float.self) != first)
        }
    }

    @Test("what is uploaded while the device computes is what was there")
    func upload() throws {
        try GPU.alone {
            let values = (0..<100_000).map(Float.init)
            let uploaded = try Tensor(values).uploaded(to: gpu)
            #expect(uploaded.device == gpu)
            #expect(try (uploaded * 2).array(of: Float.self) == values.map { $0 * 2 })
        }
    }
}
