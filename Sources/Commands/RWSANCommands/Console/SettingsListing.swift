import VQASettings
import VisualQuestionAnswering

/// All models, datasets and settings, as a user reads them and as a program does.
struct SettingsListing: Encodable {
    /// A model or a dataset.
    struct Choice: Encodable {
        let name: String
        let summary: String
    }

    /// Settings that belong together.
    struct Group: Encodable {
        let title: String
        let settings: [Entry]
    }

    /// A setting.
    struct Entry: Encodable {
        let key: String
        let meaning: String
        let expected: String
        let value: SettingValue
        /// Its value where nobody sets it, for the model and the dataset that were chosen.
        let defaultValue: SettingValue

        enum CodingKeys: String, CodingKey {
            case key, meaning, expected, value
            case defaultValue = "default"
        }
    }

    let models: [Choice]
    let datasets: [Choice]
    let groups: [Group]

    /// - Parameter model: The published model that a run is to start from; nil for none.
    /// - Throws: As `ConfigurationOptions.apply(to:)` and `Configuration.starting(from:)`.
    init(_ options: ConfigurationOptions, startingFrom model: PublishedModel.Source? = nil) throws {
        let start = try Registries.configuration()
        var unchanged = try model.map(start.starting) ?? start
        var configuration = unchanged
        try options.apply(to: &configuration)
        try unchanged.apply([
            ("model", .string(configuration.model.name)), ("dataset", .string(configuration.dataset)),
        ])
        let defaults = unchanged.dictionary
        groups = configuration.descriptions.map { title, settings in
            Group(
                title: title,
                settings: settings.map {
                    Entry(
                        key: $0.key, meaning: $0.meaning, expected: $0.expected, value: $0.defaultValue,
                        defaultValue: defaults[$0.key] ?? $0.defaultValue)
                })
        }
        models = Registries.current.models.entries.map {
            Choice(name: $0.preset.name, summary: $0.preset.summary)
        }
        datasets = Registries.current.datasets.types.map { Choice(name: $0.name, summary: $0.summary) }
    }

    /// Prints it.
    func show(asJSON: Bool) throws {
        guard !asJSON else { return try Console.result(json: self) }
        try Console.lines(text)
    }

    /// The most columns that a line takes.
    private static let width = 100

    private var text: String {
        let choices = (models + datasets).map(\.name.count).max() ?? 0
        let keys = groups.flatMap(\.settings).map(\.key.count).max() ?? 0
        let values = groups.flatMap(\.settings).map(\.value.description.count).max() ?? 0
        var parts = [
            Self.wrapped(
                "Settings are changed by --config FILE, a YAML file of 'key: value' lines, and by --set key=value, "
                    + "which counts where both are given."),
            Self.block("Models (--set model=NAME)", models, nameWidth: choices),
            Self.block("Datasets (--set dataset=NAME)", datasets, nameWidth: choices),
        ]
        for group in groups {
            let rows = group.settings.map { entry in
                Self.wrapped(
                    entry.text,
                    behind:
                        "  \(entry.key.padded(to: keys))  \(entry.value.description.padded(to: min(values, 20)))  "
                )
            }
            parts.append("\(group.title):\n" + rows.joined(separator: "\n"))
        }
        return parts.joined(separator: "\n\n")
    }

    private static func block(_ title: String, _ choices: [Choice], nameWidth: Int) -> String {
        let rows = choices.map { wrapped($0.summary, behind: "  \($0.name.padded(to: nameWidth))  ") }
        return "\(title):\n" + rows.joined(separator: "\n")
    }

    /// Words in lines that are not too long, all of which begin below the first one.
    private static func wrapped(_ text: String, behind label: String = "") -> String {
        let (text, label) = (PrintableText.escaping(text), PrintableText.escaping(label))
        var lines = [label]
        var isEmpty = true
        for word in text.split(separator: " ") {
            let line = lines[lines.count - 1]
            if !isEmpty, line.count + 1 + word.count > width {
                lines.append(String(repeating: " ", count: label.count) + word)
            } else {
                lines[lines.count - 1] = line + (isEmpty ? "" : " ") + word
            }
            isEmpty = false
        }
        return lines.joined(separator: "\n")
    }
}

extension SettingsListing.Entry {
    /// What it means and takes, and its default where it has another value.
    fileprivate var text: String {
        let change = value == defaultValue ? "" : " Default: \(defaultValue)."
        return "\(meaning) Takes \(expected).\(change)"
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: Swift.max(0, width - count))
    }
}
