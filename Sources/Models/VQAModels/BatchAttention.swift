import Torch
import VQABatches

/// Which of a model's attentions is asked for.
public enum AttentionChoice: Sendable, Equatable {
    /// What stands nearest to the answer. RWSAN and MCAN: the two poolings, whose sums the answer is made of (the mean of
    /// their glimpses). ViLT and LXMERT: what the first row, of which the answer is made, looks at in the last layer (the
    /// mean of the heads).
    case output
    /// A layer, and one of its heads; both are counted from 1, and nil is the mean of all heads. RWSAN and MCAN: a guided
    /// unit, in which regions look at words; RWSAN's one unit counts each time it is applied, three times a layer. ViLT:
    /// a layer; LXMERT: a layer in which words look at regions.
    case layer(Int, head: Int? = nil)
}

/// What a model answers, and what it attended to on the way, of one pass.
///
/// Weights are not negative, and those of a question's words sum to 1, as do those of its regions. They are of rows as the
/// batch has them: words of no meaning, such as those that begin and end a question of ViLT's, are among them.
public struct BatchAttention: Sendable {
    /// `[B, answers]`, as the model gives them where nothing else is asked.
    public let logits: Tensor
    /// The weight of each row of `Batch.words`: float32 `[words]`.
    public let words: Tensor
    /// The weight of each row of `Batch.regions`: float32 `[regions]`.
    public let regions: Tensor

    /// - Parameters: as the properties.
    public init(logits: Tensor, words: Tensor, regions: Tensor) {
        self.logits = logits
        self.words = words
        self.regions = regions
    }

    /// Weights that may have any sum.
    ///
    /// - Parameters:
    ///   - logits: `[B, answers]`
    ///   - words: Not negative: float32 `[words]`.
    ///   - regions: Not negative: float32 `[regions]`.
    ///   - batch: Which of them belong to which question.
    init(logits: Tensor, words: Tensor, regions: Tensor, sharedIn batch: Batch) throws {
        self.init(
            logits: logits, words: try words.shares(in: batch.wordSegments),
            regions: try regions.shares(in: batch.regionSegments))
    }

    /// The weights of a network that pools words and regions.
    ///
    /// Of regions that look at words, a word's weight is how much it is looked at by the regions, each counting as much as
    /// pooling weighs it; a region's is how much it looks at the words, likewise.
    ///
    /// - Parameters:
    ///   - logits: `[B, answers]`
    ///   - pooling: How much pooling weighs each word, float32 `[words]`, and each region, `[regions]`.
    ///   - guided: How much each region looks at each word, float32 `[B, most regions, most words]`; nil gives the pooling.
    ///   - batch: What the network was given.
    init(logits: Tensor, pooling: (words: Tensor, regions: Tensor), guided: Tensor?, of batch: Batch) throws {
        guard let guided else {
            self.init(logits: logits, words: pooling.words, regions: pooling.regions)
            return
        }
        let (wordSegments, regionSegments) = (batch.wordSegments, batch.regionSegments)
        let lookers = try pooling.regions.padded(regionSegments).expandingAxis(2)  // [B, R, 1]
        let words = try pooling.words.padded(wordSegments).expandingAxis(1)  // [B, 1, W]
        try self.init(
            logits: logits, words: (guided * lookers).sum(axes: [1]).packed(wordSegments),
            regions: (guided * words).sum(axes: [2]).packed(regionSegments), sharedIn: batch)
    }
}

extension VQAModel {
    /// A model that gives no attention.
    public func attention(_ batch: Batch, _ choice: AttentionChoice) throws -> BatchAttention? { nil }
}

extension Tensor {
    /// Weights `[rows]` as shares of the sum of their sequence; of a sequence whose sum is 0, all rows have the same.
    fileprivate func shares(in segments: Segments) throws -> Tensor {
        let weights = try padded(segments)  // [B, L]
        let hasSum = try weights.sum(axes: [1], keepingAxes: true).isGreater(than: 0)
        let alike = try segments.paddingMask.not().converted(to: weights.dtype)
        let known = try weights.selected(where: hasSum, else: alike)
        return try (known / known.sum(axes: [1], keepingAxes: true)).packed(segments)
    }
}

/// Looks on while a network goes through its layers, and keeps what one of them attends to.
final class AttentionWatch {
    private let layer: Int
    private let head: Int?
    private var passed = 0
    /// The weights of the layer that was asked for, `[B, most query rows, most source rows]` each; none before it.
    private(set) var weights: [Tensor] = []

    /// - Parameters:
    ///   - choice: The layer, and its head; the output's attention is that of no layer.
    ///   - model: The network, for errors.
    ///   - layers: How many layers can be watched.
    ///   - heads: How many heads each has.
    /// - Throws: ``AttentionChoiceError`` where there is no such layer or head.
    init(_ choice: AttentionChoice, of model: any VQAModel, layers: Int, heads: Int)
        throws(AttentionChoiceError)
    {
        guard case .layer(let layer, let head) = choice else {
            (self.layer, self.head) = (0, nil)
            return
        }
        let name = "\(type(of: model))"
        guard layer >= 1, layer <= layers else {
            throw AttentionChoiceError(model: name, part: .layer, count: layers, found: layer)
        }
        if let head, head < 1 || head > heads {
            throw AttentionChoiceError(model: name, part: .head, count: heads, found: head)
        }
        (self.layer, self.head) = (layer, head)
    }

    /// A layer is gone through.
    ///
    /// - Parameter computeWeights: `[B, heads, most query rows, most source rows]` each; called for the layer that was asked
    ///   for alone.
    func pass(_ computeWeights: () throws -> [Tensor]) throws {
        passed += 1
        guard passed == layer else { return }
        weights = try computeWeights().map { weights in
            try head.map { try weights.narrowed(axis: 1, start: $0 - 1, length: 1).droppingAxis(1) }
                ?? weights.mean(axes: [1])
        }
    }
}

/// A layer or a head was asked for that a model does not have.
public struct AttentionChoiceError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What was asked for.
    public enum Part: String, Sendable {
        case layer
        case head
    }
    /// The model's type.
    public let model: String
    /// What was asked for.
    public let part: Part
    /// How many of it there are.
    public let count: Int
    /// Which one was asked for.
    public let found: Int

    /// One line.
    public var description: String {
        "\(model) attends in \(count) \(part)s: expected a \(part) from 1 to \(count), found \(found)"
    }
}
