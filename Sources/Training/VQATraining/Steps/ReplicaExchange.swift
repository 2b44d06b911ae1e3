import Collectives
import Torch

/// What the copies of a network on several GPUs of a process tell each other in a step.
///
/// It is no part of what is recorded: one thread that starts recordings of several GPUs, which wait for one another in the
/// middle, may wait for ever.
final class ReplicaExchange {
    /// On each of the further devices, what its losses are scaled by: float32 `[1]`.
    let scales: [Tensor]

    /// The networks on the further devices.
    let copies: [TrainedNetwork]

    private let library: NCCLLibrary
    /// Of the first device, and of the further ones.
    private let ends: [End]

    private struct End {
        let parameters: FlatParameters
        let device: Device
        let connection: DeviceConnection
    }

    /// - Parameters:
    ///   - network: The network that is trained.
    ///   - copies: The same on further devices; they get its weights with ``spread(_:)``.
    ///   - library: NCCL.
    /// - Throws: `TorchError` where a copy has other parameters, or memory is short; `DeviceExchangeError`.
    init(_ network: TrainedNetwork, _ copies: [TrainedNetwork], _ library: NCCLLibrary) throws {
        let shapes = network.model.namedParameters().map { [$0.name: $0.tensor.shape] }
        for copy in copies where copy.model.namedParameters().map({ [$0.name: $0.tensor.shape] }) != shapes {
            throw TorchError(
                operation: "replica", reason: "expected the parameters of the first network, found others")
        }
        let networks = [network] + copies
        let connections = try DeviceConnection.join(devices: networks.map(\.device.number), library)
        (self.copies, self.library) = (copies, library)
        ends = try zip(networks, connections).map {
            End(parameters: try FlatParameters($0.model.parameters()), device: $0.device, connection: $1)
        }
        scales = try copies.map { try Tensor.ones([1], device: $0.device) }
    }

    /// Adds the gradients of the further devices to the first one's, and sets theirs to zero.
    func gather() throws {
        try library.together {
            for end in ends {
                let gradients = end.parameters.gradients
                guard let address = gradients.address else { continue }
                try end.connection.collect(
                    address, count: gradients.count, on: DeviceStream.current(of: end.device).handle)
            }
        }
        for end in ends.dropFirst() { try end.parameters.gradients.fill(0) }
    }

    /// Gives the first device's weights, and the scale of the losses to come, to the others.
    ///
    /// - Parameter scale: float32 `[1]` on the first device.
    func spread(_ scale: Tensor) throws {
        try library.together {
            for (end, scale) in zip(ends, [scale] + scales) {
                for tensor in [end.parameters.values, scale] {
                    guard let address = tensor.address else { continue }
                    try end.connection.handOut(
                        address, count: tensor.count, on: DeviceStream.current(of: end.device).handle)
                }
            }
        }
    }
}
