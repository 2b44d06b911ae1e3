import VQASettings

/// The learning rate of every step.
package protocol LearningRateSchedule: Sendable {
    /// What the base rate becomes at the start of an epoch, counted from 0.
    func base(_ base: Double, atStartOf epoch: Int) -> Double

    /// The rate of a step, counted from 1 over the whole run.
    func rate(step: Int, base: Double) -> Double
}

/// A schedule that a configuration can name.
package struct ScheduleChoice: Sendable {
    /// The schedules that there are: a new one is one line here.
    package static let standard = [steps, linear]

    /// A warm-up over three epochs, then steps down.
    package static let steps = ScheduleChoice("steps") { StepSchedule($0, exampleCount: $1) }

    /// A warm-up and a decay in straight lines.
    package static let linear = ScheduleChoice("linear") { LinearSchedule($0, exampleCount: $1) }

    /// The name.
    package let name: String
    private let make: @Sendable (TrainingOptions, Int) -> any LearningRateSchedule

    /// - Parameters:
    ///   - name: The name.
    ///   - make: Makes one from the options and the number of questions that an epoch has.
    package init(
        _ name: String,
        make: @escaping @Sendable (TrainingOptions, _ exampleCount: Int) -> any LearningRateSchedule
    ) {
        self.name = name
        self.make = make
    }

    /// Makes the schedule that the options name.
    ///
    /// - Throws: `ConfigurationError` where there is none of that name.
    static func schedule(_ options: TrainingOptions, exampleCount: Int) throws -> any LearningRateSchedule {
        guard let choice = standard.first(where: { $0.name == options.lrSchedule }) else {
            throw ConfigurationError(
                key: "lr_schedule",
                reason:
                    "expected \(standard.map(\.name).joined(separator: ", ")), found \(options.lrSchedule)")
        }
        return choice.make(options, exampleCount)
    }
}

/// A warm-up over the first three epochs, then steps down.
///
/// The warm-up counts the optimizer's steps over the whole run against epochs of `exampleCount / batchSize` steps, a
/// number with a fraction, as the official release does.
package struct StepSchedule: LearningRateSchedule {
    private let stepsPerEpoch: Double
    private let decay: Double
    private let decayEpochs: [Int]

    /// - Parameters:
    ///   - options: `batch_size`, `lr_decay_r` and `lr_decay_list`.
    ///   - exampleCount: How many questions an epoch has.
    package init(_ options: TrainingOptions, exampleCount: Int) {
        stepsPerEpoch = Double(exampleCount) / Double(options.batchSize)
        decay = options.lrDecayR
        decayEpochs = options.lrDecayList
    }

    /// Lower at each epoch of `lr_decay_list`.
    package func base(_ base: Double, atStartOf epoch: Int) -> Double {
        decayEpochs.contains(epoch) ? base * decay : base
    }

    /// A quarter, a half and three quarters of the base rate in the first three epochs.
    package func rate(step: Int, base: Double) -> Double {
        for quarter in 1...3 where Double(step) <= (stepsPerEpoch * Double(quarter)).rounded(.down) {
            return base * (Double(quarter) / 4)
        }
        return base
    }
}
