/// `x W^T + b` on the last axis.
///
/// Start values are uniform in ±1/√inputWidth, weight and bias, as PyTorch's.
public final class Linear: Module {
    private static let linear = Operator("aten::linear")

    /// `[outputWidth, inputWidth]`
    public let weight: Tensor
    /// `[outputWidth]`
    public let bias: Tensor?

    /// - Parameters:
    ///   - inputWidth: The length of the last axis of the input.
    ///   - outputWidth: The length of the last axis of the output.
    ///   - hasBias: Whether a bias is added.
    /// - Throws: `TorchError` where memory is short.
    public init(_ inputWidth: Int, _ outputWidth: Int, hasBias: Bool = true) throws {
        let bound = 1 / Double(max(inputWidth, 1)).squareRoot()
        weight = try Tensor.uniform([outputWidth, inputWidth], in: -bound...bound).requiringGradient()
        bias = hasBias ? try Tensor.uniform([outputWidth], in: -bound...bound).requiringGradient() : nil
    }

    /// `[.., inputWidth]` gives `[.., outputWidth]`.
    public func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        try Self.linear.tensor(.tensor(x), .tensor(weight), .optional(bias))
    }
}
