import VQADatasets
import VQAModels
import VQASettings
import VQATraining

/// Every setting of a run: those of a model, of a dataset, and of training.
///
/// The keys, as a YAML file, `--set` and a checkpoint name them, are the official names in lower case. `model` and
/// `dataset` choose whose keys there are besides those of training; a preset of a model brings further settings along.
public struct Configuration: Sendable {
    /// The model and its options.
    public private(set) var model: ModelConfiguration
    /// The name of the dataset.
    public private(set) var dataset: String
    /// The dataset's options.
    public var data: any DatasetOptions
    /// How the model is trained.
    public var training: TrainingOptions
    /// The keys that have been set, one by one or from a file, since the defaults or a checkpoint's settings.
    public private(set) var changedKeys: Set<String> = []

    /// The keys whose values a checkpoint brought.
    private var restoredKeys: Set<String> = []

    private var models: ModelRegistry
    private let datasets: DatasetRegistry
    /// The keys that choose which others there are.
    private static let choices = ["dataset", "model"]

    /// The defaults of the first model and the first dataset.
    ///
    /// - Parameters:
    ///   - models: The models that `model` can name.
    ///   - datasets: The datasets that `dataset` can name.
    /// - Throws: `ConfigurationError` where there is none of them, or a preset does not fit its model.
    public init(models: ModelRegistry, datasets: DatasetRegistry) throws(ConfigurationError) {
        guard let entry = models.entries.first else {
            throw ConfigurationError(key: "model", reason: "expected a model in the registry, found none")
        }
        guard let type = datasets.types.first else {
            throw ConfigurationError(key: "dataset", reason: "expected a dataset in the registry, found none")
        }
        try self.init(models, datasets, entry, type)
    }

    /// The defaults of a model and a dataset.
    private init(
        _ models: ModelRegistry, _ datasets: DatasetRegistry, _ entry: ModelRegistry.Entry,
        _ type: any VQADataset.Type
    ) throws(ConfigurationError) {
        self.models = models
        self.datasets = datasets
        model = try ModelConfiguration(entry)
        dataset = type.name
        data = Self.defaultOptions(of: type)
        training = TrainingOptions()
        try requireDistinctKeys()
        try applyPreset(entry.preset, of: type)
    }

    /// A key that two groups have would set one of them, and nobody would know which.
    private func requireDistinctKeys() throws(ConfigurationError) {
        var seen: Set<String> = []
        for key in keys where !seen.insert(key).inserted {
            throw ConfigurationError(
                key: key,
                reason:
                    "expected different keys in the settings of \(model.name), \(dataset) and training, found "
                    + "this one twice: rename it in the model or the dataset")
        }
    }

    /// Every key, in the order in which settings are shown.
    public var keys: [String] { values.map(\.key) }

    /// All settings by key.
    public var values: [(key: String, value: SettingValue)] {
        [("model", .string(model.name))] + model.options.values + [("dataset", .string(dataset))]
            + data.values
            + training.values
    }

    /// The settings as a checkpoint holds them.
    public var dictionary: [String: SettingValue] {
        Dictionary(values.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
    }

    /// Changes one setting. Another `model` or `dataset` brings its own settings, with their defaults; what was set
    /// before stays set.
    ///
    /// - Throws: `ConfigurationError` for a key that neither the model nor the dataset nor training knows, naming the
    ///   nearest, and for a value that is not among those taken; nothing has been changed then.
    public mutating func set(_ key: String, to value: SettingValue) throws(ConfigurationError) {
        switch key {
        case "model": try choose(model: value, dataset: nil)
        case "dataset": try choose(model: nil, dataset: value)
        default:
            guard try setIfKnown(key, to: value) else { throw ConfigurationError(unknown: key, among: keys) }
        }
        changedKeys.insert(key)
    }

    private mutating func setIfKnown(_ key: String, to value: SettingValue) throws(ConfigurationError) -> Bool
    {
        if try model.options.setIfKnown(key, to: value) { return true }
        if try data.setIfKnown(key, to: value) { return true }
        return try training.setIfKnown(key, to: value)
    }

    /// Changes several settings: first the model and the dataset, whichever place they have, then the others in turn.
    ///
    /// - Throws: As ``set(_:to:)``.
    public mutating func apply(_ settings: [(key: String, value: SettingValue)]) throws(ConfigurationError) {
        for choice in Self.choices {
            guard let setting = settings.last(where: { $0.key == choice }) else { continue }
            try set(choice, to: setting.value)
        }
        for (key, value) in settings where !Self.choices.contains(key) { try set(key, to: value) }
    }

    /// Makes sure that the settings fit one another.
    ///
    /// - Throws: `ConfigurationError` that names the key at fault.
    public func validate() throws(ConfigurationError) {
        try model.options.validate()
        try data.validate()
        try training.validate()
        guard case .int(let positions)? = dictionary["max_position_embeddings"], data.maxToken > positions
        else { return }
        throw ConfigurationError(
            key: "max_token",
            reason: "expected at most \(positions), for so many have a position, found \(data.maxToken)")
    }

    private mutating func choose(model name: SettingValue?, dataset other: SettingValue?)
        throws(ConfigurationError)
    {
        let entry = try models.entry(named: try Self.word(name, "model") ?? model.name)
        let type = try datasets.type(named: try Self.word(other, "dataset") ?? dataset)
        guard entry.preset.name != model.name || type.name != dataset else { return }
        var changed = try Configuration(models, datasets, entry, type)
        (changed.changedKeys, changed.restoredKeys) = (changedKeys, restoredKeys)
        try changed.keep(valuesOf: self)
        self = changed
    }

    /// Takes over what was set for another model or dataset, or came with a checkpoint.
    ///
    /// - Throws: ``ConfigurationError`` for what was set and is not taken here.
    private mutating func keep(valuesOf other: Configuration) throws(ConfigurationError) {
        let defaults = try Configuration(
            models, datasets, models.entry(named: other.model.name), other.datasetType
        ).dictionary
        // Sizes of another network are its own, unless somebody asked for them.
        let ofOtherModel = model.name == other.model.name ? [] : Set(other.model.options.values.map(\.key))
        for (key, value) in other.values where !Self.choices.contains(key) {
            if other.changedKeys.contains(key) {
                guard try setIfKnown(key, to: value) else {
                    throw ConfigurationError(
                        key: key,
                        reason:
                            "it is set, and is no key of \(model.name) on \(dataset), but of \(other.model.name) on "
                            + other.dataset)
                }
            } else if !ofOtherModel.contains(key), restoredKeys.contains(key) || defaults[key] != value {
                _ = try? setIfKnown(key, to: value)
            }
        }
    }

    /// Takes from a preset and a dataset what they set of the data and of training.
    private mutating func applyPreset(_ preset: ModelPreset, of chosen: any VQADataset.Type)
        throws(ConfigurationError)
    {
        // Options of the model were set when it was chosen, and may have been changed since.
        let ofModel = Set(model.options.values.map(\.key))
        let common = preset.settings.filter { !ofModel.contains($0.key) }
        for (key, value) in common + (preset.onDatasets[chosen.name] ?? []) + chosen.settings {
            guard try setIfKnown(key, to: value) else {
                throw ConfigurationError(key: key, reason: "no such key, in the settings of \(preset.name)")
            }
        }
    }

    private static func word(_ value: SettingValue?, _ key: String) throws(ConfigurationError) -> String? {
        guard let value else { return nil }
        guard case .string(let word) = value else {
            throw ConfigurationError(key: key, reason: "expected a name, found \(value)")
        }
        return word
    }

    private static func defaultOptions<Dataset: VQADataset>(of type: Dataset.Type) -> any DatasetOptions {
        Dataset.Options()
    }
}

extension Configuration {
    /// The defaults of the models and datasets that come with the package: RWSAN on VQA-v2.
    public init() {
        do {
            try self.init(models: .standard, datasets: .standard)
        } catch {
            // A test makes every preset of the standard registries.
            preconditionFailure("\(error)")
        }
    }

