/// One setting of a group of options: its key, its meaning, what values it takes, and where it is kept.
///
///     static let settings: [Setting<Self>] = [
///         .count("hidden_size", \.hiddenSize, "The width of all hidden rows."),
///         .number("dropout_r", \.dropoutR, in: 0..<1, "How likely dropout sets an element to zero."),
///     ]
public struct Setting<Options>: Sendable {
    /// Where a property of the options is.
    public typealias Path<Value> = WritableKeyPath<Options, Value> & Sendable

    /// The key: the field's name in lower case, with underscores.
    public let key: String
    /// What it does, in one sentence.
    public let meaning: String
    /// What values it takes: "a whole number from 1 to 256".
    public let expected: String
    let get: @Sendable (Options) -> SettingValue
    /// Returns false for a value that is not among those taken, and changes nothing then.
    let set: @Sendable (inout Options, SettingValue) -> Bool

    /// A setting of a kind of one's own.
    ///
    /// - Parameters:
    ///   - key: The key.
    ///   - meaning: What it does, in one sentence.
    ///   - expected: What values it takes.
    ///   - get: Gives the value.
    ///   - set: Takes a value; returns false, and changes nothing, for one that is not among those taken.
    public init(
        _ key: String, _ meaning: String, expected: String,
        get: @escaping @Sendable (Options) -> SettingValue,
        set: @escaping @Sendable (inout Options, SettingValue) -> Bool
    ) {
        self.key = key
        self.meaning = meaning
        self.expected = expected
        self.get = get
        self.set = set
    }
}

/// More than any whole number of a setting can sensibly be, and little enough that products of two do not overflow.
private let largestCount = 1 << 20

extension Setting {
    /// A whole number from 1 on.
    public static func count(
        _ key: String, _ path: Path<Int>, from minimum: Int = 1, upTo maximum: Int = 1 << 20,
        _ meaning: String
    ) -> Setting {
        let range = min(minimum, maximum)...min(maximum, largestCount)
        return Setting(
            key, meaning, expected: "a whole number from \(range.lowerBound) to \(range.upperBound)",
            get: { .int($0[keyPath: path]) }
        ) {
            guard case .int(let value) = $1, range.contains(value) else { return false }
            $0[keyPath: path] = value
            return true
        }
    }

    /// A number within a range, whose end is not part of it.
    public static func number(
        _ key: String, _ path: Path<Double>, in range: Range<Double>, _ meaning: String
    ) -> Setting {
        let expected =
            range.upperBound == .infinity
            ? "a number from \(range.lowerBound) on"
            : "a number from \(range.lowerBound) up to, and without, \(range.upperBound)"
        return Setting(key, meaning, expected: expected, get: { .double($0[keyPath: path]) }) {
            guard let value = $1.number, range.contains(value) else { return false }
            $0[keyPath: path] = value
            return true
        }
    }

    /// True or false.
    public static func flag(_ key: String, _ path: Path<Bool>, _ meaning: String) -> Setting {
        Setting(key, meaning, expected: "true or false", get: { .bool($0[keyPath: path]) }) {
            guard case .bool(let value) = $1 else { return false }
            $0[keyPath: path] = value
            return true
        }
    }

    /// One of some words, or any word where there are none to choose from.
    public static func word(
        _ key: String, _ path: Path<String>, oneOf words: [String] = [], _ meaning: String
    ) -> Setting {
        let expected = words.isEmpty ? "a word" : words.joined(separator: ", ")
        return Setting(
            key, meaning, expected: words.count > 1 ? "one of \(expected)" : expected,
            get: { .string($0[keyPath: path]) }
        ) {
            guard case .string(let value) = $1, words.isEmpty || words.contains(value) else { return false }
            $0[keyPath: path] = value
            return true
        }
    }

    /// A list of whole numbers from 0 on.
    public static func counts(
        _ key: String, _ path: Path<[Int]>, of what: String, _ meaning: String
    ) -> Setting {
        .list(key, path, of: what, example: "[1, 2]", meaning, { .int($0) }) {
            if case .int(let value) = $0, value >= 0 { value } else { nil }
        }
    }

    /// A list of numbers, each within a range.
    public static func numbers(
        _ key: String, _ path: Path<[Double]>, of what: String, in range: Range<Double>, _ meaning: String
    ) -> Setting {
        .list(key, path, of: what, example: "[0.5, 0.9]", meaning, { .double($0) }) {
            $0.number.flatMap { range.contains($0) ? $0 : nil }
        }
    }

    /// A whole number from 0 on, or none.
    public static func optionalCount(_ key: String, _ path: Path<Int?>, _ meaning: String) -> Setting {
        Setting(
            key, meaning, expected: "a whole number from 0 on, or null",
            get: { $0[keyPath: path].map { .int($0) } ?? .null }
        ) {
            switch $1 {
            case .null: $0[keyPath: path] = nil
            case .int(let value) where value >= 0: $0[keyPath: path] = value
            default: return false
            }
            return true
        }
    }

    private static func list<Value>(
        _ key: String, _ path: Path<[Value]>, of what: String, example: String, _ meaning: String,
        _ wrap: @escaping @Sendable (Value) -> SettingValue,
        _ unwrap: @escaping @Sendable (SettingValue) -> Value?
    ) -> Setting {
        Setting(
            key, meaning, expected: "a list of \(what), such as \(example)",
            get: { .list($0[keyPath: path].map(wrap)) }
        ) {
            guard case .list(let values) = $1 else { return false }
            let unwrapped = values.compactMap(unwrap)
            guard unwrapped.count == values.count else { return false }
            $0[keyPath: path] = unwrapped
            return true
        }
    }
}
