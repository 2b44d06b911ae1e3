import FileSystem
import Foundation
import VQASettings
import Yams

/// A YAML file of settings: `key: value`, with numbers, words and lists.
package enum SettingsFile {
    /// Reads the settings of a file, in the order of their keys.
    ///
    /// - Throws: ``SettingsFileError`` where it cannot be read, or is no YAML of this form.
    package static func read(_ file: String) throws(SettingsFileError) -> [(key: String, value: SettingValue)]
    {
        do {
            let contents = try SmallFile.contents(of: file, byteLimit: byteLimit)
            guard let text = String(validating: contents, as: UTF8.self) else {
                throw SettingsFileError(file: file, reason: "expected YAML in UTF-8, found other bytes")
            }
            try SettingsBudget.check(text, file)
            // A file of nothing but comments has no settings.
            guard let root = try Yams.compose(yaml: text) else { return [] }
            try SettingsBudget.check(root, file)
            let values = try YAMLDecoder().decode([String: SettingValue].self, from: root)
            return values.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
        } catch let error as YamlError {
            throw SettingsFileError(file: file, reason: "expected YAML: \(summary(of: error))")
        } catch let error as SettingsFileError {
            throw error
        } catch let error as SmallFileError {
            throw SettingsFileError(file: file, reason: "\(error): not a file of settings")
        } catch is DecodingError {
            throw SettingsFileError(
                file: file, reason: "expected YAML of the form 'key: value', with numbers, words and lists")
        } catch {
            throw SettingsFileError(file: file, reason: "cannot be read: \(systemReason(of: error))")
        }
    }

    /// A file with every setting has some 2 KB.
    private static let byteLimit = 1 << 16

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

/// A file of settings that cannot be used.
public struct SettingsFileError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file.
    public let file: String
    /// What was expected and found.
    public let reason: String

    /// - Parameters: as the properties.
    package init(file: String, reason: String) {
        self.file = file
        self.reason = reason
    }

    /// One line.
    public var description: String { "\(file): \(reason)" }
}

extension Configuration {
    /// Changes the settings that a YAML file has.
    ///
    /// - Throws: ``SettingsFileError`` that names the file and the key at fault.
    public mutating func apply(contentsOf file: String) throws(SettingsFileError) {
        do {
            try apply(try SettingsFile.read(file))
        } catch let error as ConfigurationError {
            throw SettingsFileError(file: file, reason: "\(error.key): \(error.reason)")
        } catch let error as SettingsFileError {
            throw error
        } catch {
            throw SettingsFileError(file: file, reason: "\(error)")
        }
    }
}
