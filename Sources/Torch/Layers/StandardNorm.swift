/// `gain * (x - mean) / (deviation + 1e-6) + bias` over the last axis.
///
/// Not PyTorch's LayerNorm: the deviation has `n - 1` in its denominator, and the small number is added to
/// it and not to the variance. It is the norm of "The Annotated Transformer" and of RWSAN.
public final class StandardNorm: Module {
    /// The official names.
    public override class var checkpointNames: [String: String] { ["gain": "a_2", "bias": "b_2"] }

    /// `[width]`, ones at the start
    public let gain: Tensor
    /// `[width]`, zeros at the start
    public let bias: Tensor

    static let epsilon = 1e-6

    /// - Parameter width: The length of the last axis.
    /// - Throws: `TorchError` where memory is short.
    public init(_ width: Int) throws {
        gain = try Tensor.ones([width]).requiringGradient()
        bias = try Tensor.zeros([width]).requiringGradient()
    }

    /// `[.., width]`, normalised.
    public func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        let centred = try x - x.mean(axes: [-1], keepingAxes: true)
        let deviation = try x.standardDeviation(axes: [-1], keepingAxes: true)
        return try gain * centred / (deviation + Self.epsilon) + bias
    }
}
