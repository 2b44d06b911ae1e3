import Collectives
import Torch

/// The other processes of a run on GPUs, each with one, as its steps know them.
final class DevicePartners {
    /// Adds up the gradients.
    let buckets: GradientBuckets
    private let group: ProcessGroup
    private let connection: DeviceConnection
    private let device: Device

    /// Connects the GPUs of all processes, which all come here.
    ///
    /// - Parameters:
    ///   - group: The processes.
    ///   - parameters: What is learned, of float32 on `device`; it is moved into one piece of memory.
    ///   - device: This process's GPU.
    ///   - library: NCCL.
    /// - Throws: `ProcessError`; `DeviceExchangeError`; `TorchError` where memory is short.
    init(_ group: ProcessGroup, _ parameters: [Tensor], on device: Device, _ library: NCCLLibrary) throws {
        (self.group, self.device) = (group, device)
        connection = try DeviceConnection.join(group, library) { try device.select() }
        buckets = try GradientBuckets(parameters, on: device, connection)
    }

    /// Whether a process has questions of a step.
    ///
    /// - Throws: `ProcessError`.
    func haveQuestions(_ hasOwn: Bool) throws -> Bool { try WorkShare(group).anyone(hasOwn) }

    /// Every process's numbers, in the order of ranks.
    ///
    /// - Throws: `ProcessError`.
    func all(_ own: [Double]) throws -> [Double] { try group.gather(own).flatMap { $0 } }

    /// Waits until the GPU has made all steps that it was given, which it never does where another process is lost.
    ///
    /// - Throws: `ProcessError`; `DeviceExchangeError`; `TorchError` where that work has failed.
    func waitForSteps() throws {
        let stream = try DeviceStream.current(of: device)
        try group.wait {
            try connection.check()
            return try stream.isIdle
        }
    }

    /// Ends what the GPU does together with the others', so that this process can end.
    func end() { connection.end() }
}
