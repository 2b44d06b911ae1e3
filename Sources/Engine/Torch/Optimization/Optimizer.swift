/// What an optimizer keeps of each parameter, by the parameter's name and then by what it is: Adam has a `mean` and a
/// `square`. No such word has a dot in it.
package typealias OptimizerState = [String: [String: Tensor]]

/// Moves the parameters of a network against their gradients.
package protocol Optimizer: AnyObject {
    /// The learning rate of the next step.
    var learningRate: Double { get set }
    /// How many steps have been made.
    var stepCount: Int { get }
    /// What it keeps of each parameter.
    var state: OptimizerState { get }
    /// The gradients of the parameters that have one.
    var gradients: [Tensor] { get }

    /// Moves every parameter that has a gradient one step against it.
    ///
    /// - Throws: `TorchError` where shapes or devices disagree.
    func step() throws(TorchError)

    /// Goes on from the state and the step count of an earlier run.
    ///
    /// - Throws: `TorchError` that names a parameter without a state, or with one of another shape; nothing has been
    ///   changed then.
    func restore(_ state: OptimizerState, stepCount: Int) throws(TorchError)

    /// The same optimizer as work for a device alone.
    ///
    /// - Parameters:
    ///   - device: Where the parameters lie.
    ///   - lossScale: The scale of the first loss; nil scales none.
    /// - Throws: `TorchError` where memory is short.
    func onDevice(_ device: Device, lossScale: LossScale?) throws(TorchError) -> any DeviceOptimizer
}

/// An optimizer's step, with the scaling of the loss and the norm of the gradients, as work for a device alone.
///
/// Nothing in it waits for a number, so a processor can hand over many steps ahead, and `RecordedWork` can record it.
package protocol DeviceOptimizer: AnyObject {
    /// What losses are scaled by: float32 `[1]`.
    var scale: Tensor { get }

    /// Sets the rate of the steps to come.
    func setLearningRate(_ rate: Double) throws(TorchError)

    /// The loss to call `backward` on.
    ///
    /// - Parameters:
    ///   - loss: float32 `[]`
    ///   - copy: For a loss on another device, a copy of ``scale`` there.
    func scaled(_ loss: Tensor, by copy: Tensor?) throws(TorchError) -> Tensor

    /// Moves every parameter one step against its gradient, and sets the gradients to zero.
    ///
    /// - Throws: `TorchError` where shapes or devices disagree.
    func step() throws(TorchError)

    /// What the steps so far have come to. Waits until the device has made them.
    ///
    /// - Throws: `TorchError` where work on the device has failed.
    func figures() throws(TorchError) -> OptimizerFigures
}

extension DeviceOptimizer {
    /// The loss to call `backward` on.
    package func scaled(_ loss: Tensor) throws(TorchError) -> Tensor { try scaled(loss, by: nil) }
}

/// What the steps of a ``DeviceOptimizer`` have come to.
package struct OptimizerFigures: Sendable, Equatable {
    /// How many steps have changed the weights since training began.
    package var stepCount: Int
    /// How many steps were left out since the last time, for half precision had made a gradient infinite.
    package var skippedSteps: Int
    /// The norm of all gradients together, summed over the steps since the last time that were not left out.
    package var gradientNormSum: Double
    /// The scale of the next loss; nil where losses are not scaled.
    package var lossScale: LossScale?

    /// - Parameters: as the properties.
    package init(stepCount: Int, skippedSteps: Int, gradientNormSum: Double, lossScale: LossScale?) {
        self.stepCount = stepCount
        self.skippedSteps = skippedSteps
        self.gradientNormSum = gradientNormSum
        self.lossScale = lossScale
    }
}
