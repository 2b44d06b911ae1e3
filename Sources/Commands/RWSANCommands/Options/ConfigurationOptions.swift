import ArgumentParser
import FileSystem
import Foundation
import VQAModels
import Yams

/// `--config FILE` and `--set key=value`
struct ConfigurationOptions: ParsableArguments {
    @Option(name: .customLong("config"), help: "A YAML file of settings.")
    var file: String?
    @Option(name: .customLong("set"), help: "One setting, key=value; may be given again.")
    var settings: [String] = []

    /// The settings on top of others: the file's, then those of the command line.
    ///
    /// - Throws: `ConfigurationFileError` or `ConfigurationError` that names the key at fault.
    func applied(to base: Configuration) throws -> Configuration {
        var configuration = base
        if let file {
            for (key, value) in try Self.read(file) {
                do {
                    try configuration.set(key, to: value)
                } catch {
                    throw ConfigurationFileError(file: file, reason: "\(error.key): \(error.reason)")
                }
            }
        }
        for setting in settings {
            guard let equals = setting.firstIndex(of: "=") else {
                throw ConfigurationError(key: setting, reason: "expected --set key=value")
            }
            let value = String(setting[setting.index(after: equals)...])
            try configuration.set(String(setting[..<equals]), to: ConfigurationValue(parsing: value))
        }
        try configuration.validate()
        return configuration
    }

    /// Whether the file or the command line sets a key.
    func sets(_ key: String) throws -> Bool {
        if settings.contains(where: { $0.hasPrefix(key + "=") }) { return true }
        return try file.map { try Self.read($0).contains { $0.key == key } } ?? false
    }

    private static func read(_ file: String) throws -> [(key: String, value: ConfigurationValue)] {
        do {
            let text = try String(contentsOfFile: file, encoding: .utf8)
            // A file of nothing but comments has no settings.
            guard let root = try Yams.compose(yaml: text) else { return [] }
            let values = try YAMLDecoder().decode([String: ConfigurationValue].self, from: root)
            return values.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        } catch let error as YamlError {
            throw ConfigurationFileError(file: file, reason: "expected YAML: \(summary(of: error))")
        } catch is DecodingError {
            throw ConfigurationFileError(
                file: file, reason: "expected YAML of the form 'key: value', with numbers, words and lists")
        } catch {
            throw ConfigurationFileError(file: file, reason: "cannot be read: \(systemReason(of: error))")
        }
    }

    /// Where the file is no YAML, and why.
    private static func summary(of error: YamlError) -> String {
        switch error {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            "line \(mark.line): \(problem)"
        case .duplicatedKeysInMapping(let keys, _):
            "\(keys.sorted().joined(separator: ", ")): given more than once"
        default: "\(error)"
        }
    }
}

struct ConfigurationFileError: Error, CustomStringConvertible {
    let file: String
    let reason: String
    var description: String { "\(file): \(reason)" }
}
