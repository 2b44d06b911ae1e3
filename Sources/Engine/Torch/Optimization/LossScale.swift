/// Keeps the small gradients of half precision from vanishing: the loss is multiplied by a large number before
/// backward, and the gradients are divided by it afterwards.
///
/// The number doubles after 2,000 steps whose gradients were all finite, and halves after one whose gradients
/// were not; that step is left out. Source: Micikevicius et al. 2018, with the numbers of PyTorch's GradScaler.
public struct LossScale: Codable, Sendable, Equatable {
    static let unscale = Operator("aten::_amp_foreach_non_finite_check_and_unscale_")
    /// After how many good steps the scale grows.
    static let growthInterval = 2000
    /// What it grows by.
    static let growthFactor = 2.0
    /// What is left of it after a step that was left out.
    static let backoffFactor = 0.5

    /// What the loss is multiplied by.
    public private(set) var scale: Double
    /// How many steps have gone well since the scale last changed.
    public private(set) var goodSteps: Int

    /// - Parameters:
    ///   - scale: The scale of the first step.
    ///   - goodSteps: How many steps have gone well with it.
    public init(scale: Double = 65536, goodSteps: Int = 0) {
        (self.scale, self.goodSteps) = (scale, goodSteps)
    }

    /// Whether steps can have led to this scale: a checkpoint may state any numbers.
    package var isPossible: Bool {
        scale > 0 && scale <= Double(Float.greatestFiniteMagnitude)
            && (0..<Self.growthInterval).contains(goodSteps)
    }

    /// Whether it has become so small, 2^-24, that no scale would make the gradients finite.
    package var isExhausted: Bool { scale < 0x1p-24 }

    /// The loss to call `backward` on.
    public func scaled(_ loss: Tensor) throws(TorchError) -> Tensor { try loss * scale }

    /// Divides gradients by the scale, in place, and chooses the scale of the next step.
    ///
    /// - Parameter gradients: Of all parameters.
    /// - Returns: Whether all of them are finite; where not, the step must be left out.
    /// - Throws: `TorchError` where they lie on several devices.
    public mutating func unscale(_ gradients: [Tensor]) throws(TorchError) -> Bool {
        guard let first = gradients.first else { return true }
        let foundInfinite = try Tensor.zeros([1], device: first.device)
        let inverse = try Tensor.full([1], 1 / scale, device: first.device)
        try Self.unscale(.tensors(gradients), .tensor(foundInfinite), .tensor(inverse))
        let isFinite = try foundInfinite.item() == 0
        update(wasFinite: isFinite)
        return isFinite
    }

    private mutating func update(wasFinite: Bool) {
        guard wasFinite else {
            (scale, goodSteps) = (scale * Self.backoffFactor, 0)
            return
        }
        goodSteps = min(goodSteps, Self.growthInterval - 1) + 1
        if goodSteps == Self.growthInterval { (scale, goodSteps) = (scale * Self.growthFactor, 0) }
    }
}
