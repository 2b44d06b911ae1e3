/// The value of a setting, as YAML, JSON or the command line give it.
public enum SettingValue: Sendable, Equatable, Codable {
    case bool(Bool)
    case int(Int)
    case double(Double)
    case string(String)
    case list([SettingValue])
    case null

    /// Reads a value as YAML would: `true`, `3`, `1e-4`, `[12, 14]`, `null`, else a word.
    public init(parsing text: String) {
        let text = text.trimmingSpaces
        if text.hasPrefix("["), text.hasSuffix("]") {
            let inner = text.dropFirst().dropLast()
            let parts = inner.trimmingSpaces.isEmpty ? [] : inner.split(separator: ",")
            self = .list(parts.map { SettingValue(parsing: String($0)) })
        } else if let value = Int(text) {
            self = .int(value)
        } else if let value = Double(text) {
            self = .double(value)
        } else {
            switch text.lowercased() {
            case "true", "yes": self = .bool(true)
            case "false", "no": self = .bool(false)
            case "null", "none", "": self = .null
            default: self = .string(text)
            }
        }
    }

    /// Reads a value of any of the kinds.
    public init(from decoder: Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int.self) {
            self = .int(value)
        } else if let value = try? container.decode(Double.self) {
            self = .double(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else {
            self = .list(try container.decode([SettingValue].self))
        }
    }

    /// Writes the value as what it is.
    public func encode(to encoder: Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .bool(let value): try container.encode(value)
        case .int(let value): try container.encode(value)
        case .double(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .list(let values): try container.encode(values)
        case .null: try container.encodeNil()
        }
    }

    /// The value as a number; nil where it is none.
    var number: Double? {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }
}

extension SettingValue: CustomStringConvertible {
    /// The value as YAML.
    public var description: String {
        switch self {
        case .bool(let value): "\(value)"
        case .int(let value): "\(value)"
        case .double(let value): "\(value)"
        case .string(let value): value
        case .list(let values): "[" + values.map(\.description).joined(separator: ", ") + "]"
        case .null: "null"
        }
    }
}

extension SettingValue: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByStringLiteral, ExpressibleByArrayLiteral
{
    /// `true` or `false`.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// A whole number.
    public init(integerLiteral value: Int) { self = .int(value) }
    /// A number.
    public init(floatLiteral value: Double) { self = .double(value) }
    /// A word.
    public init(stringLiteral value: String) { self = .string(value) }
    /// A list of values.
    public init(arrayLiteral elements: SettingValue...) { self = .list(elements) }
}

extension StringProtocol {
    fileprivate var trimmingSpaces: String {
        String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}
