import Testing
import Torch

/// Layers against numbers that PyTorch 2.11 gave for the same weights and inputs.
@Suite struct LayerTests {
    /// `0, 1, .., 6, 0, 1, ..` scaled and moved: what the weights and inputs on PyTorch's side were, too.
    private func ramp(_ shape: Int..., scale: Double, from start: Double) throws -> Tensor {
        let count = shape.reduce(1, *)
        return try Tensor((0..<count).map { Float(Double($0 % 7) * scale + start) }, shape: shape)
    }

    private func expectClose(_ tensor: Tensor?, _ expected: [Float], within bound: Float = 2e-6) throws {
        let found = try #require(tensor).array(of: Float.self)
        #expect(found.count == expected.count)
        for (index, (left, right)) in zip(found, expected).enumerated() {
            #expect(abs(left - right) < bound, "element \(index)")
        }
    }

    @Test("LSTM gives PyTorch's hidden states and gradients")
    func lstm() throws {
        let lstm = try LSTM(inputWidth: 3, hiddenWidth: 2)
        try lstm.load([
            "weight_ih_l0": ramp(8, 3, scale: 0.1, from: -0.3),
            "weight_hh_l0": ramp(8, 2, scale: 0.15, from: -0.4),
            "bias_ih_l0": ramp(8, scale: 0.05, from: -0.1), "bias_hh_l0": ramp(8, scale: -0.04, from: 0.2),
        ])
        let states = try lstm(ramp(2, 3, 3, scale: 0.25, from: -0.5))
        #expect(states.shape == [2, 3, 2])
        try expectClose(
            states,
            [
                -0.010349, 0.079807, 0.025582, 0.051464, 0.076037, 0.02948, 0.01911, 0.034669, 0.159749,
                -0.005863, 0.073807, 0.052802,
            ])
        try states.sum().backward()
        try expectClose(
            lstm.hiddenWeight.gradient,
            [
                0.002312, 0.007877, 0.00378, 0.000221, 0.006604, -0.000146, 5.7e-05, 0.00309, 0.051722,
                0.05147, 0.051696, 0.056357, 0.007171, 0.004589, 0.004065, 0.002809,
            ])
        try expectClose(
            lstm.inputBias.gradient,
            [0.182518, 0.112815, 0.045852, 0.04887, 2.172333, 2.246668, 0.143822, 0.118674])
    }

    @Test("batch norm goes by the batch in training, keeps running statistics, and goes by those after")
    func batchNorm() throws {
        let norm = try BatchNorm(2)
        try withoutGradients {
            try norm.weight.copy(from: Tensor([1.5, -0.5] as [Float]))
            try norm.bias.copy(from: Tensor([0.25, 1] as [Float]))
        }
        let x = try ramp(2, 2, 2, 2, scale: 0.5, from: -1)
        try expectClose(
            norm(x),
            [
                -2.199457, -0.974729, 0.25, 1.474729, 0.872256, 0.667867, 0.463477, 1.689815, -0.974729,
                0.25, 1.474729, 2.699457, 0.667867, 0.463477, 1.689815, 1.485426,
            ])
        try expectClose(norm.runningMean, [0, 0.06875])
        try expectClose(norm.runningVariance, [0.942857, 1.070982])
        norm.setTraining(false)
        try expectClose(
            norm(x),
            [
                -1.294778, -0.522389, 0.25, 1.022389, 0.550072, 0.3085, 0.066927, 1.516361, -0.522389, 0.25,
                1.022389, 1.794778, 0.3085, 0.066927, 1.516361, 1.274788,
            ])
        try expectClose(norm.runningMean, [0, 0.06875])
    }

    @Test("a grouped convolution gives PyTorch's numbers")
    func convolution() throws {
        let convolution = try Convolution(2, 4, kernel: 3, groups: 2)
        try convolution.load(["weight": ramp(4, 1, 3, 3, scale: 0.1, from: -0.2)])
        let out = try convolution(ramp(1, 2, 4, 4, scale: 0.5, from: -1))
        #expect(out.shape == [1, 4, 2, 2])
        try expectClose(
            out,
            [
                1, 0.15, 0.05, 0.95, 0.55, 1.65, 0.05, -0.25, 0.95, 2.25, -0.5, -0.6, -0.15, 0.3, 0.95, 0,
            ])
    }

