import ArgumentParser
import Foundation
import VQAModels
import Yams

/// `--config FILE` and `--set key=value`
struct ConfigurationOptions: ParsableArguments {
    @Option(name: .customLong("config"), help: "A YAML file of settings.")
    var file: String?
    @Option(name: .customLong("set"), help: "One setting, key=value; may be given again.")
    var settings: [String] = []

    /// The settings given, in the order in which they count: the file's, then those of the command line.
    func given() throws -> [(key: String, value: ConfigurationValue)] {
        var given: [(String, ConfigurationValue)] = []
        if let file { given += try Self.read(file) }
        for setting in settings {
            guard let equals = setting.firstIndex(of: "=") else {
                throw ConfigurationError(key: setting, reason: "expected --set key=value")
            }
            let value = String(setting[setting.index(after: equals)...])
            given.append((String(setting[..<equals]), ConfigurationValue(parsing: value)))
        }
        return given
    }

    /// The settings on top of others.
    func applied(to base: Configuration) throws -> Configuration {
        var configuration = base
        for (key, value) in try given() { try configuration.set(key, to: value) }
        try configuration.validate()
        return configuration
    }

    private static func read(_ file: String) throws -> [(String, ConfigurationValue)] {
        let text: String
        do {
            text = try String(contentsOfFile: file, encoding: .utf8)
        } catch {
            throw ConfigurationFileError(file: file, reason: "it cannot be read")
        }
        do {
            let values = try YAMLDecoder().decode([String: ConfigurationValue].self, from: text)
            return values.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        } catch {
            throw ConfigurationFileError(file: file, reason: "expected YAML of the form 'key: value'")
        }
    }
}

struct ConfigurationFileError: Error, CustomStringConvertible {
    let file: String
    let reason: String
    var description: String { "\(file): \(reason)" }
}
