import CNCCL

/// NCCL, which adds up numbers of several GPUs: the library that comes with libtorch for CUDA.
package struct NCCLLibrary: Sendable {
    let functions: cnccl_library

    /// - Parameter functions: NCCL's, or what tests have in their place.
    package init(_ functions: cnccl_library) { self.functions = functions }

    /// Loads the library that lies among those of the system, of `LD_LIBRARY_PATH` and of libtorch.
    ///
    /// - Throws: `DeviceExchangeError` where there is none, or it lacks a function.
    package static func load() throws(DeviceExchangeError) -> NCCLLibrary {
        let functions = UnsafeMutablePointer<cnccl_library>.allocate(capacity: 1)
        defer { functions.deallocate() }
        if let reason = cnccl_load("libnccl.so.2", functions) {
            throw .notThere(reason: String(cString: reason))
        }
        return NCCLLibrary(functions.pointee)
    }

    /// Makes sure that a function has succeeded.
    ///
    /// - Throws: `DeviceExchangeError` with what NCCL says.
    func check(_ operation: String, _ result: Int32) throws(DeviceExchangeError) {
        guard result != 0, result != CNCCL_IN_PROGRESS else { return }
        let texts = [functions.error_text(result), functions.last_error(nil)].compactMap {
            $0.map { String(cString: $0) }
        }
        throw .failed(operation: operation, reason: texts.filter { !$0.isEmpty }.joined(separator: ": "))
    }

    /// Has what the calling thread asks for in `body` begin together, as it must where one thread asks for several GPUs.
    ///
    /// - Throws: What `body` throws; `DeviceExchangeError`.
    package func together(_ body: () throws -> Void) throws {
        try check("beginning", functions.begin_group())
        let result = Result { try body() }
        let ending = functions.end_group()
        try result.get()
        try check("ending", ending)
    }
}

/// Why GPUs cannot add up their numbers.
package enum DeviceExchangeError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The library cannot be loaded.
    case notThere(reason: String)
    /// NCCL has refused something.
    case failed(operation: String, reason: String)

    /// One line.
    package var description: String {
        switch self {
        case .notThere(let reason):
            "several GPUs cannot compute together without NCCL: \(reason); run scripts/setup --cuda, or use one GPU"
        case .failed(let operation, let reason):
            "NCCL: \(operation) failed: \(reason); NCCL_DEBUG=INFO tells more, and --device with one GPU does without"
        }
    }
}
