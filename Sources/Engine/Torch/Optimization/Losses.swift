/// What training makes small.
public enum Loss {
    private static let binaryCrossEntropy = Operator("aten::binary_cross_entropy_with_logits")
    private static let crossEntropyOperator = Operator("aten::cross_entropy_loss")

    /// How the losses of single elements become one number.
    public enum Reduction: Int, Sendable {
        case none = 0
        case mean = 1
        case sum = 2
    }

    /// `-(t log σ(x) + (1 - t) log(1 - σ(x)))` of logits `x` against soft targets `t` of the same shape.
    public static func binaryCrossEntropy(
        logits: Tensor, targets: Tensor, reduction: Reduction = .sum
    ) throws(TorchError) -> Tensor {
        try binaryCrossEntropy.tensor(
            .tensor(logits), .tensor(targets), .none, .none, .int(reduction.rawValue))
    }

    /// `-log softmax(x)[c]` of logits `[B, C]` against classes `c` (int64 `[B]`).
    public static func crossEntropy(
        logits: Tensor, classes: Tensor, reduction: Reduction = .mean
    ) throws(TorchError) -> Tensor {
        try crossEntropyOperator.tensor(
            .tensor(logits), .tensor(classes), .none, .int(reduction.rawValue))
    }
}
