/// Adam on libtorch's fused kernel: one pass over each parameter and its moments.
///
/// Source: Kingma & Ba 2015, with the bias corrections as in PyTorch.
public final class Adam: Optimizer {
    private static let fusedStep = Operator("aten::_fused_adam_")

    /// The running moments of one parameter.
    public struct Moments: Sendable {
        /// The running mean of the gradient, of the parameter's shape.
        public let mean: Tensor
        /// The running mean of the gradient's square, of the parameter's shape.
        public let square: Tensor

        /// Both moments, of the parameter's shape.
        public init(mean: Tensor, square: Tensor) {
            self.mean = mean
            self.square = square
        }
    }

    /// The learning rate of the next step.
    public var learningRate: Double
    /// How many steps have been made.
    public internal(set) var stepCount: Int = 0
    /// The moments, by parameter name.
    public private(set) var moments: [String: Moments]

    let parameters: [(name: String, tensor: Tensor)]
    let betas: (Double, Double)
    let epsilon: Double
    private var steps: [Tensor]

    /// - Parameters:
    ///   - parameters: What to optimise, by name.
    ///   - learningRate: The rate of the first step.
    ///   - betas: How much of the old moments each step keeps.
    ///   - epsilon: Added to the square root of the second moment.
    /// - Throws: `TorchError` where memory is short.
    public init(
        _ parameters: [(name: String, tensor: Tensor)], learningRate: Double,
        betas: (Double, Double) = (0.9, 0.999), epsilon: Double = 1e-8
    ) throws {
        self.parameters = parameters
        self.learningRate = learningRate
        self.betas = betas
        self.epsilon = epsilon
        moments = [:]
        steps = []
        for (name, tensor) in parameters {
            let zeros = { () throws(TorchError) in
                try Tensor.zeros(tensor.shape, dtype: tensor.dtype, device: tensor.device)
            }
            moments[name] = Moments(mean: try zeros(), square: try zeros())
            steps.append(try Tensor.zeros([], device: tensor.device))
        }
    }

    /// The gradients of the parameters that have one.
    package var gradients: [Tensor] { parameters.compactMap(\.tensor.gradient) }

    /// Moves every parameter that has a gradient one step against it.
    ///
    /// - Throws: `TorchError` where shapes or devices disagree.
    public func step() throws(TorchError) {
        stepCount += 1
        var chosen:
            (values: [Tensor], gradients: [Tensor], means: [Tensor], squares: [Tensor], steps: [Tensor])
        chosen = ([], [], [], [], [])
        for ((name, tensor), step) in zip(parameters, steps) {
            try step.fill(Double(stepCount))
            guard let gradient = tensor.gradient, let moments = moments[name] else { continue }
            chosen.values.append(tensor)
            chosen.gradients.append(gradient)
            chosen.means.append(moments.mean)
            chosen.squares.append(moments.square)
            chosen.steps.append(step)
        }
        guard !chosen.values.isEmpty else { return }
        _ = try withoutGradients { () throws(TorchError) in
            try Self.fusedStep(
                .tensors(chosen.values), .tensors(chosen.gradients), .tensors(chosen.means),
                .tensors(chosen.squares), .tensors([]), .tensors(chosen.steps), .double(learningRate),
                .double(betas.0), .double(betas.1), .double(0), .double(epsilon), false, false)
        }
    }

    /// The moments by the words `mean` and `square`.
    package var state: OptimizerState { moments.mapValues { ["mean": $0.mean, "square": $0.square] } }

    /// Goes on from the moments and the step count of an earlier run.
    ///
    /// - Throws: `TorchError` that names a parameter without moments, or of another shape; nothing has been
    ///   changed then.
    package func restore(_ state: OptimizerState, stepCount: Int) throws(TorchError) {
        var restored: [String: Moments] = [:]
        for (name, tensor) in parameters {
            guard let found = state[name] else {
                throw TorchError(operation: "Adam", reason: "the checkpoint has no moments for \(name)")
            }
            guard let mean = found["mean"], let square = found["square"] else {
                throw TorchError(
                    operation: "Adam",
                    reason: "expected mean and square of \(name), found "
                        + "\(found.keys.sorted().joined(separator: " and ")), which another optimizer keeps")
            }
            guard mean.shape == tensor.shape, square.shape == tensor.shape else {
                throw TorchError(
                    operation: "Adam",
                    reason: "moments of \(name): expected \(tensor.shape), found \(mean.shape)")
            }
            restored[name] = Moments(mean: mean, square: square)
        }
        for (name, own) in moments {
            guard let found = restored[name] else { continue }
            try own.mean.copy(from: found.mean)
            try own.square.copy(from: found.square)
        }
        self.stepCount = stepCount
    }

    /// Adam's step as work for a device alone.
    ///
    /// - Throws: `TorchError` where memory is short.
    package func onDevice(_ device: Device, lossScale: LossScale?) throws(TorchError) -> any DeviceOptimizer {
        try DeviceAdam(self, lossScale: lossScale, on: device)
    }
}
