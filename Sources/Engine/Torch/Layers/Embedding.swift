/// A row of numbers for each word: row `i` of the weight for the number `i`.
///
/// Start values are drawn from the standard normal distribution.
public final class Embedding: Module {
    private static let embedding = Operator("aten::embedding")

    /// `[count, width]`
    public let weight: Tensor
    /// The row that learns nothing: PyTorch's `padding_idx`.
    private let fixedRow: Int

    /// - Parameters:
    ///   - count: How many words there are.
    ///   - width: How many numbers each has.
    ///   - fixedRow: A row whose gradient is left out: PyTorch's `padding_idx`; nil for none.
    /// - Throws: `TorchError` where memory is short.
    public init(count: Int, width: Int, fixedRow: Int? = nil) throws {
        self.fixedRow = fixedRow ?? -1
        weight = try Tensor.normal([count, width]).requiringGradient()
    }

    /// Word numbers (int64, any shape) give `[.., width]`.
    public func callAsFunction(_ words: Tensor) throws(TorchError) -> Tensor {
        try Self.embedding.tensor(.tensor(weight), .tensor(words), .int(fixedRow))
    }
}
