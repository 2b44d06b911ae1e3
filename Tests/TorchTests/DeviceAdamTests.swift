import TestSupport
import Testing
import Torch

/// Adam as work for a device alone, against numbers that PyTorch 2.11 gave.
@Suite struct DeviceAdamTests {
    /// Three parameters of one tensor and one of another, as PyTorch's numbers are for.
    private struct Example {
        let p: Tensor
        let q: Tensor
        let adam: Adam
        let steps: DeviceAdam
        let device: Device

        static let rates = [0.1, 0.05, 0.2]
        static let gradients: [[Float]] = [[0.5, -1, 0, -1], [0.25, 2, 1e-3, 0], [-3, 0.1, 1e-3, 1]]
        static let expected: [[Float]] = [
            [0.9, -1.9, 0.5, 3.1], [0.853256, -1.918253, 0.46297, 3.133665],
            [0.951598, -1.980629, 0.292093, 3.116492],
        ]

        init(on device: Device, lossScale: LossScale? = nil) throws {
            self.device = device
            p = try Tensor([1, -2, 0.5] as [Float]).moved(to: device).requiringGradient()
            q = try Tensor([3] as [Float], shape: [1, 1]).moved(to: device).requiringGradient()
            adam = try Adam([("p", p), ("q", q)], learningRate: 0, betas: (0.9, 0.98), epsilon: 1e-9)
            steps = try DeviceAdam(adam, lossScale: lossScale, on: device)
        }

        /// Adds to the gradients, as backward does.
        func accumulate(_ gradients: [Float], times scale: Float = 1) throws {
            let gradients = gradients.map { $0 * scale }
            try p.gradient?.addInPlace(Tensor(Array(gradients.prefix(3))).moved(to: device))
            try q.gradient?.addInPlace(Tensor([gradients[3]], shape: [1, 1]).moved(to: device))
        }

        func values() throws -> [Float] { try p.array() + q.array() }
    }

    private func expectClose(_ found: [Float], _ expected: [Float]) {
        #expect(found.count == expected.count)
        for (left, right) in zip(found, expected) { #expect(abs(left - right) < 2e-6) }
    }

    @Test("it makes PyTorch's steps, clears the gradients, and sums their norms")
    func steps() throws { try checkSteps(on: .cpu) }

    private func checkSteps(on device: Device) throws {
        let example = try Example(on: device)
        var norms = 0.0
        for (index, gradients) in Example.gradients.enumerated() {
            try example.accumulate(gradients)
            try example.steps.setLearningRate(Example.rates[index])
            try example.steps.step()
            expectClose(try example.values(), Example.expected[index])
            #expect(try example.p.gradient?.array(of: Float.self) == [0, 0, 0])
            norms += gradients.reduce(0) { $0 + Double($1 * $1) }.squareRoot()
        }
        let figures = try example.steps.figures()
        #expect(figures.stepCount == 3 && example.adam.stepCount == 3)
        #expect(figures.skippedSteps == 0 && figures.lossScale == nil)
        #expect(abs(figures.gradientNormSum - norms) < 1e-5)
        #expect(try example.steps.figures().gradientNormSum == 0)
    }

    @Test("scaled, it makes the same steps, and leaves out one whose gradients are infinite")
    func scaled() throws { try checkScaling(on: .cpu) }

    private func checkScaling(on device: Device) throws {
        let example = try Example(on: device, lossScale: LossScale(scale: 1024, goodSteps: 1997))
        #expect(try example.steps.scaled(Tensor.full([], 3, device: device)).item() == 3072)
        func step(_ index: Int, scale: Float) throws {
            try example.accumulate(Example.gradients[index], times: scale)
            try example.steps.setLearningRate(Example.rates[index])
            try example.steps.step()
        }
        try step(0, scale: 1024)
        try example.accumulate([.infinity, 0, 0, 0])
        try example.steps.step()
        let figures = try example.steps.figures()
        #expect(figures.stepCount == 1 && figures.skippedSteps == 1)
        #expect(figures.lossScale == LossScale(scale: 512))
        #expect(abs(figures.gradientNormSum - 1.5) < 1e-6)
        try step(1, scale: 512)
        try step(2, scale: 512)
        expectClose(try example.values(), Example.expected[2])
        #expect(try example.steps.figures().lossScale == LossScale(scale: 512, goodSteps: 2))
    }

    @Test("the scale doubles after 2,000 steps that went well")
    func growingScale() throws {
        let example = try Example(on: .cpu, lossScale: LossScale(scale: 1024, goodSteps: 1998))
        for _ in 0..<3 { try example.steps.step() }
        #expect(try example.steps.figures().lossScale == LossScale(scale: 2048, goodSteps: 1))
    }

    @Test("recorded and started again, it makes the same steps")
    func recorded() throws { try checkRecording(on: .cpu) }

    private func checkRecording(on device: Device) throws {
        try device.useOwnStream()
        let example = try Example(on: device)
        try example.accumulate(Example.gradients[0])
        try example.steps.setLearningRate(Example.rates[0])
        try example.steps.step()
        let work = try RecordedWork(on: device, sharingMemoryOf: nil) { try example.steps.step() }
        for index in 1...2 {
            try example.accumulate(Example.gradients[index])
            try example.steps.setLearningRate(Example.rates[index])
            try work.run()
        }
        expectClose(try example.values(), Example.expected[2])
        #expect(try example.steps.figures().stepCount == 3)
    }

    @Test(
        "on a GPU it makes the same steps, scaled and recorded too", .enabled(if: GPU.isThere, GPU.isMissing))
    func onGPU() throws {
        try GPU.alone {
            try checkSteps(on: .best)
            try checkScaling(on: .best)
            try checkRecording(on: .best)
        }
    }
}
