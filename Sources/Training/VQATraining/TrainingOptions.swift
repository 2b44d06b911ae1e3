import VQASettings

/// How a model is trained. The defaults are the official release's.
public struct TrainingOptions: SettingsGroup {
    /// How many questions make a step.
    public var batchSize = 64
    /// In how many parts a step's questions go through the model.
    public var gradAccuSteps = 1
    /// Which optimizer makes the steps, by its name in `OptimizerChoice.standard`.
    public var optimizer = OptimizerChoice.adam.name
    /// How much of the old moments a step keeps.
    public var optBetas = [0.9, 0.98]
    /// What the optimizer adds to the square root of the second moment.
    public var optEps = 1e-9
    /// The share of the weights that a step of `adamw` takes away, times the learning rate.
    public var weightDecay = 0.01
    /// How the learning rate goes, by its name in `ScheduleChoice.standard`.
    public var lrSchedule = ScheduleChoice.steps.name
    /// The learning rate after the warm-up.
    public var lrBase = 1e-4
    /// What the learning rate is multiplied by at each epoch of `lrDecayList`.
    public var lrDecayR = 0.2
    /// The epochs, counted from 0, at whose start the learning rate falls.
    public var lrDecayList = [12, 14]
    /// The share of all steps over which the learning rate of `linear` rises.
    public var warmupRatio = 0.1
    /// How many epochs there are.
    public var maxEpoch = 16
    /// Whether the val questions are answered after each epoch.
    public var evalEveryEpoch = true
    /// Whether each epoch has an order of its own.
    public var shuffle = true
    /// Whether GloVe's vectors start the embedding.
    public var useGlove = true
    /// How many threads prepare batches.
    public var numWorkers = 4
    /// Starts the random numbers; drawn anew for each run where it is nil.
    public var seed: Int?

    /// The official defaults.
    public init() {}

    /// Every setting.
    public static let settings: [Setting<Self>] = [
        .count("batch_size", \.batchSize, "How many questions make a step."),
        .count(
            "grad_accu_steps", \.gradAccuSteps,
            "In how many parts a step's questions go through the model, in answering too, to save memory; a divisor of batch_size."
        ),
        .word(
            "optimizer", \.optimizer, oneOf: OptimizerChoice.standard.map(\.name),
            "What turns gradients into steps."),
        .numbers(
            "opt_betas", \.optBetas, of: "two numbers below 1", in: 0..<1,
            "How much of its running means of the gradient and of its square the optimizer keeps."),
        .number(
            "opt_eps", \.optEps, in: 0..<Double.infinity,
            "What the optimizer adds to the root of the running mean of the gradient's square."),
        .number(
            "weight_decay", \.weightDecay, in: 0..<1,
            "The share of the weights that a step of adamw takes away, times the learning rate; biases and norms keep theirs."
        ),
        .number("lr_base", \.lrBase, in: 0..<Double.infinity, "The learning rate after the warm-up."),
        .word(
            "lr_schedule", \.lrSchedule, oneOf: ScheduleChoice.standard.map(\.name),
            "How the learning rate goes: steps warms up over three epochs and falls at those of lr_decay_list; linear rises "
                + "over the first steps and falls to 0 at the end."
        ),
        .number(
            "lr_decay_r", \.lrDecayR, in: 0..<Double.infinity,
            "What the learning rate is multiplied by at each epoch of lr_decay_list."),
        .counts(
            "lr_decay_list", \.lrDecayList, of: "epochs",
            "The epochs, counted from 0, at whose start the learning rate falls."),
        .number(
            "warmup_ratio", \.warmupRatio, in: 0..<1,
            "The share of all steps over which the learning rate of linear rises."),
        .count("max_epoch", \.maxEpoch, "How many epochs there are."),
        .flag(
            "eval_every_epoch", \.evalEveryEpoch, "Whether the val questions are answered after each epoch."),
        .flag("shuffle", \.shuffle, "Whether each epoch has an order of its own."),
        .flag("use_glove", \.useGlove, "Whether GloVe's vectors start the word embedding."),
        .count("num_workers", \.numWorkers, upTo: 256, "How many threads prepare batches."),
        .optionalCount(
            "seed", \.seed, "What the random numbers start from; null draws a number for each run."),
    ]

    /// Makes sure that a step's questions can be shared out, and that there are two betas.
    public func validate() throws(ConfigurationError) {
        guard batchSize % gradAccuSteps == 0 else {
            throw ConfigurationError(
                key: "grad_accu_steps",
                reason: "expected a divisor of batch_size (\(batchSize)), found \(gradAccuSteps)")
        }
        guard optBetas.count == 2 else {
            throw ConfigurationError(
                key: "opt_betas", reason: "expected two numbers, found \(optBetas.count)")
        }
    }
}
