/// Every setting of a model and its training. The defaults are the official release's.
///
/// The keys, as a YAML file, `--set` and a checkpoint name them, are the official names in lower case.
public struct Configuration: Sendable, Equatable {
    // The model.

    /// Which model of the registry.
    public var model = "rwsan"
    /// How many times the question's layer is applied.
    public var srwsaLayer = 3
    /// How many times the image's layer is applied.
    public var sgrwsaLayer = 3
    /// The width of all hidden rows; the feed-forward networks are four times as wide inside.
    public var hiddenSize = 512
    /// How many heads an attention has. Divides `hiddenSize`.
    public var multiHead = 4
    /// How likely dropout sets an element to zero.
    public var dropoutR = 0.1
    /// The hidden width of the pooling's scores.
    public var flatMlpSize = 256
    /// The width of the pooled rows.
    public var flatOutSize = 1024
    /// The rank of a head's queries and keys where words look at words.
    public var srwsaMidsize = 4
    /// The rank where regions look at regions.
    public var sgrwsaSaMidsize = 16
    /// The rank where regions look at words.
    public var sgrwsaGaMidsize = 64
    /// The width of a word's embedding.
    public var wordEmbedSize = 300
    /// The width of a region's features.
    public var imgFeatSize = 2048

    // The data.

    /// How many words of a question are kept.
    public var maxToken = 16
    /// How many regions of a picture are kept.
    public var imgFeatPadSize = 100
    /// Whether GloVe's vectors start the embedding.
    public var useGlove = true
    /// What is trained on: `train`, `train+val` or `train+val+vg`.
    public var split = "train"
    /// Whether each epoch has an order of its own.
    public var shuffle = true
    /// How many threads prepare batches.
    public var numWorkers = 4

    // The training.

    /// How many questions make a step.
    public var batchSize = 64
    /// In how many parts a step's questions go through the model. Divides `batchSize`.
    public var gradAccuSteps = 1
    /// The learning rate after the warm-up.
    public var lrBase = 1e-4
    /// What the learning rate is multiplied by at each epoch of `lrDecayList`.
    public var lrDecayR = 0.2
    /// The epochs, counted from 0, at whose start the learning rate falls.
    public var lrDecayList = [12, 14]
    /// How many epochs there are.
    public var maxEpoch = 16
    /// How much of the old moments an Adam step keeps.
    public var optBetas = [0.9, 0.98]
    /// What Adam adds to the square root of the second moment.
    public var optEps = 1e-9
    /// Whether the val questions are answered after each epoch.
    public var evalEveryEpoch = true
    /// Starts the random numbers; drawn anew for each run where it is nil.
    public var seed: Int?

    /// The official defaults.
    public init() {}

    /// Makes sure that the settings fit one another.
    ///
    /// - Throws: `ConfigurationError` that names the key at fault.
    public func validate() throws(ConfigurationError) {
        func require(_ holds: Bool, _ key: String, _ reason: String) throws(ConfigurationError) {
            guard holds else { throw ConfigurationError(key: key, reason: reason) }
        }
        try require(
            hiddenSize % multiHead == 0, "hidden_size",
            "expected a multiple of multi_head (\(multiHead)), found \(hiddenSize)")
        try require(
            batchSize % gradAccuSteps == 0, "grad_accu_steps",
            "expected a divisor of batch_size (\(batchSize)), found \(gradAccuSteps)")
        try require(optBetas.count == 2, "opt_betas", "expected two numbers, found \(optBetas.count)")
    }
}

/// A setting that cannot be.
public struct ConfigurationError: Error, Sendable, CustomStringConvertible {
    /// The key at fault.
    public let key: String
    /// What was expected and what was found.
    public let reason: String

    /// - Parameters:
    ///   - key: The key at fault.
    ///   - reason: What was expected and what was found.
    public init(key: String, reason: String) {
        self.key = key
        self.reason = reason
    }

    /// One line.
    public var description: String { "configuration: \(key): \(reason)" }
}
