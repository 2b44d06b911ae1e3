import CTorch

/// Where a tensor's memory lies and its operators run.
public enum Device: Hashable, Sendable, CustomStringConvertible {
    case cpu
    /// A CUDA device by its number, counted from 0.
    case cuda(Int)

    /// Reads `cpu`, `cuda` (device 0) or `cuda:N`.
    ///
    /// - Throws: `TorchError` for anything else.
    public init(parsing text: String) throws(TorchError) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        switch (parts.first, parts.count) {
        case ("cpu", 1): self = .cpu
        case ("cuda", 1): self = .cuda(0)
        case ("cuda", 2):
            guard let index = Int(parts[1]), (0..<128).contains(index) else { fallthrough }
            self = .cuda(index)
        default:
            throw TorchError(operation: "device", reason: "expected cpu or cuda:N, found '\(text)'")
        }
    }

    /// `cpu` or `cuda:N`.
    public var description: String {
        switch self {
        case .cpu: "cpu"
        case .cuda(let index): "cuda:\(index)"
        }
    }

    var type: String {
        switch self {
        case .cpu: "cpu"
        case .cuda: "cuda"
        }
    }

    var index: Int {
        switch self {
        case .cpu: -1
        case .cuda(let index): index
        }
    }

    /// Which of the CUDA devices it is; 0 for the CPU.
    package var number: Int { max(0, index) }

    /// The first CUDA device where there is one, else the CPU.
    public static var best: Device { (try? cudaDeviceCount()) == nil ? .cpu : .cuda(0) }

    /// How many CUDA devices can be used. Loads libtorch's CUDA library on the first call.
    ///
    /// - Throws: `TorchError` with the reason where there is none.
    public static func cudaDeviceCount() throws(TorchError) -> Int {
        try withBridgeError("cuda") { error in
            let count = Int(ctorch_cuda_device_count(error))
            return count > 0 ? count : nil
        }
    }

    /// The NVIDIA driver of the machine.
    package enum Driver: Sendable, Equatable {
        case missing
        /// For which CUDA it is, `13.0` for example; nil where it does not say.
        case found(cuda: String?)
    }

    /// The NVIDIA driver. Loads no library of libtorch's.
    package static var driver: Driver {
        switch ctorch_cuda_driver_version() {
        case 0: .missing
        case let version where version > 0: .found(cuda: "\(version / 1000).\(version % 1000 / 10)")
        default: .found(cuda: nil)
        }
    }

    /// Makes sure that the device can be used.
    ///
    /// - Throws: `TorchError` that says why it cannot.
    public func requireAvailable() throws(TorchError) {
        guard case .cuda(let index) = self else { return }
        let count = try Device.cudaDeviceCount()
        guard index < count else {
            throw TorchError(
                operation: description,
                reason: "expected a device below \(count), the number of CUDA devices here")
        }
    }

    /// How many bytes of the device's memory nobody has taken, in this process or another.
    ///
    /// - Throws: `TorchError` where it cannot be found out, as for the CPU, whose memory the system shares out.
    package var freeMemory: Int {
        get throws(TorchError) {
            guard case .cuda(let index) = self else {
                throw TorchError(operation: "free memory", reason: "expected a CUDA device, found \(self)")
            }
            try requireAvailable()
            return try withBridgeError("free memory") { error in
                let byteCount = ctorch_cuda_free_memory(Int32(clamping: index), error)
                return byteCount < 0 ? nil : Int(byteCount)
            }
        }
    }

    /// The compute capability of a GPU before the point; 0 for the CPU.
    var capability: Int {
        guard case .cuda(let index) = self else { return 0 }
        return Int(ctorch_cuda_capability(Int32(clamping: index)))
    }

    /// Waits until all work given to the device is done.
    ///
    /// - Throws: `TorchError` where that work failed.
    public func synchronize() throws(TorchError) {
        guard case .cuda(let index) = self else { return }
        try checkBridge("synchronize") { ctorch_cuda_synchronize(Int32(clamping: index), $0) }
    }

    /// Gives this thread's work on the device to a stream of its own from here on, as ``RecordedWork`` needs it;
    /// does nothing for the CPU.
    ///
    /// - Throws: `TorchError` where work given to the device before has failed.
    package func useOwnStream() throws(TorchError) {
        guard case .cuda(let index) = self else { return }
        try checkBridge("stream") { ctorch_cuda_use_own_stream(Int32(clamping: index), $0) }
    }
}
