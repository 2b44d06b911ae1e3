import Collectives
import Torch

/// The other processes of a run on GPUs, each with one, as its steps know them.
///
/// A GPU that waits for one of a lost process waits for ever, and calls of CUDA wait for the GPU now and then. So steps are
/// given to it only when those before are done, or nearly, and that is waited for with an eye on the others.
final class DevicePartners {
    /// Adds up the gradients.
    let buckets: GradientBuckets
    private let group: ProcessGroup
    private let connection: DeviceConnection
    private let device: Device
    /// When the last steps had been given to the GPU, the latest last.
    private var moments: [DeviceMoment] = []

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

    /// What a process does in a step.
    enum Part: Equatable {
        /// It has no questions.
        case nothing
        /// Work that cannot be recorded.
        case unrecorded
        /// Work that may be recorded, of a form that has no number yet.
        case new
        /// The same, of a form with this number.
        case known(Int)

        fileprivate var number: Double {
            switch self {
            case .nothing: -3
            case .unrecorded: -2
            case .new: -1
            case .known(let form): Double(form)
            }
        }
    }

    /// What all processes do in a step.
    enum Agreement: Equatable {
        /// Nobody has questions.
        case nothing
        /// Each does its work, and records none of it.
        case unrecorded
        /// All have forms that are new, and give them the next number.
        case new
        /// All have forms of one number, which have come together before.
        case known
    }

    /// Tells the others what this process does in the step that follows, and finds what all do.
    ///
    /// NCCL wants recordings that take all GPUs to be made together, and started together. So what counts is how often forms
    /// have come in steps in which those of all processes had one number.
    ///
    /// - Throws: `ProcessError`.
    func agree(on part: Part) throws -> Agreement {
        let numbers = try all([part.number])
        guard numbers.contains(where: { $0 != Part.nothing.number }) else { return .nothing }
        guard numbers.allSatisfy({ $0 == numbers[0] }), numbers[0] >= Part.new.number else {
            return .unrecorded
        }
        return numbers[0] == Part.new.number ? .new : .known
    }

    /// Every process's numbers, in the order of ranks.
    ///
    /// - Throws: `ProcessError`.
    func all(_ own: [Double]) throws -> [Double] { try group.gather(own).flatMap { $0 } }

    /// Does what gives a step to the GPU, once those before are done, but for the last one where a step is a single call.
    ///
    /// - Throws: What `body` throws; `ProcessError` where a process is lost; `DeviceExchangeError`.
    func step(_ agreement: Agreement, _ body: () throws -> Void) throws {
        try wait(leaving: agreement == .known ? 1 : 0)
        try explained(body)
        moments.append(try DeviceStream.current(of: device).moment())
    }

    /// Waits until the GPU has made all steps that it was given.
    ///
    /// - Throws: `ProcessError` where a process is lost; `DeviceExchangeError`; `TorchError` where that work has failed.
    func waitForSteps() throws { try wait(leaving: 0) }

    private func wait(leaving count: Int) throws {
        while moments.count > count {
            try explained {
                try group.wait {
                    try connection.check()
                    return try moments[0].isPast
                }
            }
            moments.removeFirst()
        }
    }

    /// Has an error of NCCL's be that of a process that is lost, where one is: NCCL notices it first, and cannot tell which.
    private func explained(_ body: () throws -> Void) throws {
        do {
            try body()
        } catch let error as DeviceExchangeError {
            try group.lookForLost()
            throw error
        }
    }

    /// Ends what the GPU does together with the others', so that this process can end. Recordings have to be gone before.
    func end() { connection.end() }
}
