import Yams

/// What a file of settings may come to: `*name` in YAML stands for a value from elsewhere in the file, so that ten lines
/// can unfold to any number of values.
enum SettingsBudget {
    /// How many values a file may unfold to. There are some 40 settings.
    private static let mostValues = 10_000
    /// How deep lists may lie in one another. Settings have lists of numbers.
    private static let mostDepth = 8

    /// Holds a text against the budget before it is parsed, by what it could unfold to at most: the characters that
    /// begin or end a value, doubled for everything that could be a `*name`.
    ///
    /// - Throws: ``SettingsFileError`` where it could be too much.
    static func check(_ text: String, _ file: String) throws(SettingsFileError) {
        var (values, aliases) = (1, 0)
        var previous = UInt8(ascii: "\n")
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "\n"), UInt8(ascii: ","), UInt8(ascii: ":"), UInt8(ascii: "["),
                UInt8(ascii: "{"), UInt8(ascii: "-"), UInt8(ascii: "?"):
                values += 1
            case UInt8(ascii: "*") where Self.canBegin(behind: previous): aliases += 1
            default: break
            }
            previous = byte
        }
        guard aliases < 16, values << aliases <= mostValues else {
            let found =
                aliases > 0 ? "one with \(aliases) times *NAME, each of which can double them" : "more"
            throw SettingsFileError(
                file: file,
                reason: "expected a file that unfolds to at most \(mostValues) values, found \(found)")
        }
    }

    /// Whether a `*name` can stand behind a byte; inside of a word it is none.
    private static func canBegin(behind byte: UInt8) -> Bool {
        byte <= UInt8(ascii: " ") || "[{,:?-".utf8.contains(byte)
    }

    /// Holds what a text has come to against the budget, before it is decoded.
    ///
    /// - Throws: ``SettingsFileError`` where lists lie too deep in one another.
    static func check(_ node: Node, _ file: String, depth: Int = 0) throws(SettingsFileError) {
        guard depth <= mostDepth else {
            throw SettingsFileError(
                file: file,
                reason: "expected lists that lie at most \(mostDepth) deep in one another, found deeper ones")
        }
        switch node {
        case .sequence(let sequence): for value in sequence { try check(value, file, depth: depth + 1) }
        case .mapping(let mapping):
            for (key, value) in mapping {
                try check(key, file, depth: depth + 1)
                try check(value, file, depth: depth + 1)
            }
        case .scalar, .alias: return
        }
    }
}