    @Test("the official norm has n - 1 in its deviation and its small number outside the root")
    func standardNorm() throws {
        let norm = try StandardNorm(4)
        try norm.load(["a_2": ramp(4, scale: 0.5, from: 0.5), "b_2": ramp(4, scale: 0.1, from: 0)])
        let expected: [Float] = [
            -0.580947, -0.287298, 0.780947, 2.623786, 0.047529, 0.575293, 1.483291, -2.551757,
        ]
        let x = try ramp(2, 4, scale: 0.5, from: -1)
        try expectClose(norm(x), expected)
        try expectClose(norm(x, plus: Tensor.zeros([2, 4])), expected)
    }

    @Test("linear multiplies by the transposed weight and adds the bias, where it has one")
    func linear() throws {
        let weight = try ramp(2, 3, scale: 0.1, from: -0.2)
        let x = try ramp(2, 3, scale: 0.5, from: -1)
        let linear = try Linear(3, 2)
        try linear.load(["weight": weight, "bias": Tensor([0.5, -0.5] as [Float])])
        try expectClose(linear(x), [0.75, -0.7, 0.3, 0.2])
        let plain = try Linear(3, 2, hasBias: false)
        try plain.load(["weight": weight])
        try expectClose(plain(x), [0.25, -0.2, -0.2, 0.7])
    }

    @Test("an embedding looks rows up and sends gradients to them alone")
    func embedding() throws {
        let embedding = try Embedding(count: 3, width: 2)
        try embedding.load(["weight": Tensor([1, 2, 3, 4, 5, 6] as [Float], shape: [3, 2])])
        let rows = try embedding(Tensor([2, 0, 2] as [Int64]))
        #expect(try rows.array(of: Float.self) == [5, 6, 1, 2, 5, 6])
        try rows.sum().backward()
        try expectClose(embedding.weight.gradient, [1, 1, 0, 0, 2, 2])
        #expect(throws: TorchError.self) { try embedding(Tensor([3] as [Int64])) }
    }

    @Test("start values lie within the bounds that PyTorch draws them from")
    func startValues() throws {
        TorchRuntime.seed(1)
        for (parameters, bound) in [
            (try Linear(16, 50).parameters(), 0.25),
            (try LSTM(inputWidth: 7, hiddenWidth: 25).parameters(), 0.2),
        ] {
            for parameter in parameters {
                #expect(parameter.requiresGradient)
                let largest = try parameter.detached().absolute().maximum().item()
                #expect(largest <= bound && largest > bound * 0.8)
            }
        }
    }

    @Test(
        "PyTorch's layer norm divides by the deviation of all elements, with the small number inside the root"
    )
    func layerNorm() throws {
        let x = try Tensor([1, 2, 4, 9] as [Float], shape: [1, 4])
        for (epsilon, expected) in [
            (1e-5, [-0.9733280, -0.6488853, 0.0, 1.6222134] as [Float]),
            (1.0, [-0.9258201, -0.6172134, 0.0, 1.5430335] as [Float]),
        ] {
            let norm = try LayerNorm(4, epsilon: epsilon)
            for (found, value) in zip(try norm(x).array(of: Float.self), expected) {
                #expect(abs(found - value) < 1e-5)
            }
        }
        #expect(try LayerNorm(4).namedParameters().map(\.name) == ["weight", "bias"])
    }

    @Test("GELU is the exact one, not its approximation by tanh")
    func gelu() throws {
        let found = try Tensor([-2, -0.5, 0, 0.5, 3] as [Float]).gelu().array(of: Float.self)
        // x (1 + erf(x / √2)) / 2
        let expected: [Float] = [-0.04550026, -0.15426877, 0, 0.34573123, 2.99595031]
        for (value, exact) in zip(found, expected) { #expect(abs(value - exact) < 1e-6) }
    }
}
