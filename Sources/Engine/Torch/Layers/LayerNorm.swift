/// `gain * (x - mean) / √(variance + epsilon) + bias` over the last axis: PyTorch's LayerNorm.
///
/// Source: Ba, Kiros, Hinton 2016, "Layer Normalization", arXiv 1607.06450.
public final class LayerNorm: Module {
    /// PyTorch's names.
    public override class var checkpointNames: [String: String] { ["gain": "weight"] }

    private static let layerNorm = Operator("aten::layer_norm")

    /// `[width]`, ones at the start
    public let gain: Tensor
    /// `[width]`, zeros at the start
    public let bias: Tensor
    /// What is added to the variance.
    public let epsilon: Double

    /// - Parameters:
    ///   - width: The length of the last axis.
    ///   - epsilon: What is added to the variance.
    /// - Throws: `TorchError` where memory is short.
    public init(_ width: Int, epsilon: Double = 1e-5) throws {
        gain = try Tensor.ones([width]).requiringGradient()
        bias = try Tensor.zeros([width]).requiringGradient()
        self.epsilon = epsilon
    }

    /// `[.., width]`, normalised.
    public func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        try Self.layerNorm.tensor(
            .tensor(x), .ints([gain.count]), .tensor(gain), .tensor(bias), .double(epsilon))
    }
}
