import Torch
import VQASettings

/// A model that was chosen, and the values of its settings.
public struct ModelConfiguration: Sendable {
    /// The name it was chosen by.
    public let name: String
    /// The model.
    public let type: any VQAModel.Type
    /// The values of its settings.
    public var options: any SettingsGroup

    /// What the model is called where it is published: the name of its type.
    package var architecture: String { "\(type)" }

    /// What it is, in one line.
    package var summary: String { type.presets.first { $0.name == name }?.summary ?? name }

    /// A model with the settings of one of its presets.
    ///
    /// - Throws: ``ConfigurationError`` where the preset has a value that the options do not take.
    package init(_ entry: ModelRegistry.Entry) throws(ConfigurationError) {
        name = entry.preset.name
        type = entry.type
        var options = entry.type.defaultOptions
        for (key, value) in entry.preset.settings { _ = try options.setIfKnown(key, to: value) }
        self.options = options
    }

    /// Words that have a number right behind PAD and UNK though no question has them.
    ///
    /// - Throws: ``ConfigurationError`` where the options are of another model.
    package var reservedWords: [String] {
        get throws(ConfigurationError) { try type.reservedWords(of: options) }
    }

    /// Builds the network with its start values.
    ///
    /// - Throws: `TorchError` where memory is short.
    package func make(_ inputs: ModelInputs) throws -> any VQAModel { try type.make(options, inputs) }

    /// The names of the network's parameters and buffers, found without building it.
    ///
    /// - Throws: `TorchError` where it cannot be built.
    package func tensorNames(_ inputs: ModelInputs) throws -> [String] {
        let network = try ShapesOnly.run { try make(inputs) }
        return (network.namedParameters() + network.namedBuffers()).map(\.name)
    }

    /// Builds the network with the weights of a checkpoint.
    ///
    /// - Parameters:
    ///   - inputs: The sizes that the data give it.
    ///   - weights: All parameters and buffers, by name.
    ///   - isAdopting: Whether the network takes over their memory; else they are copied.
    /// - Throws: As ``requireFit(_:_:)`` and ``make(_:)``.
    package func make(_ inputs: ModelInputs, weights: [String: Tensor], isAdopting: Bool = false) throws
        -> any VQAModel
    {
        try requireFit(weights, inputs)
        let model = try StartValues.omitted { try make(inputs) }
        try isAdopting ? model.adopt(weights) : model.load(weights)
        return model
    }

    /// Makes sure that weights are those of the network, before it is built: a checkpoint of some kilobytes may state
    /// sizes that take all the memory there is.
    ///
    /// - Throws: `StateMismatch` where they are not.
    package func requireFit(_ weights: [String: Tensor], _ inputs: ModelInputs) throws(StateMismatch) {
        // A model that looks at numbers while it is built tells its shapes only then.
        guard let network = try? ShapesOnly.run({ try make(inputs) }) else { return }
        let own = network.namedParameters() + network.namedBuffers()
        let mismatch = StateMismatch(
            expected: own.map { ($0.name, $0.tensor.shape) }, found: weights.mapValues(\.shape))
        guard mismatch.isEmpty else { throw mismatch }
    }
}

extension VQAModel {
    /// The options' defaults.
    fileprivate static var defaultOptions: any SettingsGroup { Options() }

    fileprivate static func make(_ options: any SettingsGroup, _ inputs: ModelInputs) throws -> any VQAModel {
        try Self(own(options), inputs: inputs)
    }

    fileprivate static func reservedWords(of options: any SettingsGroup) throws(ConfigurationError)
        -> [String]
    {
        reservedWords(try own(options))
    }

    private static func own(_ options: any SettingsGroup) throws(ConfigurationError) -> Options {
        guard let options = options as? Options else {
            throw ConfigurationError(
                key: "model", reason: "expected settings of \(Self.self), found \(options)")
        }
        return options
    }
}
