import ArgumentParser
import VQASettings
import VisualQuestionAnswering

/// `--config FILE` and `--set key=value`
struct ConfigurationOptions: ParsableArguments {
    @Option(
        name: .customLong("config"),
        help: ArgumentHelp(
            "A YAML file of settings; '\(Program.name) help settings' lists them.", valueName: "file"))
    var file: String?
    @Option(
        name: .customLong("set"),
        help: ArgumentHelp(
            "One setting, which counts before the file's; may be given again.", valueName: "key=value"))
    var settings: [String] = []

    /// Changes settings: the file's, then those of the command line.
    ///
    /// - Throws: `SettingsFileError` or `ConfigurationError` that names the key at fault.
    func apply(to configuration: inout Configuration) throws {
        if let file { try configuration.apply(contentsOf: file) }
        try configuration.apply(
            settings.map { setting in
                guard let equals = setting.firstIndex(of: "="), equals > setting.startIndex else {
                    throw SettingWithoutKey(setting: setting)
                }
                let value = String(setting[setting.index(after: equals)...])
                return (String(setting[..<equals]), SettingValue(parsing: value))
            })
        try configuration.validate()
    }
}

/// What `--set` was given and is no `key=value`.
private struct SettingWithoutKey: Error, CustomStringConvertible {
    let setting: String
    var description: String { "--set: expected key=value, found '\(setting)'" }
}
