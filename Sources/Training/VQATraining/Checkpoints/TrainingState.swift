import Torch

/// Where a run stands: what a checkpoint holds beside tensors, words and answers.
public struct TrainingState: Codable, Sendable, Equatable {
    /// How many epochs are finished.
    public var epoch = 0
    /// How many steps of the current epoch are done.
    public var stepInEpoch = 0
    /// How many steps have been done over the whole run.
    public var step = 0
    /// The sum of the losses of the current epoch's steps.
    public var lossSum = 0.0
    /// How long the current epoch has taken so far, in seconds.
    public var seconds = 0.0
    /// How long of that was spent waiting for data, in seconds.
    public var waitingSeconds: Double?
    /// The norm of all gradients together, summed over the current epoch's steps; nil where it was not measured.
    public var gradientNormSum: Double? = 0
    /// The learning rate after the warm-up, with the decays so far.
    public var learningRateBase: Double
    /// What the run's random numbers started from.
    public var seed: UInt64
    /// How many threads libtorch used. Sums come out the same to the last bit only for the same number.
    public var threadCount: Int
    /// How many processes shared the steps; nil for one alone. Sums are the same for the same number.
    public var processCount: Int?
    /// What the loss is scaled by; nil where training is not in half precision.
    public var lossScale: LossScale?
    /// How many steps were left out of Adam's count, because a gradient was infinite in half precision.
    public var skippedSteps: Int?
    /// Which checkpoint's weights the run started with; nil where it started anew.
    public var startedFrom: StartRecord?

    /// How many steps Adam has made; 0 in a state that is not possible.
    var optimizerSteps: Int {
        let (steps, overflows) = step.subtractingReportingOverflow(skippedSteps ?? 0)
        return overflows ? 0 : steps
    }

    /// More steps than any run makes.
    static let mostSteps = Int(Int32.max)
    /// As many epochs as `max_epoch` takes.
    static let mostEpochs = 1 << 20
    /// Thirty years: no epoch takes as long.
    private static let mostSeconds = 1e9

    /// Whether any run can stand here: a file may state whatever it likes, and what is computed from it must not end the
    /// process.
    var isPossible: Bool {
        let counts = 0...Self.mostSteps
        return (0...Self.mostEpochs).contains(epoch) && counts.contains(step) && counts.contains(stepInEpoch)
            && (0...max(0, step)).contains(skippedSteps ?? 0) && (lossScale?.isPossible ?? true)
            && [learningRateBase, lossSum, gradientNormSum ?? 0].allSatisfy { $0.isFinite && $0 >= 0 }
            && [seconds, waitingSeconds ?? 0].allSatisfy { (0...Self.mostSeconds).contains($0) }
    }

    /// Whether a run whose epochs have `stepsPerEpoch` steps can stand here.
    func isPossible(stepsPerEpoch: Int) -> Bool { isPossible && stepInEpoch <= stepsPerEpoch }

    /// The counts and times in words, for errors.
    var summary: String {
        "\(epoch) epochs and \(stepInEpoch) steps in \(seconds) s, \(waitingSeconds ?? 0) s of them waiting, \(step) steps "
            + "in all, \(skippedSteps ?? 0) of them left out"
            + (lossScale.map { ", a loss scale of \($0.scale) after \($0.goodSteps) good steps" } ?? "")
    }

    /// The state before the first step.
    package init(learningRateBase: Double, seed: UInt64, threadCount: Int) {
        self.learningRateBase = learningRateBase
        self.seed = seed
        self.threadCount = threadCount
    }
}
