import VQADatasets
import VQAModels
import VisualQuestionAnswering

/// The models and datasets that the command at hand can name.
///
/// The parser makes the commands, so that these cannot be handed to them; they are what the task is run with.
struct Registries: Sendable {
    /// Those of the task.
    @TaskLocal static var current = Registries(models: .standard, datasets: .standard)

    let models: ModelRegistry
    let datasets: DatasetRegistry

    /// The defaults.
    ///
    /// - Throws: `ConfigurationError` where a registry is empty, or a preset does not fit its model.
    static func configuration() throws -> Configuration {
        try Configuration(models: current.models, datasets: current.datasets)
    }

    /// An answerer's options, with these models and datasets.
    static func answererOptions() -> Answerer.Options {
        var options = Answerer.Options()
        options.models = current.models
        options.datasets = current.datasets
        options.onNotice = Console.note
        return options
    }

    /// The splits that a dataset has, in a sentence: `train, val and test of vqa-v2; val of easy-vqa`.
    static var splits: String {
        current.datasets.types.map { "\($0.splitNames.joined(separator: ", ")) (\($0.name))" }
            .joined(separator: "; ")
    }
}
