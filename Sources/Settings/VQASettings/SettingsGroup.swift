/// Options that belong together: those of a model, of a dataset, or of training.
///
/// Each is a property with its default, and an entry of ``settings`` with its key, meaning and range. Coded, they are a
/// dictionary by key.
public protocol SettingsGroup: Sendable, Equatable, Codable {
    /// The defaults.
    init()

    /// All settings, in the order in which they are shown.
    static var settings: [Setting<Self>] { get }

    /// Makes sure that the settings fit one another.
    ///
    /// - Throws: ``ConfigurationError`` that names the key at fault.
    func validate() throws(ConfigurationError)
}

extension SettingsGroup {
    /// Settings that any values of fit one another.
    public func validate() throws(ConfigurationError) {}

    /// Every key, in order.
    public static var keys: [String] { settings.map(\.key) }

    /// All values by key, in order.
    public var values: [(key: String, value: SettingValue)] { Self.settings.map { ($0.key, $0.get(self)) } }

    /// Changes one setting.
    ///
    /// - Returns: Whether there is a setting of this key.
    /// - Throws: ``ConfigurationError`` for a value that is not among those taken; nothing has been changed then.
    public mutating func setIfKnown(_ key: String, to value: SettingValue) throws(ConfigurationError) -> Bool
    {
        guard let setting = Self.settings.first(where: { $0.key == key }) else { return false }
        guard setting.set(&self, value) else {
            throw ConfigurationError(key: key, reason: "expected \(setting.expected), found \(value)")
        }
        return true
    }

    /// Changes one setting.
    ///
    /// - Throws: ``ConfigurationError`` for a key that does not exist, naming the nearest, and for a value that is not
    ///   among those taken; nothing has been changed then.
    public mutating func set(_ key: String, to value: SettingValue) throws(ConfigurationError) {
        guard try setIfKnown(key, to: value) else { throw ConfigurationError(unknown: key, among: Self.keys) }
    }

    /// What there is to say of each setting; the values of `self` are taken for the defaults.
    public var descriptions: [SettingDescription] {
        Self.settings.map {
            SettingDescription(
                key: $0.key, meaning: $0.meaning, expected: $0.expected, defaultValue: $0.get(self))
        }
    }

    /// Reads the settings out of a dictionary by key; those that it lacks keep their defaults.
    ///
    /// - Throws: ``ConfigurationError`` for an unknown key and for a value that is not among those taken.
    public init(from decoder: any Decoder) throws {
        self.init()
        for (key, value) in try [String: SettingValue](from: decoder) { try set(key, to: value) }
    }

    /// Writes the settings as a dictionary by key.
    public func encode(to encoder: any Encoder) throws {
        try Dictionary(values.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 }).encode(to: encoder)
    }
}

/// What a user reads of a setting.
public struct SettingDescription: Sendable, Equatable, Encodable {
    /// The key.
    public let key: String
    /// What it does, in one sentence.
    public let meaning: String
    /// What values it takes.
    public let expected: String
    /// Its value where nobody sets it.
    public let defaultValue: SettingValue

    /// - Parameters: as the properties.
    public init(key: String, meaning: String, expected: String, defaultValue: SettingValue) {
        self.key = key
        self.meaning = meaning
        self.expected = expected
        self.defaultValue = defaultValue
    }

    enum CodingKeys: String, CodingKey {
        case key, meaning, expected
        case defaultValue = "default"
    }
}

/// A setting that cannot be.
public struct ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The key at fault.
    public let key: String
    /// What was expected and what was found.
    public let reason: String

    /// - Parameters:
    ///   - key: The key at fault.
    ///   - reason: What was expected and what was found.
    public init(key: String, reason: String) {
        self.key = key
        self.reason = reason
    }

    /// A key that does not exist.
    ///
    /// - Parameter keys: Those that do.
    package init(unknown key: String, among keys: [String]) {
        let nearest = Spelling.nearest(to: key, in: keys)
        self.init(key: key, reason: "no such key" + (nearest.map { "; the nearest is \($0)" } ?? ""))
    }

    /// One line.
    public var description: String { "configuration: \(key): \(reason)" }
}
