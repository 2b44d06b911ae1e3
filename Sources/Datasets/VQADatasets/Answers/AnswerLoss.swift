import Torch

/// What training makes small: how far the logits of a batch are from what people answered.
public protocol AnswerLoss: Sendable {
    /// The loss, summed over the questions: float32 `[]`.
    ///
    /// - Parameters:
    ///   - logits: `[B, answers]`
    ///   - targets: What the dataset gives to learn: of VQA-v2 the soft score of every answer, float32 `[B, answers]`.
    /// - Throws: `TorchError` where the shapes disagree.
    func callAsFunction(logits: Tensor, targets: Tensor) throws -> Tensor
}

/// Binary cross-entropy of every answer's logit against its soft score, as VQA-v2's models are trained.
public struct SoftScoreLoss: AnswerLoss {
    /// The loss of VQA-v2.
    public init() {}

    /// The cross-entropies of all answers to all questions, added up.
    public func callAsFunction(logits: Tensor, targets: Tensor) throws -> Tensor {
        try Loss.binaryCrossEntropy(logits: logits, targets: targets)
    }
}
