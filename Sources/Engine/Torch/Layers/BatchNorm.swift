/// Brings each channel of `[B, channels, h, w]` to mean 0 and variance 1, then scales and shifts it.
///
/// In training by the batch's own statistics, of which a running mean is kept; in inference by those.
/// Source: Ioffe & Szegedy 2015.
public final class BatchNorm: Module {
    private static let batchNorm = Operator("aten::batch_norm")

    /// PyTorch's names.
    public override class var checkpointNames: [String: String] {
        ["runningMean": "running_mean", "runningVariance": "running_var"]
    }

    /// `[channels]`, ones at the start
    public let weight: Tensor
    /// `[channels]`, zeros at the start
    public let bias: Tensor
    /// `[channels]`
    @Buffer public private(set) var runningMean: Tensor
    /// `[channels]`
    @Buffer public private(set) var runningVariance: Tensor
    private let epsilon: Double
    private let momentum: Double

    /// - Parameters:
    ///   - channels: How many channels there are.
    ///   - epsilon: Added to the variance.
    ///   - momentum: How much of each batch's statistics goes into the running ones.
    /// - Throws: `TorchError` where memory is short.
    public init(_ channels: Int, epsilon: Double = 1e-5, momentum: Double = 0.1) throws {
        self.epsilon = epsilon
        self.momentum = momentum
        weight = try Tensor.ones([channels]).requiringGradient()
        bias = try Tensor.zeros([channels]).requiringGradient()
        runningMean = try Tensor.zeros([channels])
        runningVariance = try Tensor.ones([channels])
    }

    /// `[B, channels, h, w]`, normalised.
    public func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        try Self.batchNorm.tensor(
            .tensor(x), .tensor(weight), .tensor(bias), .tensor(runningMean), .tensor(runningVariance),
            .bool(isTraining), .double(momentum), .double(epsilon), false)
    }

    /// The weights and the bias of a convolution that gives what this norm, in inference, makes of another's results.
    ///
    /// - Parameter weight: The other's, `[channels, ..]`; it has no bias.
    package func folded(into weight: Tensor) throws(TorchError) -> (weight: Tensor, bias: Tensor) {
        let scale = try self.weight / (runningVariance + epsilon).squareRoot()
        let ones = Array(repeating: 1, count: weight.shape.count - 1)
        return (try weight * scale.reshaped([-1] + ones), try bias - runningMean * scale)
    }
}
