import Torch
import VQABatches
import VQASettings

/// A network that scores every answer to a question about an image.
///
/// A model of your own is a subclass of `Module` that conforms to this, in one new file with its options, and one
/// entry in a ``ModelRegistry``.
public protocol VQAModel: Module {
    /// The network's settings, with their defaults.
    associatedtype Options: SettingsGroup

    /// The names by which a configuration chooses the model, and what each sets.
    static var presets: [ModelPreset] { get }

    /// Words that have a number right behind PAD and UNK though no question has them; none of them is in lower case.
    static func reservedWords(_ options: Options) -> [String]

    /// Which of the presets tensors of these names and shapes look like; nil where they are of another model.
    ///
    /// It tells a user whose checkpoint says no settings what to choose.
    static func likeness(of shapes: [String: [Int]]) -> ModelLikeness?

    /// Builds the network with its start values.
    ///
    /// - Parameters:
    ///   - options: The values of its settings.
    ///   - inputs: The sizes that the data give it.
    /// - Throws: `TorchError` where memory is short.
    init(_ options: Options, inputs: ModelInputs) throws

    /// The logits of every answer to every question: `[B, answers]`.
    ///
    /// - Throws: `TorchError` where the batch does not fit the network.
    func callAsFunction(_ batch: Batch) throws -> Tensor

    /// The same logits and, of the same pass, what was attended to; nil for a model that gives no attention.
    ///
    /// It is asked of a model in inference, and costs nothing where it is not: the weights are computed beside the pass.
    ///
    /// - Throws: ``AttentionChoiceError`` where there is no such layer or head; `TorchError` where the batch does not fit
    ///   the network.
    func attention(_ batch: Batch, _ choice: AttentionChoice) throws -> BatchAttention?

    /// The word embedding, where GloVe's vectors can be put before training; nil where there is none.
    var wordEmbedding: Embedding? { get }

    /// Makes inference faster from now on, and a little less exact, by rounding what it may to 8 bits.
    ///
    /// - Throws: `ReducedPrecisionError` where the model has no such mode; `TorchError` where the processor has no
    ///   instructions for it.
    func roundToInt8() throws
}

extension VQAModel {
    /// A vocabulary of PAD, UNK and words of questions.
    public static func reservedWords(_ options: Options) -> [String] { [] }

    /// A model that recognises no tensors.
    public static func likeness(of shapes: [String: [Int]]) -> ModelLikeness? { nil }

    /// A model without an embedding that GloVe could start.
    public var wordEmbedding: Embedding? { nil }

    /// A model that computes in the precision of its weights alone.
    public func roundToInt8() throws { throw ReducedPrecisionError(model: "\(Self.self)") }
}

/// The sizes of a network that the data give it.
public struct ModelInputs: Sendable, Equatable {
    /// How many words the vocabulary has, padding and unknown included.
    public var wordCount: Int
    /// How many answers there are to choose from.
    public var answerCount: Int
    /// How wide the features of a region are: `img_feat_size`.
    public var regionWidth: Int
    /// The most regions of an image: `img_feat_pad_size`.
    public var maximumRegions: Int
    /// The most words of a question: `max_token`.
    public var maximumWords: Int

    /// - Parameters: as the properties.
    public init(
        wordCount: Int, answerCount: Int, regionWidth: Int = 2048, maximumRegions: Int = 100,
        maximumWords: Int = 16
    ) {
        self.wordCount = wordCount
        self.answerCount = answerCount
        self.regionWidth = regionWidth
        self.maximumRegions = maximumRegions
        self.maximumWords = maximumWords
    }
}

/// A name by which a configuration chooses a model (`model: mcan_large`), and the settings that come with it.
public struct ModelPreset: Sendable {
    /// A key, and its value.
    public typealias Settings = [(key: String, value: SettingValue)]

    /// The name.
    public let name: String
    /// What it is, in one line.
    public let summary: String
    /// What it sets on any dataset: options of the model, and of its dataset and training.
    public let settings: Settings
    /// What it sets besides on some datasets, by their names.
    public let onDatasets: [String: Settings]

    /// - Parameters:
    ///   - name: The name.
    ///   - summary: What it is, in one line.
    ///   - settings: What it sets, by key.
    public init(
        _ name: String, _ summary: String, settings: KeyValuePairs<String, SettingValue> = [:]
    ) {
        self.init(name, summary, settings: settings.map { ($0.key, $0.value) }, onDatasets: [:])
    }

    /// - Parameters:
    ///   - name: The name.
    ///   - summary: What it is, in one line.
    ///   - settings: What it sets on any dataset.
    ///   - onDatasets: What it sets besides on some datasets, by their names.
    public init(
        _ name: String, _ summary: String, settings: Settings, onDatasets: [String: Settings]
    ) {
        self.name = name
        self.summary = summary
        self.settings = settings
        self.onDatasets = onDatasets
    }
}

/// What the tensors of a checkpoint look like.
public struct ModelLikeness: Sendable {
    /// The name of a preset.
    public let preset: String
    /// Settings in which they differ from it.
    public let settings: ModelPreset.Settings

    /// - Parameters:
    ///   - preset: The name of a preset.
    ///   - settings: Settings in which they differ from it.
    public init(preset: String, settings: ModelPreset.Settings = []) {
        self.preset = preset
        self.settings = settings
    }
}

/// A model was asked to round its weights, and cannot.
public struct ReducedPrecisionError: Error, Sendable, CustomStringConvertible {
    /// The model's type.
    public let model: String
    /// One line.
    public var description: String { "\(model) has no int8 mode: expected --precision float32" }
}
