/// How pictures become patches.
public struct PatchRecipe: Codable, Sendable, Equatable {
    static let network = "patches of pixels"

    /// To what pixels a picture is brought.
    public let settings: PatchSettings
    /// How wide and high a patch is, in pixels.
    public let patchSize: Int

    /// - Parameters:
    ///   - settings: To what pixels a picture is brought.
    ///   - patchSize: How wide and high a patch is, in pixels. It divides the settings' divisor, so that patches cover
    ///     every picture.
    /// - Throws: `PatchSettingsError` where it does not.
    public init(_ settings: PatchSettings, patchSize: Int) throws(PatchSettingsError) {
        guard patchSize > 0, settings.divisor.isMultiple(of: patchSize) else {
            throw PatchSettingsError(
                source: "patches",
                reason:
                    "expected patches of a size that divides \(settings.divisor), the divisor of a picture's sides, "
                    + "found \(patchSize) pixels: take the configuration and the preprocessor of one model")
        }
        self.init(checked: settings, patchSize: patchSize)
    }

    /// The most patches that a picture has, of whatever proportions.
    package var mostPatches: Int {
        let (shorter, longer) = (settings.shortestEdge, settings.longestEdge)
        return (shorter / patchSize + 1) * (longer / patchSize + 1)
    }

    /// Those of an extractor.
    init(checked settings: PatchSettings, patchSize: Int) {
        self.settings = settings
        self.patchSize = patchSize
    }

    /// Reads a recipe that was written before.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: CodingKeys.self)
        try self.init(
            values.decode(PatchSettings.self, forKey: .settings),
            patchSize: values.decode(Int.self, forKey: .patchSize))
    }
}

extension PatchRecipe: CustomStringConvertible {
    /// The recipe in words.
    public var description: String { "of \(Self.network), \(patchSize) a side, \(settings)" }
}
