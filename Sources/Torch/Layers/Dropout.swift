/// In training, sets each element to zero with a probability and scales the others to keep the mean.
///
/// Source: Srivastava et al. 2014.
public final class Dropout: Module {
    private static let dropout = Operator("aten::dropout")

    /// How likely an element becomes zero.
    public let probability: Double

    /// - Parameter probability: How likely an element becomes zero, from 0 up to, and without, 1.
    public init(_ probability: Double) {
        self.probability = probability
    }

    /// `x` with elements dropped; `x` itself in inference.
    public func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        guard isTraining, probability > 0 else { return x }
        return try Self.dropout.tensor(.tensor(x), .double(probability), true)
    }
}
