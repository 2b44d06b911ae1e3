import Testing
import Torch

/// Adam and the losses against numbers that PyTorch 2.11 gave.
@Suite struct OptimizationTests {
    private func expectClose(_ tensor: Tensor?, _ expected: [Float], within bound: Float = 2e-6) throws {
        let found = try #require(tensor).array(of: Float.self)
        #expect(found.count == expected.count)
        for (left, right) in zip(found, expected) { #expect(abs(left - right) < bound) }
    }

    @Test("Adam makes PyTorch's steps, at a rate that changes between them")
    func adam() throws {
        let p = try Tensor([1, -2, 0.5] as [Float]).requiringGradient()
        let q = try Tensor([3] as [Float], shape: [1, 1]).requiringGradient()
        let adam = try Adam([("p", p), ("q", q)], learningRate: 0, betas: (0.9, 0.98), epsilon: 1e-9)
        let steps: [(gradient: [Float], rate: Double, p: [Float], q: Float)] = [
            ([0.5, -1, 0], 0.1, [0.9, -1.9, 0.5], 3.1),
            ([0.25, 2, 1e-3], 0.05, [0.853256, -1.918253, 0.46297], 3.133665),
            ([-3, 0.1, 1e-3], 0.2, [0.951598, -1.980629, 0.292093], 3.116492),
        ]
        for (index, step) in steps.enumerated() {
            try p.setGradient(Tensor(step.gradient))
            try q.setGradient(Tensor([Float(index) - 1], shape: [1, 1]))
            adam.learningRate = step.rate
            try adam.step()
            try expectClose(p.detached(), step.p)
            try expectClose(q.detached(), [step.q])
        }
        #expect(adam.stepCount == 3)
        try expectClose(adam.moments["p"]?.mean, [-0.237, 0.109, 0.00019])
        try expectClose(adam.moments["p"]?.square, [0.186027, 0.097808, 0])
    }

    /// A vector, which does not shrink, a matrix that does, and one without a gradient.
    private static let decayed: [(gradient: [Float], rate: Double, p: [Float], q: [Float])] = [
        ([0.5, -1, 0], 0.1, [0.9, -1.9, 0.5], [3.07, -0.99]),
        ([0.25, 2, 1e-3], 0.05, [0.8532561, -1.9182527, 0.4629705], [3.0883148, -0.98505]),
        ([-3, 0.1, 1e-3], 0.2, [0.9515982, -1.9806288, 0.2920932], [3.0093756, -0.965349]),
    ]

    @Test("AdamW makes PyTorch's steps, and shrinks matrices that have a gradient, and no vectors")
    func adamW() throws {
        let p = try Tensor([1, -2, 0.5] as [Float]).requiringGradient()
        let q = try Tensor([3, -1] as [Float], shape: [1, 2]).requiringGradient()
        let r = try Tensor([2] as [Float], shape: [1, 1]).requiringGradient()
        let optimizer = try AdamW(
            [("p", p), ("q", q), ("r", r)], learningRate: 0, betas: (0.9, 0.98), epsilon: 1e-9,
            weightDecay: 0.1)
        for (index, step) in Self.decayed.enumerated() {
            try p.setGradient(Tensor(step.gradient))
            try q.setGradient(Tensor([Float(index) - 1, 0], shape: [1, 2]))
            optimizer.learningRate = step.rate
            try optimizer.step()
            try expectClose(p.detached(), step.p)
            try expectClose(q.detached(), step.q)
            try expectClose(r.detached(), [2])
        }
        #expect(optimizer.stepCount == 3)
        try expectClose(optimizer.state["q"]?["mean"], [0.019, 0])
        try expectClose(optimizer.state["q"]?["square"], [0.039208, 0])
    }

    @Test(
        "AdamW as work for a device alone makes the same steps, and shrinks nothing in one that is left out")
    func adamWOnDevice() throws {
        let p = try Tensor([1, -2, 0.5] as [Float]).requiringGradient()
        let q = try Tensor([3, -1] as [Float], shape: [1, 2]).requiringGradient()
        let optimizer = try AdamW(
            [("p", p), ("q", q)], learningRate: 0, betas: (0.9, 0.98), epsilon: 1e-9, weightDecay: 0.1)
        let steps = try optimizer.onDevice(.cpu, lossScale: LossScale(scale: 4, goodSteps: 0))
        func accumulate(_ gradient: [Float], _ first: Float) throws {
            try p.gradient?.addInPlace(Tensor(gradient.map { 4 * $0 }))
            try q.gradient?.addInPlace(Tensor([4 * first, 0], shape: [1, 2]))
            try steps.step()
        }
        for (index, step) in Self.decayed.enumerated() {
            try steps.setLearningRate(step.rate)
            if index == 1 {
                try accumulate([.infinity, 0, 0], 0)
                #expect(try steps.figures().skippedSteps == 1)
                // What was left out has halved the scale.
                try p.gradient?.addInPlace(Tensor(step.gradient.map { 2 * $0 }))
                try steps.step()
            } else {
                let scale = Float(try steps.scale.item()) / 4
                try accumulate(step.gradient.map { $0 * scale }, (Float(index) - 1) * scale)
            }
            try expectClose(p.detached(), step.p)
            try expectClose(q.detached(), step.q)
        }
        #expect(try steps.figures().stepCount == 3)
    }

    @Test("Adam that was restored goes on as if it had not been interrupted")
    func restoredAdam() throws {
        func run(restoringAfter stop: Int?) throws -> [Float] {
            let p = try Tensor([1, -2, 0.5] as [Float]).requiringGradient()
            var adam = try Adam([("p", p)], learningRate: 0.1)
            for step in 0..<6 {
                if step == stop {
                    let next = try Adam([("p", p)], learningRate: 0.1)
                    try next.restore(adam.state, stepCount: adam.stepCount)
                    adam = next
                }
                try p.setGradient(nil)
                try (p * p * Float(step + 1)).sum().backward()
                try adam.step()
            }
            return try p.detached().array()
        }
        #expect(try run(restoringAfter: 3) == run(restoringAfter: nil))
    }

    @Test("a parameter without a gradient stays as it is")
    func withoutGradient() throws {
        let p = try Tensor([1] as [Float]).requiringGradient()
        let q = try Tensor([2] as [Float]).requiringGradient()
        let adam = try Adam([("p", p), ("q", q)], learningRate: 0.1)
        try p.setGradient(Tensor([1] as [Float]))
        try adam.step()
        try expectClose(q.detached(), [2])
        try expectClose(p.detached(), [0.9])
    }

    @Test("moments that are missing or of another shape are refused, and nothing changes")
    func unfitMoments() throws {
        let p = try Tensor([1, 2] as [Float]).requiringGradient()
        let adam = try Adam([("p", p)], learningRate: 0.1)
        let short = try Tensor.ones([1])
        for moments in [[:], ["p": ["mean": short, "square": short]]] {
            let error = #expect(throws: TorchError.self) { try adam.restore(moments, stepCount: 5) }
            #expect(try #require(error).reason.contains("p"))
        }
        #expect(adam.stepCount == 0)
        try expectClose(adam.moments["p"]?.mean, [0, 0])
    }

    @Test("the losses are PyTorch's, also for logits far from zero")
    func losses() throws {
        let logits = try Tensor([0.5, -1, 30, 0, 2, -30] as [Float], shape: [2, 3])
        let targets = try Tensor([0.3, 0, 1, 0.6, 0.9, 0] as [Float], shape: [2, 3])
        let binary = try Loss.binaryCrossEntropy(logits: logits, targets: targets).item()
        #expect(abs(binary - 2.157414) < 1e-5)
        let classes = try Tensor([1, 0] as [Int64])
        #expect(abs(try Loss.crossEntropy(logits: logits, classes: classes).item() - 16.563463) < 1e-4)
    }
}
