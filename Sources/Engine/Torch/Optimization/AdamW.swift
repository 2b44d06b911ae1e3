/// Adam with decoupled weight decay: before each of Adam's steps, weights shrink by the rate times the decay.
///
/// What has one axis or none is not shrunk: biases, and what norms multiply by.
///
/// Source: Loshchilov & Hutter 2019, "Decoupled Weight Decay Regularization", arXiv 1711.05101, with the steps of PyTorch's
/// `torch.optim.AdamW`.
public final class AdamW: Optimizer {
    private static let multiply = Operator("aten::_foreach_mul_.Scalar")

    /// The share of a weight that a step takes away, times the rate.
    public let weightDecay: Double
    private let adam: Adam
    private let decaying: [Tensor]

    /// - Parameters:
    ///   - parameters: What to optimise, by name.
    ///   - learningRate: The rate of the first step.
    ///   - betas: How much of the old moments each step keeps.
    ///   - epsilon: Added to the square root of the second moment.
    ///   - weightDecay: The share of a weight that a step takes away, times the rate.
    /// - Throws: `TorchError` where memory is short.
    public init(
        _ parameters: [(name: String, tensor: Tensor)], learningRate: Double,
        betas: (Double, Double) = (0.9, 0.999), epsilon: Double = 1e-8, weightDecay: Double = 0.01
    ) throws {
        adam = try Adam(parameters, learningRate: learningRate, betas: betas, epsilon: epsilon)
        decaying = parameters.map(\.tensor).filter { $0.shape.count > 1 }
        self.weightDecay = weightDecay
    }

    /// The learning rate of the next step.
    public var learningRate: Double {
        get { adam.learningRate }
        set { adam.learningRate = newValue }
    }
    /// How many steps have been made.
    public var stepCount: Int { adam.stepCount }
    /// Adam's moments.
    package var state: OptimizerState { adam.state }
    /// The gradients of the parameters that have one.
    package var gradients: [Tensor] { adam.gradients }

    /// Shrinks every weight that has a gradient, and moves every parameter that has one a step against it.
    ///
    /// - Throws: `TorchError` where shapes or devices disagree.
    public func step() throws(TorchError) {
        let shrinking = decaying.filter { $0.gradient != nil }
        if !shrinking.isEmpty {
            _ = try withoutGradients { () throws(TorchError) in
                try Self.multiply(.tensors(shrinking), .double(1 - learningRate * weightDecay))
            }
        }
        try adam.step()
    }

    /// Goes on from the moments and the step count of an earlier run, of Adam too.
    ///
    /// - Throws: As ``Adam/restore(_:stepCount:)``.
    package func restore(_ state: OptimizerState, stepCount: Int) throws(TorchError) {
        try adam.restore(state, stepCount: stepCount)
    }

    /// The same as work for a device alone.
    ///
    /// - Throws: `TorchError` where memory is short.
    package func onDevice(_ device: Device, lossScale: LossScale?) throws(TorchError) -> any DeviceOptimizer {
        try DeviceAdam(
            adam, decaying: decaying, weightDecay: weightDecay, lossScale: lossScale, on: device)
    }
}
