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
}