    /// The type of the dataset.
    ///
    /// - Throws: ``ConfigurationError`` where the registry has lost it.
    package var datasetType: any VQADataset.Type {
        get throws(ConfigurationError) { try datasets.type(named: dataset) }
    }

    /// The models and datasets that can be named.
    package var registries: (models: ModelRegistry, datasets: DatasetRegistry) { (models, datasets) }

    /// The settings of a checkpoint on top of the defaults; a checkpoint without any has the defaults. One of a published
    /// model, which was fine-tuned, has that one's, whichever models there are.
    ///
    /// - Throws: ``ConfigurationError`` for a model or a dataset that the registries lack, and as ``set(_:to:)``.
    package func restored(from settings: [String: SettingValue]?) throws(ConfigurationError) -> Configuration
    {
        var restored = self
        if case .string(let name)? = settings?["model"] { restored.models = models.including(name) }
        try restored.apply((settings ?? [:]).sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
        restored.changedKeys = []
        restored.restoredKeys = Set((settings ?? [:]).keys)
        return restored
    }

    /// The settings of a run that starts from a published model: its sizes, and what its authors fine-tuned with.
    ///
    /// - Throws: As `PublishedModel`.
    package func starting(from source: PublishedModel.Source) throws -> Configuration {
        try StartingPoint(source, models: models, datasets: datasets).configuration(self)
    }

    /// Which of the models that can be named a checkpoint's tensors look like; nil where they look like none.
    ///
    /// - Parameter shapes: The tensors' shapes by name.
    package func likeness(of shapes: [String: [Int]]) -> ModelLikeness? {
        var types: [any VQAModel.Type] = []
        for entry in models.entries where !types.contains(where: { $0 == entry.type }) {
            types.append(entry.type)
        }
        return types.lazy.compactMap { $0.likeness(of: shapes) }.first { models.names.contains($0.preset) }
    }

    /// What the sizes of a network follow from.
    package func inputs(words: Int, answers: Int) -> ModelInputs {
        ModelInputs(
            wordCount: words, answerCount: answers, regionWidth: data.imgFeatSize,
            maximumRegions: data.imgFeatPadSize, maximumWords: data.maxToken)
    }

    /// What there is to say of every setting, in groups with titles.
    public var descriptions: [(title: String, settings: [SettingDescription])] {
        let choices = [
            SettingDescription(
                key: "model", meaning: "The model, with the settings that come with it.",
                expected: "one of \(models.names.joined(separator: ", "))", defaultValue: .string(model.name)),
            SettingDescription(
                key: "dataset", meaning: "The dataset.",
                expected: "one of \(datasets.names.joined(separator: ", "))", defaultValue: .string(dataset)),
        ]
        return [
            ("Choices", choices), ("The model \(model.name)", model.options.descriptions),
            ("The dataset \(dataset)", data.descriptions), ("Training", training.descriptions),
        ]
    }
}

extension Configuration: Equatable {
    /// Whether all settings are the same.
    public static func == (left: Configuration, right: Configuration) -> Bool {
        left.dictionary == right.dictionary
    }
}
