/// `gain * (x - mean) / (deviation + 1e-6) + bias` over the last axis.
///
/// Not PyTorch's LayerNorm: the deviation has `n - 1` in its denominator, and the small number is added to
/// it and not to the variance. It is the norm of "The Annotated Transformer" and of RWSAN.
public final class StandardNorm: Module {
    /// The official names.
    public override class var checkpointNames: [String: String] { ["gain": "a_2", "bias": "b_2"] }

    private static let residualNorm = Operator("rwsan::residual_norm")
    private static let layerNorm = Operator("aten::native_layer_norm")

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
        x.device == .cpu ? try composed(x) : try fused(x)
    }

    /// PyTorch's layer norm, in one kernel, with the gain made smaller by as much as its deviation, which has `n` in
    /// its denominator, is smaller than this norm's.
    ///
    /// Where the deviation is near the small number that is added to it, a millionth, the two norms differ; a row of
    /// equal elements becomes the bias in both.
    func fused(_ x: Tensor) throws(TorchError) -> Tensor {
        let width = Double(gain.count)
        let gain = try gain * ((width - 1) / width).squareRoot()
        return try Self.layerNorm.tensor(
            .tensor(x), .ints([gain.count]), .tensor(gain), .tensor(bias),
            .double(Self.epsilon * Self.epsilon))
    }

    /// The same of libtorch's simpler operators, exactly as it is defined.
    func composed(_ x: Tensor) throws(TorchError) -> Tensor {
        let centred = try x - x.mean(axes: [-1], keepingAxes: true)
        let deviation = try x.standardDeviation(axes: [-1], keepingAxes: true)
        return try gain * centred / (deviation + Self.epsilon) + bias
    }

    /// The norm of a sum: `x` and a branch off it, some of whose elements are dropped in training.
    ///
    /// - Parameters:
    ///   - x: `[.., width]`
    ///   - branch: Of the same shape.
    ///   - dropout: Applied to the branch; nil keeps all of it.
    /// - Throws: `TorchError` where the shapes disagree.
    public func callAsFunction(_ x: Tensor, plus branch: Tensor, _ dropout: Dropout? = nil) throws(TorchError)
        -> Tensor
    {
        guard x.hasKernels, branch.hasKernels else { return try composed(x, plus: branch, dropout) }
        return try Self.residualNorm.tensor(
            .tensor(x), .tensor(branch), .tensor(gain), .tensor(bias),
            .double(dropout?.currentProbability ?? 0))
    }

    /// The same of libtorch's own operators.
    func composed(_ x: Tensor, plus branch: Tensor, _ dropout: Dropout? = nil) throws(TorchError) -> Tensor {
        guard let dropout else { return try self(x + branch) }
        return try self(x + dropout(branch))
    }
}
