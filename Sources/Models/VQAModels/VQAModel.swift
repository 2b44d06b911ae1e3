import Torch
import VQABatches

/// A network that scores every answer to a question about a picture.
///
/// A model of your own is a subclass of `Module` that conforms to this, in one new file, and one line in
/// `ModelRegistry.standard`.
public protocol VQAModel: Module {
    /// Builds the network with its start values.
    ///
    /// - Parameters:
    ///   - configuration: The hyper-parameters.
    ///   - wordCount: How many words the vocabulary has, padding and unknown included.
    ///   - answerCount: How many answers there are to choose from.
    /// - Throws: `TorchError` where memory is short.
    init(_ configuration: Configuration, wordCount: Int, answerCount: Int) throws

    /// The logits of every answer to every question: `[B, answers]`.
    ///
    /// - Throws: `TorchError` where the batch does not fit the network.
    func callAsFunction(_ batch: Batch) throws -> Tensor

    /// The word embedding, where GloVe's vectors can be put before training; nil where there is none.
    var wordEmbedding: Embedding? { get }

    /// Makes inference faster from now on, and a little less exact, by rounding what it may to 8 bits.
    ///
    /// - Throws: `ReducedPrecisionError` where the model has no such mode; `TorchError` where the processor has no
    ///   instructions for it.
    func roundToInt8() throws
}

extension VQAModel {
    /// A model without an embedding that GloVe could start.
    public var wordEmbedding: Embedding? { nil }

    /// A model that computes in the precision of its weights alone.
    public func roundToInt8() throws { throw ReducedPrecisionError(model: "\(Self.self)") }
}

/// A model was asked to round its weights, and cannot.
public struct ReducedPrecisionError: Error, Sendable, CustomStringConvertible {
    /// The model's type.
    public let model: String
    /// One line.
    public var description: String { "\(model) has no int8 mode: expected --precision float32" }
}

/// The models that a configuration can name.
public struct ModelRegistry: Sendable {
    /// The models that come with the package: a new one is one line here.
    public static let standard = ModelRegistry([
        "rwsan": RWSAN.self
    ])

    private let models: [String: any VQAModel.Type]

    /// - Parameter models: The models by the name that `model` in a configuration has.
    public init(_ models: [String: any VQAModel.Type]) {
        self.models = models
    }

    /// The names of all models.
    public var names: [String] { models.keys.sorted() }

    /// Builds the model that the configuration names.
    ///
    /// - Throws: `ConfigurationError` where there is no such model, and what its initialiser throws.
    public func make(_ configuration: Configuration, wordCount: Int, answerCount: Int) throws -> any VQAModel
    {
        guard let type = models[configuration.model] else {
            throw ConfigurationError(
                key: "model",
                reason: "expected \(names.joined(separator: ", ")), found '\(configuration.model)'")
        }
        return try type.init(configuration, wordCount: wordCount, answerCount: answerCount)
    }
}
