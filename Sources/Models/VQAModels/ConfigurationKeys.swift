/// The value of a setting, as YAML, JSON or the command line give it.
public enum ConfigurationValue: Sendable, Equatable, Codable {
    case bool(Bool)
    case int(Int)
    case double(Double)
    case string(String)
    case list([ConfigurationValue])
    case null

    /// Reads a value as YAML would: `true`, `3`, `1e-4`, `[12, 14]`, `null`, else a word.
    public init(parsing text: String) {
        let text = text.trimmingSpaces
        if text.hasPrefix("["), text.hasSuffix("]") {
            let inner = text.dropFirst().dropLast()
            let parts = inner.trimmingSpaces.isEmpty ? [] : inner.split(separator: ",")
            self = .list(parts.map { ConfigurationValue(parsing: String($0)) })
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
            self = .list(try container.decode([ConfigurationValue].self))
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
}

extension ConfigurationValue: CustomStringConvertible {
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

extension StringProtocol {
    fileprivate var trimmingSpaces: String {
        String(drop(while: \.isWhitespace).reversed().drop(while: \.isWhitespace).reversed())
    }
}

extension Configuration {
    /// Every key, in the order of the properties.
    public static var keys: [String] { table.map(\.key) }

    /// All settings by key, in the order of the properties.
    public var values: [(key: String, value: ConfigurationValue)] {
        Self.table.map { ($0.key, $0.get(self)) }
    }

    /// Changes one setting.
    ///
    /// - Throws: `ConfigurationError` for a key that does not exist, naming the nearest, and for a value of
    ///   the wrong type or out of range.
    public mutating func set(_ key: String, to value: ConfigurationValue) throws(ConfigurationError) {
        guard let entry = Self.table.first(where: { $0.key == key }) else {
            let nearest = Spelling.nearest(to: key, in: Self.keys) ?? ""
            throw ConfigurationError(key: key, reason: "no such key; the nearest is \(nearest)")
        }
        guard entry.set(&self, value) else {
            throw ConfigurationError(key: key, reason: "expected \(entry.expected), found \(value)")
        }
    }

    /// One key: how it is read and written.
    private struct Entry: Sendable {
        let key: String
        let expected: String
        let get: @Sendable (Configuration) -> ConfigurationValue
        let set: @Sendable (inout Configuration, ConfigurationValue) -> Bool
    }

    private typealias Path<Value> = WritableKeyPath<Configuration, Value> & Sendable

    /// More than any of them can sensibly be, and little enough that products of two do not overflow.
    private static let largestWhole = 1 << 20

    private static func whole(_ key: String, _ path: Path<Int>, upTo maximum: Int = largestWhole) -> Entry {
        Entry(key: key, expected: "a whole number from 1 to \(maximum)", get: { .int($0[keyPath: path]) }) {
            guard case .int(let value) = $1, (1...maximum).contains(value) else { return false }
            $0[keyPath: path] = value
            return true
        }
    }

    private static func number(_ key: String, _ path: Path<Double>, _ range: Range<Double>) -> Entry {
        let expected =
            range.upperBound == .infinity
            ? "a number from \(range.lowerBound) on"
            : "a number from \(range.lowerBound) up to, and without, \(range.upperBound)"
        return Entry(key: key, expected: expected, get: { .double($0[keyPath: path]) }) {
            guard let value = $1.number, range.contains(value) else { return false }
            $0[keyPath: path] = value
            return true
        }
    }

    private static func flag(_ key: String, _ path: Path<Bool>) -> Entry {
        Entry(key: key, expected: "true or false", get: { .bool($0[keyPath: path]) }) {
            guard case .bool(let value) = $1 else { return false }
            $0[keyPath: path] = value
            return true
        }
    }

    private static func word(_ key: String, _ path: Path<String>) -> Entry {
        Entry(key: key, expected: "a word", get: { .string($0[keyPath: path]) }) {
            guard case .string(let value) = $1 else { return false }
            $0[keyPath: path] = value
            return true
        }
    }

    private static func list<Value>(
        _ key: String, _ path: Path<[Value]>, of what: String,
        _ wrap: @escaping @Sendable (Value) -> ConfigurationValue,
        _ unwrap: @escaping @Sendable (ConfigurationValue) -> Value?
    ) -> Entry {
        Entry(
            key: key, expected: "a list of \(what), such as [1, 2]",
            get: { .list($0[keyPath: path].map(wrap)) }
        ) {
            guard case .list(let values) = $1 else { return false }
            let unwrapped = values.compactMap(unwrap)
            guard unwrapped.count == values.count else { return false }
            $0[keyPath: path] = unwrapped
            return true
        }
    }

    private static let seedEntry = Entry(
        key: "seed", expected: "a whole number from 0 on, or null",
        get: { $0.seed.map { .int($0) } ?? .null }
    ) {
        switch $1 {
        case .null: $0.seed = nil
        case .int(let value) where value >= 0: $0.seed = value
        default: return false
        }
        return true
    }

    private static let table: [Entry] = [
        word("model", \.model),
        whole("srwsa_layer", \.srwsaLayer), whole("sgrwsa_layer", \.sgrwsaLayer),
        whole("hidden_size", \.hiddenSize), whole("multi_head", \.multiHead),
        number("dropout_r", \.dropoutR, 0..<1),
        whole("flat_mlp_size", \.flatMlpSize), whole("flat_out_size", \.flatOutSize),
        whole("srwsa_midsize", \.srwsaMidsize), whole("sgrwsa_sa_midsize", \.sgrwsaSaMidsize),
        whole("sgrwsa_ga_midsize", \.sgrwsaGaMidsize), whole("word_embed_size", \.wordEmbedSize),
        whole("img_feat_size", \.imgFeatSize),
        whole("max_token", \.maxToken), whole("img_feat_pad_size", \.imgFeatPadSize),
        flag("use_glove", \.useGlove), word("split", \.split), flag("shuffle", \.shuffle),
        whole("num_workers", \.numWorkers, upTo: 256),
        whole("batch_size", \.batchSize), whole("grad_accu_steps", \.gradAccuSteps),
        number("lr_base", \.lrBase, 0..<Double.infinity),
        number("lr_decay_r", \.lrDecayR, 0..<Double.infinity),
        list(
            "lr_decay_list", \.lrDecayList, of: "epochs", { .int($0) },
            { if case .int(let value) = $0, value >= 0 { value } else { nil } }),
        whole("max_epoch", \.maxEpoch),
        list(
            "opt_betas", \.optBetas, of: "two numbers below 1", { .double($0) },
            { $0.number.flatMap { (0..<1).contains($0) ? $0 : nil } }),
        number("opt_eps", \.optEps, 0..<Double.infinity),
        flag("eval_every_epoch", \.evalEveryEpoch), seedEntry,
    ]
}

extension ConfigurationValue {
    fileprivate var number: Double? {
        switch self {
        case .int(let value): Double(value)
        case .double(let value): value
        default: nil
        }
    }
}
