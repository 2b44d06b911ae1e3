import Torch
import VQAFeatures

/// The regions that a detector found in a picture, each with its features and what it is thought to be.
public struct DetectedRegions: Sendable {
    /// What something is thought to be: an index into the names, and how probable that is.
    public struct Guess: Sendable, Equatable {
        /// 0 is the first name.
        public let index: Int
        /// 0 to 1
        public let confidence: Float
    }

    /// Feature vectors and boxes.
    public let features: RegionFeatures
    /// For each region the most probable object.
    public let objects: [Guess]
    /// For each region the most probable attribute; empty where the weights have no attributes.
    public let attributes: [Guess]

    init(_ stages: RegionDetector.Stages, _ count: RegionCount) throws {
        let picture = stages.input.picture
        let rows = RegionChoice.rows(stages.confidences, count)
        let places = try Tensor(rows.map { Int64($0) }, shape: [rows.count])
        features = try RegionFeatures(
            width: stages.output.features.shape[1], features: stages.output.features.gathered(places).array(),
            boxes: stages.boxes.gathered(places).array(), imageHeight: picture.height,
            imageWidth: picture.width)
        objects = try Self.guesses(stages.output.classProbabilities.gathered(places))
        attributes =
            try stages.output.attributeProbabilities.map { try Self.guesses($0.gathered(places)) } ?? []
    }

    /// The most probable of each row but the first column, which stands for nothing.
    private static func guesses(_ probabilities: Tensor) throws -> [Guess] {
        let named = try probabilities.narrowed(axis: 1, start: 1, length: probabilities.shape[1] - 1)
            .contiguous()
        let indices: [Int64] = try named.argmax(axis: 1).array()
        let confidences: [Float] = try named.maximum(axis: 1).array()
        return zip(indices, confidences).map { Guess(index: Int($0), confidence: $1) }
    }
}
