import VQAModels

/// The learning rate of every step: a warm-up over the first three epochs, then steps down.
///
/// The warm-up counts Adam's steps over the whole run against epochs of `exampleCount / batchSize` steps, a
/// number with a fraction, as the official release does.
public struct LearningRateSchedule: Sendable {
    private let stepsPerEpoch: Double
    private let decay: Double
    private let decayEpochs: [Int]

    /// - Parameters:
    ///   - configuration: `batch_size`, `lr_decay_r` and `lr_decay_list`.
    ///   - exampleCount: How many questions an epoch has.
    public init(_ configuration: Configuration, exampleCount: Int) {
        stepsPerEpoch = Double(exampleCount) / Double(configuration.batchSize)
        decay = configuration.lrDecayR
        decayEpochs = configuration.lrDecayList
    }

    /// What the base rate becomes at the start of an epoch, counted from 0.
    public func base(_ base: Double, atStartOf epoch: Int) -> Double {
        decayEpochs.contains(epoch) ? base * decay : base
    }

    /// The rate of a step, counted from 1 over the whole run.
    public func rate(step: Int, base: Double) -> Double {
        for quarter in 1...3 where step <= Int(stepsPerEpoch * Double(quarter)) {
            return base * (Double(quarter) / 4)
        }
        return base
    }
}
