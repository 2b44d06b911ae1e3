import Foundation
import Torch

/// How features were made of pictures, so that the same can be made of another picture later.
///
/// Extraction notes it beside the features, and a checkpoint carries it on.
public enum FeatureRecipe: Sendable, Equatable {
    /// Cells of a grid that EfficientNet-Lite0 lays over a picture.
    case grid(GridRecipe)
    /// Regions that a detector finds.
    case regions(DetectorRecipe)
    /// Patches that a picture is cut into.
    case patches(PatchRecipe)

    /// How pictures are read: for a grid as people see them, for a detector as OpenCV stores them and for patches as Pillow
    /// does, as those do whose features and models these are.
    package var reading: PictureReading {
        switch self {
        case .grid: .shown
        case .regions: .stored
        case .patches: .unblended
        }
    }

    /// Reads a recipe as extraction notes it.
    ///
    /// - Throws: `FeatureRecipeError` where the text is none, or names a network that is not known here.
    public init(parsing text: String) throws(FeatureRecipeError) {
        guard let recipe = try? JSONDecoder().decode(FeatureRecipe.self, from: Data(text.utf8)) else {
            throw FeatureRecipeError(found: text)
        }
        self = recipe
    }
}

extension FeatureRecipe: Codable {
    private enum Keys: String, CodingKey { case network }

    /// Reads whichever recipe the network is of.
    public init(from decoder: any Decoder) throws {
        let values = try decoder.container(keyedBy: Keys.self)
        switch try values.decode(String.self, forKey: .network) {
        case GridRecipe.network: self = .grid(try GridRecipe(from: decoder))
        case DetectorRecipe.network: self = .regions(try DetectorRecipe(from: decoder))
        case PatchRecipe.network: self = .patches(try PatchRecipe(from: decoder))
        case let other:
            throw DecodingError.dataCorruptedError(
                forKey: .network, in: values, debugDescription: "no network '\(other)' is known")
        }
    }

    /// Writes the recipe, and its network beside it.
    public func encode(to encoder: any Encoder) throws {
        var values = encoder.container(keyedBy: Keys.self)
        switch self {
        case .grid(let recipe):
            try values.encode(GridRecipe.network, forKey: .network)
            try recipe.encode(to: encoder)
        case .regions(let recipe):
            try values.encode(DetectorRecipe.network, forKey: .network)
            try recipe.encode(to: encoder)
        case .patches(let recipe):
            try values.encode(PatchRecipe.network, forKey: .network)
            try recipe.encode(to: encoder)
        }
    }
}

extension FeatureRecipe: CustomStringConvertible {
    /// The recipe in words.
    public var description: String {
        switch self {
        case .grid(let recipe): "\(recipe)"
        case .regions(let recipe): "\(recipe)"
        case .patches(let recipe): "\(recipe)"
        }
    }
}

/// How cells of a grid become regions.
public struct GridRecipe: Codable, Sendable, Equatable {
    static let network = "EfficientNet-Lite0"
    private static let head = 16

    /// The blocks whose channels make the features, 0 to 15; 16 stands for the head.
    public let blocks: [Int]
    /// To how many pixels a picture's sides are brought.
    public let inputSize: Int

    /// - Parameters:
    ///   - blocks: The blocks of EfficientNet-Lite0 whose channels make the features, 0 to 15.
    ///   - inputSize: To how many pixels a picture's sides are brought.
    public init(blocks: [Int], inputSize: Int) {
        self.blocks = blocks
        self.inputSize = inputSize
    }

    /// The recipe that an extractor follows.
    init(of extractor: GridFeatures) {
        self.init(blocks: extractor.stages.map { $0.block ?? Self.head }, inputSize: extractor.inputSize)
    }

    /// What makes such features.
    ///
    /// - Parameters:
    ///   - weights: The network's weights, as `EfficientNetLite0(weights:)` takes them.
    ///   - device: Where the network is to run.
    /// - Throws: As `EfficientNetLite0(weights:)` and `GridFeatures(network:stages:inputSize:)`.
    package func extractor(weights: String, on device: Device) throws -> GridFeatures {
        let stages = try blocks.map { try $0 == Self.head ? .head : EfficientNetLite0.Stage(block: $0) }
        let network = try EfficientNetLite0(weights: weights)
        try network.move(to: device)
        return try GridFeatures(network: network, stages: stages, inputSize: inputSize)
    }
}

extension GridRecipe: CustomStringConvertible {
    /// The recipe in words.
    public var description: String {
        let places = blocks.map { $0 == Self.head ? "head" : "block \($0)" }.joined(separator: " and ")
        return "of \(Self.network), \(places), pictures of \(inputSize) pixels"
    }
}

/// How a detector finds regions.
public struct DetectorRecipe: Codable, Sendable, Equatable {
    static let network = "bottom-up attention"

    /// The fingerprint of the weights: two trainings of the detector give different features.
    public let weights: String
    /// How many regions a picture has: `10-100` or `36`.
    public let regions: String
    /// The type that the network computes in: `float32` or `bfloat16`.
    public let precision: String

    /// - Parameters:
    ///   - weights: The fingerprint of the weights.
    ///   - regions: How many regions a picture has: `10-100` or `36`.
    ///   - precision: The type that the network computes in.
    public init(weights: String, regions: String, precision: String) {
        self.weights = weights
        self.regions = regions
        self.precision = precision
    }
}

extension DetectorRecipe: CustomStringConvertible {
    /// The recipe in words.
    public var description: String {
        "of \(regions) regions by \(Self.network) with weights \(weights) in \(precision)"
    }
}

/// A note that is no recipe for features.
public struct FeatureRecipeError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The note.
    public let found: String

    /// One line.
    public var description: String {
        "expected a recipe of features made with \(GridRecipe.network), \(DetectorRecipe.network) or "
            + "\(PatchRecipe.network), found '\(found.prefix(80))'"
    }
}
