import CTorch
import Foundation

/// Records what libtorch does and when, as a trace that Chrome's viewer (`chrome://tracing`) and Perfetto open.
///
/// It is the profiler that PyTorch has: operators with the shapes of their inputs, their backward, and on a
/// GPU every kernel. Only one can run at a time, for the thread that started it.
package enum Profiler {
    /// Starts recording.
    ///
    /// - Parameter device: Where the work runs; kernels are recorded where that is a GPU.
    /// - Throws: `TorchError` where recording has been started before.
    package static func start(on device: Device = .cpu) throws(TorchError) {
        try checkBridge("profiler") { ctorch_profiler_start(device != .cpu, $0) }
    }

    /// Ends recording and writes the trace, whole or not at all.
    ///
    /// - Parameter file: Where the trace goes; nil throws it away.
    /// - Throws: `TorchError` where nothing is being recorded, and where the file cannot be written.
    package static func stop(writingTo file: URL?) throws(TorchError) {
        guard let file else {
            try checkBridge("profiler") { ctorch_profiler_stop(nil, $0) }
            return
        }
        // The profiler takes names that end in .json alone, and reports no failure to write.
        let partial = file.appendingPathExtension("partial.json")
        try checkBridge("profiler") { ctorch_profiler_stop(partial.path, $0) }
        guard rename(partial.path, file.path) == 0 else {
            let reason = String(cString: strerror(errno))
            unlink(partial.path)
            throw TorchError(operation: "profiler", reason: "\(file.path) cannot be written: \(reason)")
        }
    }

    /// Gives a stretch of time a name in the trace; costs next to nothing while nothing is recorded.
    package static func named<Result, Failure: Error>(
        _ name: String, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let scope = ctorch_scope_begin(name)
        defer { ctorch_scope_end(scope) }
        return try body()
    }
}
