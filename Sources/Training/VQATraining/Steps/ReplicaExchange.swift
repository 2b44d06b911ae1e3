import Torch

/// What the copies of a network on several devices tell each other in a step.
final class ReplicaExchange {
    /// On each of the further devices, what its losses are scaled by: float32 `[1]`.
    let scales: [Tensor]

    private let first: FlatParameters
    private let others: [FlatParameters]
    /// Where the gradients of another device arrive: float32 `[n]` on the first.
    private let arrival: Tensor

    /// - Parameters:
    ///   - network: The network that is trained.
    ///   - copies: The same on further devices; they get its weights with ``spread(_:)``.
    /// - Throws: `TorchError` where a copy has other parameters, or memory is short.
    init(_ network: TrainedNetwork, _ copies: [TrainedNetwork]) throws {
        let shapes = network.model.namedParameters().map { [$0.name: $0.tensor.shape] }
        for copy in copies where copy.model.namedParameters().map({ [$0.name: $0.tensor.shape] }) != shapes {
            throw TorchError(
                operation: "replica", reason: "expected the parameters of the first network, found others")
        }
        first = try FlatParameters(network.model.parameters())
        others = try copies.map { try FlatParameters($0.model.parameters()) }
        arrival = try Tensor.zeros([first.gradients.count], device: network.device)
        scales = try copies.map { try Tensor.ones([1], device: $0.device) }
    }

    /// Adds the gradients of the further devices to the first one's, and sets theirs to zero.
    func gather() throws {
        for other in others {
            try arrival.copy(from: other.gradients)
            try first.gradients.addInPlace(arrival)
            try other.gradients.fill(0)
        }
    }

    /// Gives the first device's weights, and the scale of the losses to come, to the others.
    ///
    /// - Parameter scale: float32 `[1]` on the first device.
    func spread(_ scale: Tensor) throws {
        try withoutGradients {
            for (other, otherScale) in zip(others, scales) {
                try other.values.copy(from: first.values)
                try otherScale.copy(from: scale)
            }
        }
    }
}
