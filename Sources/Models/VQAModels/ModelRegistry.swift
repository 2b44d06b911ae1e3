import VQASettings

/// The models that a configuration can name.
public struct ModelRegistry: Sendable {
    /// The models that come with the package: a new one is one line here.
    public static let standard = ModelRegistry([
        RWSAN.self, MCAN.self,
    ])

    /// The models that the Hugging Face hub publishes with their weights.
    package static let published = ModelRegistry([ViLT.self, LXMERT.self])

    /// These, and where the name is that of a published model, those too.
    package func including(_ name: String) -> ModelRegistry {
        guard !names.contains(name), Self.published.names.contains(name) else { return self }
        return ModelRegistry(entries: entries + Self.published.entries)
    }

    private init(entries: [Entry]) { self.entries = entries }

    /// A name, the model that it stands for, and its settings.
    public struct Entry: Sendable {
        /// The name, and what it sets.
        public let preset: ModelPreset
        /// The model.
        public let type: any VQAModel.Type
        /// What the model is called where it is published: the name of its type.
        package var architecture: String { "\(type)" }
    }

    /// Every preset of every model, in the order of the models. The first one is chosen where a configuration names
    /// none.
    public let entries: [Entry]

    /// - Parameter models: The models. Where two have presets of one name, the first one counts.
    public init(_ models: [any VQAModel.Type]) {
        var names: Set<String> = []
        entries = models.flatMap { type in type.presets.map { Entry(preset: $0, type: type) } }
            .filter { names.insert($0.preset.name).inserted }
    }

    /// The names of all models.
    public var names: [String] { entries.map(\.preset.name) }

    /// The model of a name.
    ///
    /// - Throws: `ConfigurationError` where there is none.
    public func entry(named name: String) throws(ConfigurationError) -> Entry {
        guard let entry = entries.first(where: { $0.preset.name == name }) else {
            let hint =
                Self.published.names.contains(name)
                ? ", which starts from published weights: --model \(name)" : ""
            throw ConfigurationError(
                key: "model", reason: "expected \(names.joined(separator: ", ")), found '\(name)'\(hint)")
        }
        return entry
    }
}
