import VQASettings

/// A model that was chosen, and the values of its settings.
public struct ModelConfiguration: Sendable {
    /// The name it was chosen by.
    public let name: String
    /// The model.
    public let type: any VQAModel.Type
    /// The values of its settings.
    public var options: any SettingsGroup

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

    /// Words that have numbers behind padding and unknown, and before all words of questions.
    package var reservedWords: [String] { type.reservedWords(any: options) }

    /// Builds the network with its start values.
    ///
    /// - Throws: `TorchError` where memory is short.
    package func make(_ inputs: ModelInputs) throws -> any VQAModel { try type.make(options, inputs) }
}

extension VQAModel {
    /// The options' defaults.
    fileprivate static var defaultOptions: any SettingsGroup { Options() }

    fileprivate static func reservedWords(any options: any SettingsGroup) -> [String] {
        (options as? Options).map(reservedWords) ?? []
    }

    fileprivate static func make(_ options: any SettingsGroup, _ inputs: ModelInputs) throws -> any VQAModel {
        guard let options = options as? Options else {
            throw ConfigurationError(
                key: "model", reason: "expected settings of \(Self.self), found \(options)")
        }
        return try Self(options, inputs: inputs)
    }
}
