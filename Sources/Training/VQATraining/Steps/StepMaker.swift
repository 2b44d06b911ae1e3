import Collectives
import Torch
import VQABatches
import VQADatasets
import VQAModels

/// Makes an optimizer's steps out of batches.
package protocol StepMaker: AnyObject {
    /// After how many steps ``figures()`` should be asked for.
    var figuresInterval: Int { get }

    /// Makes one step, or gives it to the device, on batches whose gradients add up.
    ///
    /// - Parameters:
    ///   - batches: The parts of the step's questions; where several devices share them, a batch for each in turn.
    ///   - learningRate: The optimizer's rate.
    /// - Throws: `LossNotFiniteError`; `GradientNotFiniteError`; `TorchError` where a batch does not fit the network.
    func step(_ batches: [Batch], learningRate: Double) throws

    /// What the steps since the last time have come to. Waits until they are made.
    ///
    /// - Throws: `LossNotFiniteError`; `GradientNotFiniteError`; `TorchError` where the device has failed.
    func figures() throws -> StepFigures

    /// Ends work that waits for processes which are lost.
    func end()
}

extension StepMaker {
    package func end() {}
}

/// What some steps have come to.
package struct StepFigures: Sendable, Equatable {
    /// How many steps those are.
    package var stepCount = 0
    /// The loss, summed over all their questions.
    package var lossSum = 0.0
    /// How many of them were left out, for a gradient was infinite in half precision, or no question was left.
    package var skippedSteps = 0
    /// The norm of all gradients together, summed over the steps that were not left out.
    package var gradientNormSum = 0.0
    /// What the next loss is scaled by; nil where losses are not.
    package var lossScale: LossScale?
}

/// The loss has become infinite, or no number.
public struct LossNotFiniteError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The loss.
    public let loss: Double
    /// One line.
    public var description: String { "expected a finite loss, found \(loss)" }
}

/// The norm of all gradients has become infinite, or no number, though the loss has not.
public struct GradientNotFiniteError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The norm.
    public let norm: Double
    /// One line.
    public var description: String { "expected finite gradients, found a norm of \(norm)" }
}

/// How the steps of training are made.
package enum Stepping: String, Sendable, CaseIterable {
    /// Each step is made, and its loss looked at, before the next begins.
    case immediate
    /// Steps are given to the device ahead of their results, which are fetched now and then.
    case deferred
    /// The same, and a step of a batch whose shape has come before is started again as a whole: a CUDA graph.
    case recorded

    /// What suits a device: `recorded` on a GPU, `immediate` on the CPU.
    package static func best(on device: Device) -> Stepping { device == .cpu ? .immediate : .recorded }

    /// Makes what makes the steps.
    ///
    /// - Parameters:
    ///   - model: The network, on the device.
    ///   - copies: Copies of it on further devices, whose weights are overwritten; none for ``immediate``.
    ///   - optimizer: Of its parameters, with the moments to go on from.
    ///   - device: Where the network lies.
    ///   - precision: In what precision it computes.
    ///   - loss: What training makes small.
    ///   - lossScale: What the first loss is scaled by; nil scales none.
    ///   - share: This process's share in the steps; of several, without copies.
    ///   - library: Gives NCCL, which adds up numbers of several devices.
    /// - Throws: `TorchError` where memory is short, or there are copies that steps cannot be shared with; `ProcessError`;
    ///   `DeviceExchangeError` where several devices cannot be connected.
    package func makeSteps(
        _ model: any VQAModel, copies: [(model: any VQAModel, device: Device)] = [],
        _ optimizer: any Optimizer,
        device: Device, precision: Precision, loss: any AnswerLoss = SoftScoreLoss(), lossScale: LossScale?,
        share: WorkShare = WorkShare(), library: () throws -> NCCLLibrary = NCCLLibrary.load
    ) throws -> any StepMaker {
        let network = TrainedNetwork(
            model: model, device: device, precision: precision, answerLoss: loss)
        guard self != .immediate else {
            guard copies.isEmpty else {
                throw TorchError(
                    operation: "steps",
                    reason: "expected one device for immediate steps, found \(copies.count + 1)")
            }
            return ImmediateSteps(
                network, optimizer, lossScale: lossScale,
                exchange: try share.group.map { try GradientExchange($0, model.parameters()) })
        }
        guard copies.isEmpty || share.group == nil else {
            throw TorchError(
                operation: "steps",
                reason:
                    "expected one device in each of the \(share.processCount) processes, found \(copies.count + 1)"
            )
        }
        let exchange =
            copies.isEmpty
            ? nil
            : try ReplicaExchange(
                network,
                copies.map {
                    TrainedNetwork(model: $0.model, device: $0.device, precision: precision, answerLoss: loss)
                }, library())
        let partners = try share.group.map {
            try DevicePartners($0, model.parameters(), on: device, share.together(library))
        }
        return try DeferredSteps(
            network, exchange, partners, optimizer, lossScale: lossScale, isRecording: self == .recorded)
    }
}

/// A network, and how it is trained.
struct TrainedNetwork {
    let model: any VQAModel
    let device: Device
    let precision: Precision
    let answerLoss: any AnswerLoss

    /// The loss, summed over the batch's questions: float32 `[]`.
    ///
    /// - Throws: `TorchError` where the batch does not fit the network, or has nothing to learn.
    func loss(_ batch: Batch) throws -> Tensor {
        guard let targets = batch.targets else {
            throw TorchError(operation: "loss", reason: "expected a batch with targets, found one without")
        }
        return try Profiler.named("forward") {
            try precision.autocast(on: device) {
                // What follows the batch's own questions only fills it up.
                let logits = try model(batch).narrowed(axis: 0, start: 0, length: batch.count)
                return try answerLoss(logits: logits, targets: targets)
            }
        }
    }
}
