/// What happens in a run, for whoever watches it.
public enum TrainingEvent: Sendable {
    /// A step has been done.
    case step(StepProgress)
    /// Some val questions have been answered.
    case evaluating(answered: Int, of: Int)
    /// An epoch is finished, evaluated where asked for, and its checkpoint is written.
    case epoch(EpochRecord, checkpoint: String)
}

/// How far an epoch has come.
public struct StepProgress: Sendable {
    /// The epoch, counted from 1.
    public let epoch: Int
    /// How many epochs there are.
    public let epochCount: Int
    /// The step of the epoch, counted from 1.
    public let step: Int
    /// How many steps the epoch has.
    public let stepCount: Int
    /// The mean loss of a question in the last steps whose results have been fetched: in this one on the CPU.
    public let loss: Double
    /// The learning rate of this step.
    public let learningRate: Double
    /// The norm of all gradients together, on average over the steps that ``loss`` is of; nil where these were left out.
    public let gradientNorm: Double?
    /// How many questions have been learned from each second of this epoch.
    public let questionsPerSecond: Double
    /// How long the epoch's remaining steps will take at that speed, in seconds.
    public let secondsLeft: Double
    /// Which share of the epoch's time was spent waiting for data.
    public let waitingShare: Double
}

/// One line of `metrics.jsonl`.
public struct EpochRecord: Codable, Sendable, Equatable {
    /// The epoch, counted from 1.
    public var epoch: Int
    /// The summed loss divided by the number of questions.
    public var loss: Double
    /// The learning rate of the last step.
    public var lr: Double
    /// The accuracy on val in percent; nil where it was not evaluated.
    public var overall: Double?
    /// The accuracy on val by answer type, in percent.
    public var perAnswerType: [String: Double]?
    /// The name of the metric that they are of; nil where val was not evaluated, or by an earlier version.
    public var metric: String?
    /// How many val questions were left out, for the features of their images cannot be read; nil for none.
    public var leftOut: Int?
    /// How many questions were learned from each second.
    public var questionsPerSecond: Double
    /// How long the epoch took, evaluation not counted, in seconds.
    public var seconds: Double
    /// Which share of that was spent waiting for data, from 0 to 1; nil in a record of an earlier version.
    public var waitingShare: Double?
    /// The norm of all gradients together, on average over the epoch's steps; nil where it was not measured.
    public var gradientNorm: Double?

    enum CodingKeys: String, CodingKey {
        case epoch, loss, lr, overall, perAnswerType, metric, seconds
        case waitingShare = "waiting_share"
        case leftOut = "left_out"
        case gradientNorm = "gradient_norm"
        case questionsPerSecond = "questions_per_second"
    }
}
