import Testing
@testable import VQATraining

/// The learning rate of each step, against the official formula worked out by hand.
@Suite struct LearningRateScheduleTests {
    private func schedule(batchSize: Int, examples: Int) throws -> any LearningRateSchedule {
        var options = TrainingOptions()
        options.batchSize = batchSize
        return StepSchedule(options, exampleCount: examples)
    }

    @Test("the rate rises by quarters over three epochs, whose steps are counted with their fraction")
    func warmUp() throws {
        // 252 / 16 = 15.75 steps an epoch: quarters end after steps 15, 31 and 47.
        let schedule = try schedule(batchSize: 16, examples: 252)
        let quarters: [(step: Int, quarter: Double)] = [
            (1, 1), (15, 1), (16, 2), (31, 2), (32, 3), (47, 3), (48, 4), (1_000_000, 4),
        ]
        for (step, quarter) in quarters {
            #expect(schedule.rate(step: step, base: 0.001) == 0.001 * quarter / 4, "step \(step)")
        }
    }

    @Test("on VQA-v2 the quarters end after steps 6,933, 13,867 and 20,801")
    func fullSize() throws {
        let schedule = try schedule(batchSize: 64, examples: 443_757)
        for (index, last) in [6_933, 13_867, 20_801].enumerated() {
            #expect(schedule.rate(step: last, base: 1) == Double(index + 1) / 4)
            #expect(schedule.rate(step: last + 1, base: 1) == Double(index + 2) / 4)
        }
    }

    @Test("the base falls at the start of the listed epochs and of no other")
    func decay() throws {
        let schedule = try schedule(batchSize: 64, examples: 640)
        let bases = (0..<16).map { schedule.base(1, atStartOf: $0) }
        #expect(bases.enumerated().filter { $0.element != 1 }.map(\.offset) == [12, 14])
        #expect(bases[12] == 0.2)
        #expect(schedule.base(schedule.base(1e-4, atStartOf: 12), atStartOf: 14) == 1e-4 * 0.2 * 0.2)
    }

    @Test("no base makes the rate of the warm-up infinite")
    func largestBase() throws {
        let schedule = try schedule(batchSize: 1, examples: 10)
        #expect(schedule.rate(step: 25, base: .greatestFiniteMagnitude).isFinite)
    }

    @Test(
        "the linear schedule's rates are those of transformers",
        arguments: [
            (0.34, 6, [0, 0.5, 1, 0.75, 0.5, 0.25, 0]), (0, 4, [1, 0.75, 0.5, 0.25, 0]),
            (0.99, 6, [0, 0.2, 0.4, 0.6, 0.8, 1, 0]),
        ])
    func linear(ratio: Double, steps: Int, expected: [Double]) {
        var options = TrainingOptions()
        // Two steps an epoch, and questions that are left over.
        (options.batchSize, options.maxEpoch, options.warmupRatio) = (16, steps / 2, ratio)
        let schedule = LinearSchedule(options, exampleCount: 39)
        for (index, rate) in expected.enumerated() {
            #expect(abs(schedule.rate(step: index + 1, base: 1) - rate) < 1e-12, "step \(index + 1)")
        }
        #expect(schedule.rate(step: 1_000_000, base: 1) == 0)
        #expect((0..<3).allSatisfy { schedule.base(0.5, atStartOf: $0) == 0.5 })
    }
}
