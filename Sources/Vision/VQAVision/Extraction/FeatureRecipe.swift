import Foundation
import Torch

/// How features were made of pictures, so that the same can be made of another picture later.
///
/// Extraction notes it beside the features, and a checkpoint carries it on.
package struct FeatureRecipe: Codable, Sendable, Equatable {
    /// The network: `EfficientNet-Lite0`.
    package let network: String
    /// The blocks whose channels make the features, 0 to 15; 16 stands for the head.
    package let blocks: [Int]
    /// To how many pixels a picture's sides are brought.
    package let inputSize: Int

    private static let onlyNetwork = "EfficientNet-Lite0"
    private static let head = 16

    /// - Parameters:
    ///   - blocks: The blocks of EfficientNet-Lite0 whose channels make the features, 0 to 15.
    ///   - inputSize: To how many pixels a picture's sides are brought.
    package init(blocks: [Int], inputSize: Int) {
        network = Self.onlyNetwork
        self.blocks = blocks
        self.inputSize = inputSize
    }

    /// The recipe that an extractor follows.
    package init(of extractor: GridFeatures) {
        self.init(blocks: extractor.stages.map { $0.block ?? Self.head }, inputSize: extractor.inputSize)
    }

    /// Reads a recipe as extraction notes it.
    ///
    /// - Throws: `FeatureRecipeError` where the text is none, or names a network that is not known here.
    package init(parsing text: String) throws(FeatureRecipeError) {
        guard let recipe = try? JSONDecoder().decode(FeatureRecipe.self, from: Data(text.utf8)),
            recipe.network == Self.onlyNetwork
        else { throw FeatureRecipeError(found: text) }
        self = recipe
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

extension FeatureRecipe: CustomStringConvertible {
    /// The recipe in words.
    package var description: String {
        let places = blocks.map { $0 == Self.head ? "head" : "block \($0)" }.joined(separator: " and ")
        return "of \(network), \(places), pictures of \(inputSize) pixels"
    }
}

/// A note that is no recipe for features.
public struct FeatureRecipeError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The note.
    public let found: String

    /// One line.
    public var description: String {
        "expected a recipe of features made with EfficientNet-Lite0, found '\(found.prefix(80))'"
    }
}
