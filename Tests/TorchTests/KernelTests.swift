import Testing

@testable import Torch

/// The kernels of our own against the same thing composed of libtorch's operators.
@Suite(.serialized) struct KernelTests {
    private func normal(_ shape: Int...) throws -> Tensor { try Tensor.normal(shape).requiringGradient() }

    /// A norm with a gain and a bias that are drawn.
    private func drawnNorm(_ width: Int) throws -> StandardNorm {
        let norm = try StandardNorm(width)
        try withoutGradients {
            try norm.gain.copy(from: Tensor.normal([width]))
            try norm.bias.copy(from: Tensor.normal([width]))
        }
        return norm
    }

    private func expectClose(
        _ found: Tensor?, _ expected: Tensor?, _ what: Comment, within bound: Double = 1e-4
    )
        throws
    {
        let (found, expected) = (try #require(found), try #require(expected))
        #expect(found.shape == expected.shape, what)
        let difference = try (found.detached() - expected.detached()).absolute().maximum().item()
        #expect(difference < bound, what)
    }

    /// Runs both, sends one gradient back through each, and compares results and gradients.
    private func compare(
        _ inputs: [Tensor], kernel: ([Tensor]) throws -> Tensor, composed: ([Tensor]) throws -> Tensor
    ) throws {
        let (found, expected) = (try kernel(inputs), try composed(inputs))
        try expectClose(found, expected, "result")
        let gradient = try Tensor.normal(expected.shape)
        try expected.backward(gradient: gradient)
        let expectedGradients = try inputs.map { try #require($0.gradient) }
        for input in inputs { try input.setGradient(nil) }
        try found.backward(gradient: gradient)
        for (index, input) in inputs.enumerated() {
            try expectClose(input.gradient, expectedGradients[index], "gradient of input \(index)")
        }
    }

    @Test(
        "the residual norm and its gradients are those of the composed operators",
        arguments: [5, 16, 48, 512])
    func residualNorm(width: Int) throws {
        TorchRuntime.seed(1)
        let norm = try drawnNorm(width)
        try compare([normal(90, width), normal(90, width), norm.gain, norm.bias]) {
            try norm($0[0], plus: $0[1])
        } composed: {
            try norm.composed($0[0], plus: $0[1])
        }
    }

    @Test("the norm of GPUs and its gradients are those of the composed operators", arguments: [5, 48, 512])
    func fusedNorm(width: Int) throws {
        TorchRuntime.seed(1)
        let norm = try drawnNorm(width)
        try compare([normal(90, width), norm.gain, norm.bias]) {
            try norm.fused($0[0])
        } composed: {
            try norm.composed($0[0])
        }
    }

    @Test(
        "a row whose elements are all alike becomes the bias, with a finite gradient",
        arguments: [false, true])
    func constantRow(isFused: Bool) throws {
        let norm = try StandardNorm(8)
        let x = try Tensor.full([2, 8], 3.0).requiringGradient()
        let out = try isFused ? norm.fused(x) : norm(x, plus: Tensor.zeros([2, 8]))
        #expect(try out.array(of: Float.self).allSatisfy { $0 == 0 })
        try out.backward(gradient: Tensor.normal([2, 8]))
        #expect(try #require(x.gradient).isFinite().all().item() == 1)
    }

    @Test(
        "attention within segments and its gradients are those of padded attention",
        arguments: [[3, 1, 40], [2, 0, 5], [17, 33, 64]], [[4, 2, 9], [1, 3, 16]])
    func segmentAttention(queryLengths: [Int], sourceLengths: [Int]) throws {
        TorchRuntime.seed(2)
        let queries = try Segments(lengths: queryLengths)
        let sources = try Segments(lengths: sourceLengths, masked: [1])
        let attention = SegmentAttention(heads: 4, scale: 0.3, dropout: Dropout(0))
        let inputs = [
            try normal(queries.rowCount, 4 * 6), try normal(sources.rowCount, 4 * 6),
            try normal(sources.rowCount, 4 * 20),
        ]
        try compare(inputs) {
            try attention(
                query: $0[0], key: $0[1], value: $0[2], querySegments: queries, sourceSegments: sources)
        } composed: {
            try attention.composed(
                query: $0[0], key: $0[1], value: $0[2], querySegments: queries, sourceSegments: sources)
        }
    }

    @Test("a query of zeros looks at all rows alike, as at a sequence that is masked")
    func zeroQuery() throws {
        TorchRuntime.seed(2)
        let queries = try Segments(lengths: [5, 2, 4])
        let masked = try Segments(lengths: [3, 9, 1], masked: [1])
        let rows = try queries.rows(of: #require(masked.masked))
        #expect(try rows.array(of: Bool.self) == (0..<11).map { (5..<7).contains($0) })
        let attention = SegmentAttention(heads: 2, scale: 0.3, dropout: Dropout(0))
        let (query, key, value) = (try normal(11, 8), try normal(13, 8), try normal(13, 6))
        let expected = try attention.composed(
            query: query, key: key, value: value, querySegments: queries, sourceSegments: masked)
        let found = try attention.composed(
            query: query.filled(where: rows.expandingAxis(1), with: 0), key: key, value: value,
            querySegments: queries, sourceSegments: Segments(lengths: [3, 9, 1]))
        try expectClose(found, expected, "result")
    }

    @Test("attention as GPUs do it has arguments that libtorch takes, and only a CPU is missing it")
    func fusedAttentionArguments() throws {
        let segments = try Segments(lengths: [2, 3], masked: [1])
        let attention = SegmentAttention(heads: 2, scale: 0.3, dropout: Dropout(0.1))
        let error = #expect(throws: TorchError.self) {
            try attention.fused(
                query: normal(5, 8), key: normal(5, 8), value: normal(5, 6), querySegments: segments,
                sourceSegments: segments)
        }
        #expect(try #require(error).reason.contains("Could not run 'aten::_flash_attention_forward'"))
    }

    @Test("the LSTM as GPUs have it has arguments that libtorch takes, and only a CPU is missing it")
    func cudnnArguments() throws {
        let lstm = try LSTM(inputWidth: 3, hiddenWidth: 4)
        let error = #expect(throws: TorchError.self) { try lstm.hiddenStatesOnGPU(normal(2, 5, 3)) }
        #expect(try #require(error).reason.contains("Could not run 'aten::_cudnn_rnn'"))
    }

    @Test("offsets that do not end with the rows are refused")
    func wrongOffsets() throws {
        let segments = try Segments(lengths: [2, 3])
        let attention = SegmentAttention(heads: 1, scale: 1, dropout: Dropout(0))
        let rows = try Tensor.zeros([4, 8])
        #expect(throws: TorchError.self) {
            try attention(
                query: rows, key: rows, value: rows, querySegments: segments, sourceSegments: segments)
        }
    }

    @Test("dropout drops the stated share, keeps the mean, and drops the same elements in backward")
    func dropoutShare() throws {
        TorchRuntime.seed(3)
        let x = try Tensor.ones([1000, 333]).requiringGradient()
        let out = try Dropout(0.1)(x)
        let share = try out.equals(0).converted(to: .float32).mean().item()
        #expect(abs(share - 0.1) < 0.003)
        #expect(abs(try out.mean().item() - 1) < 0.003)
        try out.sum().backward()
        try expectClose(x.gradient, out, "gradient", within: 1e-6)
    }

    @Test("relu with dropout keeps what is positive and passes its gradient alone")
    func reluDropout() throws {
        TorchRuntime.seed(4)
        let x = try normal(500, 77)
        let out = try Dropout(0.25).relu(x)
        let kept = try out.isGreater(than: 0)
        try expectClose(out, (x / 0.75).selected(where: kept, else: Tensor.zeros([1])), "result")
        let share = try kept.converted(to: .float32).mean().item()
        #expect(abs(share - 0.375) < 0.01)
        try out.sum().backward()
        try expectClose(x.gradient, kept.converted(to: .float32) / 0.75, "gradient")
    }

    @Test("what is not a number stays so through relu with dropout, and so does its gradient")
    func reluOfNoNumber() throws {
        TorchRuntime.seed(4)
        let x = try Tensor.full([1000], Double.nan).requiringGradient()
        let out = try Dropout(0.25).relu(x)
        let passed = try out.equals(0).array(of: Bool.self).filter { !$0 }.count
        #expect(try out.array(of: Float.self).filter { $0.isNaN }.count == passed)
        #expect((700..<800).contains(passed))
        try out.backward(gradient: Tensor.ones([1000]))
        let gradients: [Float] = try #require(x.gradient).array()
        #expect(gradients.filter { $0 > 1.3 }.count == passed)
    }

    @Test("without gradients, which need less memory, attention and norm have the same bits")
    func sameBitsWithoutGradients() throws {
        TorchRuntime.seed(9)
        let queries = try Segments(lengths: [40, 3, 0, 17])
        let sources = try Segments(lengths: [5, 0, 8, 33], masked: [0])
        let inputs = [
            try normal(60, 4 * 16), try normal(46, 4 * 16), try normal(46, 4 * 20), try normal(60, 64),
        ]
        let norm = try drawnNorm(64)
        for probability in [0, 0.2] {
            let dropout = Dropout(probability)
            let attention = SegmentAttention(heads: 4, scale: 0.3, dropout: dropout)
            func results() throws -> [[Float]] {
                TorchRuntime.seed(10)
                let attended = try attention(
                    query: inputs[0], key: inputs[1], value: inputs[2], querySegments: queries,
                    sourceSegments: sources)
                return [try attended.array(), try norm(inputs[0], plus: inputs[3], dropout).array()]
            }
            let expected = try results()
            #expect(try withoutGradients { try results() } == expected)
        }
    }

    @Test("the gradients of attention with dropout are its differences", arguments: [0, 1, 2])
    func droppedAttentionGradient(of index: Int) throws {
        TorchRuntime.seed(11)
        let segments = try Segments(lengths: [20, 9])
        let attention = SegmentAttention(heads: 2, scale: 0.3, dropout: Dropout(0.3))
        var inputs = [try normal(29, 16), try normal(29, 16), try normal(29, 12)]
        let (direction, weights) = (try Tensor.normal(inputs[index].shape), try Tensor.normal([29, 12]))
        func value() throws -> Tensor {
            TorchRuntime.seed(12)
            let out = try attention(
                query: inputs[0], key: inputs[1], value: inputs[2], querySegments: segments,
                sourceSegments: segments)
            return try (out * weights).sum()
        }
        try value().backward()
        let slope = try (#require(inputs[index].gradient) * direction).sum().item()
        let start = inputs[index]
        let ends = try withoutGradients {
            try [0.01, -0.01].map { step in
                inputs[index] = try start + direction * step
                return try value().item()
            }
        }
        #expect(abs((ends[0] - ends[1]) / 0.02 - slope) < 0.01 * max(1, abs(slope)))
    }

    @Test("dropout in the residual norm leaves the mean of the sum")
    func residualDropout() throws {
        TorchRuntime.seed(5)
        let norm = try StandardNorm(64)
        let branch = try Tensor.ones([4000, 64]).requiringGradient()
        let out = try norm(Tensor.zeros([4000, 64]), plus: branch, Dropout(0.5))
        // Each row holds zeros and twos: their norm is about -1 and 1, by whether dropout took the element.
        let share = try out.isLess(than: 0).converted(to: .float32).mean().item()
        #expect(abs(share - 0.5) < 0.01)
        try out.backward(gradient: Tensor.normal([4000, 64]))
        let passed = try #require(branch.gradient).equals(0).converted(to: .float32).mean().item()
        #expect(abs(passed - share) < 1e-3)
    }

    @Test("what dropout draws depends on the seed alone, not on the number of threads")
    func threadsDoNotMatter() throws {
        let threads = TorchRuntime.threadCount
        defer { TorchRuntime.threadCount = threads }
        func draw(threads: Int) throws -> [Float] {
            TorchRuntime.threadCount = threads
            TorchRuntime.seed(6)
            return try Dropout(0.3)(Tensor.ones([100_000])).array()
        }
        #expect(try draw(threads: 1) == draw(threads: 2))
    }

    @Test("second derivatives, which the kernels do not have, are refused")
    func secondDerivatives() throws {
        let backward = Operator("aten::_backward")
        let norm = try StandardNorm(8)
        let segments = try Segments(lengths: [3, 2])
        let attention = SegmentAttention(heads: 2, scale: 1, dropout: Dropout(0))
        let x = try normal(5, 8)
        let results = [
            try norm(x, plus: x), try Dropout(0.5)(x), try Dropout(0.5).relu(x),
            try attention(query: x, key: x, value: x, querySegments: segments, sourceSegments: segments),
        ]
        for result in results {
            let error = #expect(throws: TorchError.self) {
                _ = try backward(.tensor((result * result).sum()), .tensors([x]), .none, true, true)
            }
            #expect(try #require(error).description.contains("derivatives of them"))
        }
    }

    @Test("what is no probability of dropout is refused", arguments: [1.5, 1e9, .infinity])
    func noProbability(probability: Double) throws {
        let dropout = Dropout(probability)
        let x = try Tensor.ones([4, 8])
        for kernel in [dropout.callAsFunction, dropout.relu] {
            let error = #expect(throws: TorchError.self) { try kernel(x) }
            #expect(error?.description.contains("expected a probability of dropout from 0 to 1") == true)
        }
    }

    @Test("a long loop of recorded operations does not make the process grow")
    func noGrowth() throws {
        let x = try normal(64, 1024)
        func step() throws {
            try (x * 2).relu().sum().backward()
            try x.setGradient(nil)
        }
        for _ in 0..<50 { try step() }
        // Other tests run in this process meanwhile and take memory: a leak would show every time.
        let growths = try (0..<5).map { _ in
            let before = try residentPages()
            for _ in 0..<400 { try step() }
            return try residentPages() - before
        }
        // One leaked tensor a step would be 100 MB.
        #expect(try #require(growths.min()) < 20_000_000 / 4096)
    }
}
