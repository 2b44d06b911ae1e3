import Torch
import VQABatches
import VQAModels

/// Compares this network's logits with those that the PyTorch peer got from the same weights and the same batch.
///
/// The file is one that `save` of the network's script in `peers/` wrote: the weights by their official names, and beside them
/// `check.regions` `[regions, features]`, `check.words` `[words]` and `check.logits` `[questions, answers]`.
struct LogitCheck {
    private let file: String
    private let weights: [String: Tensor]
    private let given: [String: Tensor]

    private static let prefix = "check."

    /// - Parameter file: The path of the file.
    /// - Throws: `SafetensorsError` where it cannot be read.
    init(file: String) throws {
        self.file = file
        let (tensors, _) = try loadSafetensors(file)
        weights = tensors.filter { !$0.key.hasPrefix(Self.prefix) }
        given = tensors.filter { $0.key.hasPrefix(Self.prefix) }
    }

    /// Loads the peer's weights.
    func load(into model: any VQAModel) throws { try model.load(weights) }

    /// The peer's batch.
    ///
    /// - Parameter shape: A batch of as many regions and words.
    func batch(like shape: Batch) throws -> Batch {
        try Batch(
            questionIDs: shape.questionIDs, regions: tensor("regions"), boxes: shape.boxes,
            regionSegments: shape.regionSegments, words: tensor("words"),
            wordSegments: shape.wordSegments, targets: shape.targets)
    }

    /// How far logits are from the peer's at most, as a share of the peer's largest.
    func difference(_ logits: Tensor) throws -> Double {
        let expected = try tensor("logits").array(of: Float.self)
        let found = try logits.moved(to: .cpu).converted(to: .float32).array(of: Float.self)
        guard expected.count == found.count, let largest = expected.lazy.map(abs).max(), largest > 0 else {
            throw LogitCheckError(file: file, expected: "\(found.count) logits", found: "\(expected.count)")
        }
        return Double((zip(expected, found).lazy.map { abs($0 - $1) }.max() ?? .infinity) / largest)
    }

    private func tensor(_ name: String) throws -> Tensor {
        guard let tensor = given[Self.prefix + name] else {
            throw LogitCheckError(file: file, expected: "a tensor \(Self.prefix + name)", found: "none")
        }
        return tensor
    }
}

/// A file that is no comparison.
struct LogitCheckError: Error, CustomStringConvertible {
    let file: String
    let expected: String
    let found: String

    var description: String { "\(file): expected \(expected), found \(found)" }
}
