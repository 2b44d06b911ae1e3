/// A rise from 0 in a straight line over the first steps, then a fall in a straight line that comes to 0 behind the last.
///
/// The numbers are those of transformers' `get_linear_schedule_with_warmup`: the first step of all has the rate 0.
package struct LinearSchedule: LearningRateSchedule {
    private let stepCount: Double
    private let warmUpCount: Double

    /// - Parameters:
    ///   - options: `batch_size`, `max_epoch` and `warmup_ratio`.
    ///   - exampleCount: How many questions an epoch has.
    package init(_ options: TrainingOptions, exampleCount: Int) {
        stepCount = Double(exampleCount / max(1, options.batchSize)) * Double(options.maxEpoch)
        warmUpCount = (stepCount * options.warmupRatio).rounded(.down)
    }

    /// The same in every epoch.
    package func base(_ base: Double, atStartOf epoch: Int) -> Double { base }

    /// The share of the base rate that the step's place gives it.
    package func rate(step: Int, base: Double) -> Double {
        let done = Double(step - 1)
        if done < warmUpCount { return base * (done / max(1, warmUpCount)) }
        return base * max(0, (stepCount - done) / max(1, stepCount - warmUpCount))
    }
}
