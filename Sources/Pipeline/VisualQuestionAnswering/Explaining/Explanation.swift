/// How it is told what an answer rests on.
public enum ExplanationMethod: String, Sendable, CaseIterable, Encodable {
    /// What the model looked at, by its own weights. That is not the reason of its answer.
    case attention
    /// How much the best answer's logit falls when a region, or a word, is left out.
    case occlusion
}

/// The answers to a question, and what they rest on.
public struct Explanation: Sendable, Encodable {
    /// The best answers, the best first.
    public let answers: [ScoredAnswer]
    /// How weights were found.
    public let method: ExplanationMethod
    /// A weight for each region, in the order of the features.
    ///
    /// Of attention, none is negative, and they sum to 1. Of occlusion, each is how much the best answer's logit falls without
    /// the region, negative where it rises. What the model does not read has 0: regions of zeros, and those behind the most
    /// that it takes.
    public let regions: [Double]
    /// The question's words as they were written, in their order, with weights of the same kind.
    ///
    /// A word that is read in pieces has the sum of their weights. What begins and ends the question of a published model is
    /// no word: attention to it is left out of the sum. What the model does not read has 0.
    public let words: [WordWeight]
}

/// A word as it was written, and its weight.
public struct WordWeight: Sendable, Equatable, Encodable {
    /// The word.
    public let text: String
    /// As those of ``Explanation/words``.
    public let weight: Double

    /// - Parameters: as the properties.
    public init(text: String, weight: Double) {
        self.text = text
        self.weight = weight
    }
}

/// Why a model's attention cannot be told.
public enum AttentionError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The model, by its type, gives none.
    case none(model: String)
    /// What the model gives is not a weight for each word and region.
    case unfit(model: String, reason: String)

    /// One line.
    public var description: String {
        switch self {
        case .none(let model): "\(model) gives no attention: expected occlusion, which works with every model"
        case .unfit(let model, let reason): "the attention of \(model): \(reason)"
        }
    }
}
