import CNCCL
import Foundation
import Synchronization
import Workers

/// A GPU's end of the connection with those that it computes with, in this process or others.
///
/// All ends ask for the same in the same order. What is asked for is done by the GPU, in the order of the stream that it is
/// asked on, and never waited for. The order of sums follows from how the GPUs are connected, and not from time: sums are
/// the same bits at all ends, and each time that the same GPUs are connected.
package final class DeviceConnection: Sendable {
    /// What NCCL calls go to.
    package let library: NCCLLibrary
    private let communicator: Mutex<Communicator>

    private struct Communicator: @unchecked Sendable {
        /// Nil when it was ended.
        var reference: cnccl_communicator_ref?
    }

    private init(_ library: NCCLLibrary, _ reference: cnccl_communicator_ref) {
        self.library = library
        communicator = Mutex(Communicator(reference: reference))
    }

    deinit { end() }

    /// Connects the GPUs of all processes, one of each.
    ///
    /// - Parameters:
    ///   - group: The processes, all of which come here.
    ///   - library: NCCL.
    ///   - select: Makes this process's GPU the one that its thread calls CUDA for.
    /// - Throws: `DeviceExchangeError`; `ProcessError` where a process does not come; what `select` throws.
    package static func join(
        _ group: ProcessGroup, _ library: NCCLLibrary, selecting select: @escaping @Sendable () throws -> Void
    ) throws -> DeviceConnection {
        var id = cnccl_id()
        let identified = Result {
            if group.rank == 0 { try library.check("finding the network", library.functions.get_id(&id)) }
        }
        // One that fails tells the others before they wait.
        try WorkShare(group).together { try identified.get() }
        let bytes = try group.gather(group.rank == 0 ? withUnsafeBytes(of: id) { Array($0) } : [])[0]
        withUnsafeMutableBytes(of: &id) { $0.copyBytes(from: bytes) }
        let joined = Joined()
        let (common, rank, count) = (id, Int32(clamping: group.rank), Int32(clamping: group.count))
        // NCCL waits for the others and cannot be interrupted, so another thread does.
        try ThreadMaker.current.start("nccl") {
            joined.set(
                Result {
                    try select()
                    var reference: cnccl_communicator_ref?
                    try library.check("connecting", library.functions.join(&reference, count, common, rank))
                    guard let reference else {
                        throw DeviceExchangeError.failed(operation: "connecting", reason: "no connection")
                    }
                    return DeviceConnection(library, reference)
                })
        }
        try group.wait { joined.isThere }
        return try joined.get()
    }

    /// Connects several GPUs of this process.
    ///
    /// - Parameter devices: Their numbers.
    /// - Returns: An end for each.
    /// - Throws: `DeviceExchangeError`.
    package static func join(devices: [Int], _ library: NCCLLibrary) throws(DeviceExchangeError)
        -> [DeviceConnection]
    {
        var references = [cnccl_communicator_ref?](repeating: nil, count: devices.count)
        let numbers = devices.map { Int32(clamping: $0) }
        try library.check(
            "connecting", library.functions.join_all(&references, Int32(clamping: devices.count), numbers))
        let connections = references.compactMap { $0.map { DeviceConnection(library, $0) } }
        guard connections.count == devices.count else {
            throw .failed(operation: "connecting", reason: "no connection")
        }
        return connections
    }

    /// What a thread leaves for another one.
    private final class Joined: Sendable {
        private let result = Mutex<Result<DeviceConnection, any Error>?>(nil)

        var isThere: Bool { result.withLock { $0 != nil } }

        func set(_ found: Result<DeviceConnection, any Error>) { result.withLock { $0 = found } }

        func get() throws -> DeviceConnection {
            guard let found = result.withLock({ $0 }) else {
                throw DeviceExchangeError.failed(operation: "connecting", reason: "no answer")
            }
            return try found.get()
        }
    }

    // MARK: - Numbers

    /// Replaces numbers by the sums of those that all ends have.
    ///
    /// - Parameters:
    ///   - numbers: `count` numbers of single precision in the GPU's memory.
    ///   - stream: The `cudaStream_t` that the GPU does it on.
    /// - Throws: `DeviceExchangeError`.
    package func addUp(_ numbers: UnsafeMutableRawPointer, count: Int, on stream: UnsafeMutableRawPointer?)
        throws(DeviceExchangeError)
    {
        try call("adding up") { functions, end in
            functions.add_up(
                numbers, numbers, count, Self.float32, Self.sum, end, stream)
        }
    }

    /// The same, for the first end alone; numbers of the others become useless.
    ///
    /// - Throws: `DeviceExchangeError`.
    package func collect(_ numbers: UnsafeMutableRawPointer, count: Int, on stream: UnsafeMutableRawPointer?)
        throws(DeviceExchangeError)
    {
        try call("collecting") { functions, end in
            functions.collect(numbers, numbers, count, Self.float32, Self.sum, 0, end, stream)
        }
    }

    /// Replaces numbers by those of the first end.
    ///
    /// - Throws: `DeviceExchangeError`.
    package func handOut(_ numbers: UnsafeMutableRawPointer, count: Int, on stream: UnsafeMutableRawPointer?)
        throws(DeviceExchangeError)
    {
        try call("handing out") { functions, end in
            functions.hand_out(numbers, numbers, count, Self.float32, 0, end, stream)
        }
    }

    private static let float32 = Int32(CNCCL_FLOAT32)
    private static let sum = Int32(CNCCL_SUM)

    // MARK: - The end

    /// Makes sure that nothing of what was asked for has failed so far.
    ///
    /// - Throws: `DeviceExchangeError`.
    package func check() throws(DeviceExchangeError) {
        var found: Int32 = 0
        try call("looking for errors") { functions, end in functions.find_error(end, &found) }
        try library.check("computing together", found)
    }

    /// Ends the connection, and what is under way on it, which would never end where another process is lost. Recordings
    /// that take part in it have to be gone before.
    ///
    /// It is not waited for any longer than a moment: NCCL may wait for others that are lost, and this process has to end.
    package func end() {
        let found = communicator.withLock { communicator in
            defer { communicator.reference = nil }
            return communicator
        }
        guard found.reference != nil else { return }
        let (flag, abort) = (Ended(), library.functions.abort)
        let started: ()? = try? ThreadMaker.current.start("nccl end") {
            if let reference = found.reference { _ = abort(reference) }
            flag.isSet.store(true, ordering: .releasing)
        }
        let deadline = ContinuousClock.now + Self.patience
        while started != nil, !flag.isSet.load(ordering: .acquiring), ContinuousClock.now < deadline {
            usleep(500)
        }
    }

    private static let patience = Duration.seconds(2)

    private final class Ended: Sendable {
        let isSet = Atomic<Bool>(false)
    }

    private func call(
        _ operation: String, _ body: (cnccl_library, cnccl_communicator_ref) -> Int32
    ) throws(DeviceExchangeError) {
        let result = communicator.withLock { $0.reference.map { body(library.functions, $0) } }
        guard let result else { throw .failed(operation: operation, reason: "the connection was ended") }
        try library.check(operation, result)
    }
}
