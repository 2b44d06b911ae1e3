import CTorch

/// Work on a device that is recorded once and started again as a whole: a CUDA graph.
///
/// A step of training is some thousand small pieces of work, which a GPU finishes faster than a processor can hand
/// them over one by one. Started again, the work reads and writes the same memory as when it was recorded: what
/// changes from one time to the next must be copied into tensors that it reads. Random numbers go on.
///
/// On the CPU, which would gain nothing, the work is done again as it is.
package final class RecordedWork {
    private let body: (() throws -> Void)?
    private let graph: ctorch_graph_ref?

    /// Records work without doing it; on the CPU, keeps it.
    ///
    /// - Parameters:
    ///   - device: Where the work is done, on the stream of ``Device/useOwnStream()``.
    ///   - other: Recorded work whose memory this may use as well. Neither may need what the other leaves in
    ///     tensors that were made within it.
    ///   - body: The work. It must not look at a tensor's numbers, and has been done before: libtorch sets some things
    ///     up when they are first used, which cannot be recorded.
    /// - Throws: `RecordingError` where something in it cannot be recorded, after which the process should end its work
    ///   on the device.
    package init(on device: Device, sharingMemoryOf other: RecordedWork?, _ body: @escaping () throws -> Void)
        throws
    {
        guard case .cuda(let index) = device else {
            (self.body, graph) = (body, nil)
            return
        }
        self.body = nil
        let shared = other.flatMap { $0.graph }
        let recording = try withBridgeError("recording") {
            ctorch_graph_begin(Int32(clamping: index), shared, $0)
        }
        do {
            try body()
            try checkBridge("recording") { ctorch_graph_end(recording, $0) }
        } catch {
            // It must be ended in any case. libtorch 2.11 does not let go of a recording that has failed: it is never
            // freed, and the device is of no more use to this process.
            try? checkBridge("recording") { ctorch_graph_end(recording, $0) }
            throw RecordingError(cause: error)
        }
        graph = recording
    }

    deinit { if let graph { ctorch_graph_free(graph) } }

    /// Does the work.
    ///
    /// - Throws: `TorchError` where the device refuses; on the CPU what the work throws.
    package func run() throws {
        try body?()
        guard let graph else { return }
        try checkBridge("replay") { ctorch_graph_replay(graph, $0) }
    }
}

/// Work that cannot be recorded.
public struct RecordingError: Error, CustomStringConvertible {
    /// What was in its way.
    public let cause: any Error
    /// One line.
    public var description: String { "a step cannot be recorded as a CUDA graph: \(cause)" }
}
