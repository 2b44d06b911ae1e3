import Foundation
import VQASettings

/// JSON as a repository of the hub has it: an object with a line a member.
enum HubJSON {
    /// A value.
    ///
    /// - Throws: Foundation's error where it has no form in JSON.
    static func text(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    /// An object of values that are JSON already.
    static func object(_ members: [(key: String, value: String)]) throws -> String {
        // Ends of lines in texts are escaped: what is found are those between members.
        let lines = try members.map {
            "  \(try text($0.key)): \($0.value.replacingOccurrences(of: "\n", with: "\n  "))"
        }
        return "{\n" + lines.joined(separator: ",\n") + "\n}"
    }

    /// An object of settings.
    static func members(_ members: [(key: String, value: SettingValue)]) throws -> [(
        key: String, value: String
    )] {
        try members.map { ($0.key, try text($0.value)) }
    }

    /// A file with one object.
    static func file(_ members: [(key: String, value: String)]) throws -> Data {
        Data((try object(members) + "\n").utf8)
    }
}
