import Collectives
import Torch

/// What the processes of a run tell each other in a step: losses, and gradients, which come out as if one process had
/// learned the shares of all of them one after the other.
final class GradientExchange {
    private let group: ProcessGroup
    private let parameters: [Tensor]
    /// All gradients, one behind the other, and behind them for each whether there is one: float32 `[n]`.
    private let flat: Tensor

    /// - Parameters:
    ///   - group: The processes.
    ///   - parameters: What is learned, of float32 on the CPU.
    /// - Throws: `TorchError` where they are of another type or elsewhere, or memory is short.
    init(_ group: ProcessGroup, _ parameters: [Tensor]) throws {
        if let other = parameters.first(where: { $0.dtype != .float32 || $0.device != .cpu }) {
            throw TorchError(
                operation: "gradients of several processes",
                reason: "expected float32 on cpu, found \(other.dtype) on \(other.device)")
        }
        (self.group, self.parameters) = (group, parameters)
        flat = try Tensor.zeros([parameters.reduce(parameters.count) { $0 + $1.count }])
    }

    /// The losses of the step's parts, those of all processes, in the order of ranks.
    ///
    /// - Throws: `ProcessError`.
    func losses(_ own: [Double]) throws -> [Double] { try group.gather(own).flatMap { $0 } }

    /// Replaces every gradient by the sum of all processes' ones, added in the order of ranks: the same bits in all of them.
    /// A gradient that a process lacks counts as zero; one that all of them lack stays away, for optimizers leave its
    /// parameter as it is.
    ///
    /// - Throws: `ProcessError`; `TorchError` where memory is short.
    func addUp() throws {
        try withoutGradients {
            try forEachPart { parameter, part, presence in
                try presence.fill(parameter.gradient == nil ? 0 : 1)
                if let gradient = parameter.gradient {
                    try part.copy(from: gradient)
                } else {
                    try part.fill(0)
                }
            }
            try flat.withUnsafeMutableBytes { try group.addUp($0.bindMemory(to: Float.self)) }
            try forEachPart { parameter, part, presence in
                if let gradient = parameter.gradient {
                    try gradient.copy(from: part)
                } else if try presence.item() > 0 {
                    let gradient = try Tensor.zeros(parameter.shape)
                    try gradient.copy(from: part)
                    try parameter.setGradient(gradient)
                }
            }
        }
    }

    private func forEachPart(
        _ body: (_ parameter: Tensor, _ part: Tensor, _ presence: Tensor) throws -> Void
    ) throws {
        var start = 0
        let gradientCount = flat.count - parameters.count
        for (index, parameter) in parameters.enumerated() {
            let part = try flat.narrowed(axis: 0, start: start, length: parameter.count)
            let presence = try flat.narrowed(axis: 0, start: gradientCount + index, length: 1)
            try body(parameter, part.reshaped(parameter.shape), presence)
            start += parameter.count
        }
    }
}
