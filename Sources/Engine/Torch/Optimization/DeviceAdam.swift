/// Adam's step, with or without decoupled weight decay, as work for a device alone. Rate, step count and scale lie there; ``figures()`` fetches what has become
/// of them.
package final class DeviceAdam: DeviceOptimizer {
    private enum Operators {
        static let step = Operator("aten::_fused_adam_.tensor_lr")
        static let updateScale = Operator("aten::_amp_update_scale_")
        static let zero = Operator("aten::_foreach_zero_")
        static let reciprocal = Operator("aten::reciprocal")
        static let multiply = Operator("aten::_foreach_mul_.Tensor")
    }

    private let adam: Adam
    private let decaying: [Tensor]
    private let weightDecay: Double
    private let isScaling: Bool
    private let learningRate, stepCount: Tensor  // float32 []
    private let normSum: Tensor  // float64 []
    /// What losses are scaled by: float32 `[1]`.
    package let scale: Tensor
    private let infinite, skipped: Tensor  // float32 [1]
    private let goodSteps: Tensor  // int32 [1]

    /// - Parameters:
    ///   - adam: Whose parameters and moments are moved; they lie on one device.
    ///   - decaying: Those of the parameters that shrink before each step.
    ///   - weightDecay: By how much, times the rate.
    ///   - lossScale: The scale of the first loss; nil scales none.
    ///   - device: Where they lie.
    /// - Throws: `TorchError` where memory is short.
    package init(
        _ adam: Adam, decaying: [Tensor] = [], weightDecay: Double = 0, lossScale: LossScale?,
        on device: Device
    ) throws(TorchError) {
        self.adam = adam
        (self.decaying, self.weightDecay) = (decaying, weightDecay)
        isScaling = lossScale != nil
        learningRate = try Tensor.zeros([], device: device)
        stepCount = try Tensor.full([], Double(adam.stepCount), device: device)
        normSum = try Tensor.zeros([], dtype: .float64, device: device)
        scale = try Tensor.full([1], lossScale?.scale ?? 1, device: device)
        infinite = try Tensor.zeros([1], device: device)
        skipped = try Tensor.zeros([1], device: device)
        goodSteps = try Tensor([Int32(clamping: lossScale?.goodSteps ?? 0)]).moved(to: device)
        for (_, tensor) in adam.parameters where tensor.gradient == nil {
            try tensor.setGradient(Tensor.zeros(tensor.shape, dtype: tensor.dtype, device: device))
        }
    }

    /// Sets the rate of the steps to come.
    package func setLearningRate(_ rate: Double) throws(TorchError) { try learningRate.fill(rate) }

    /// The loss to call `backward` on.
    ///
    /// - Parameters:
    ///   - loss: float32 `[]`
    ///   - copy: For a loss on another device, a copy of ``scale`` there.
    package func scaled(_ loss: Tensor, by copy: Tensor?) throws(TorchError) -> Tensor {
        isScaling ? try loss * (copy ?? scale).reshaped([]) : loss
    }

    /// Moves every parameter one step against its gradient, and sets the gradients to zero.
    ///
    /// - Throws: `TorchError` where shapes or devices disagree.
    package func step() throws(TorchError) {
        try withoutGradients { () throws(TorchError) in
            let gradients = adam.gradients
            if isScaling { try unscale(gradients) }
            try addNorm(of: gradients)
            try stepCount.addInPlace((1 - infinite).reshaped([]))
            try shrink()
            try move(gradients)
            if isScaling {
                try skipped.addInPlace(infinite)
                try Operators.updateScale(
                    .tensor(scale), .tensor(goodSteps), .tensor(infinite), .double(LossScale.growthFactor),
                    .double(LossScale.backoffFactor), .int(LossScale.growthInterval))
            }
            try Operators.zero(.tensors(gradients))
        }
    }

    private func unscale(_ gradients: [Tensor]) throws(TorchError) {
        try infinite.fill(0)
        let inverse = try Operators.reciprocal.tensor(.tensor(scale))
        try LossScale.unscale(.tensors(gradients), .tensor(infinite), .tensor(inverse))
    }

    private func addNorm(of gradients: [Tensor]) throws(TorchError) {
        guard !gradients.isEmpty else { return }
        let norm = try GradientNorm.of(gradients)
        // Those of a step that is left out are no numbers.
        try normSum.addInPlace(norm.filled(where: infinite.isGreater(than: 0).reshaped([]), with: 0))
    }

    /// Takes a share of the weights away; none in a step that is left out.
    private func shrink() throws(TorchError) {
        guard !decaying.isEmpty else { return }
        let kept = try 1 - learningRate * weightDecay * (1 - infinite).reshaped([])
        _ = try Operators.multiply(.tensors(decaying), .tensor(kept))
    }

    private func move(_ gradients: [Tensor]) throws(TorchError) {
        let moments = adam.parameters.compactMap { adam.moments[$0.name] }
        guard !moments.isEmpty else { return }
        try Operators.step(
            .tensors(adam.parameters.map(\.tensor)), .tensors(gradients), .tensors(moments.map(\.mean)),
            .tensors(moments.map(\.square)), .tensors([]),
            .tensors(moments.map { _ in stepCount }), .tensor(learningRate), .double(adam.betas.0),
            .double(adam.betas.1), .double(0), .double(adam.epsilon), false, false, .none,
            .optional(isScaling ? infinite : nil))
    }

    /// What the steps so far have come to. Waits until the device has made them.
    ///
    /// - Throws: `TorchError` where work on the device has failed.
    package func figures() throws(TorchError) -> OptimizerFigures {
        let figures = OptimizerFigures(
            stepCount: try Self.count(stepCount), skippedSteps: try Self.count(skipped),
            gradientNormSum: try normSum.item(),
            lossScale: isScaling
                ? LossScale(scale: try scale.item(), goodSteps: try Self.count(goodSteps)) : nil)
        try skipped.fill(0)
        try normSum.fill(0)
        adam.stepCount = figures.stepCount
        return figures
    }

    /// What a tensor has counted.
    private static func count(_ tensor: Tensor) throws(TorchError) -> Int {
        let value = try tensor.item()
        guard let count = Int(exactly: value) else {
            throw TorchError(operation: "Adam", reason: "expected a count of steps, found \(value)")
        }
        return count
    }
}
