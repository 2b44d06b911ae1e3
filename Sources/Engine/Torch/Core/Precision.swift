import CTorch

/// In how many bits a network computes.
public enum Precision: String, Sendable, CaseIterable {
    /// Single precision throughout.
    case float32
    /// Products in bfloat16, as PyTorch's autocast has it; what needs more stays in single precision.
    case bfloat16
    /// Products in half precision, likewise. Training scales the loss (``LossScale``), or small gradients vanish.
    case float16
    /// Products of whole numbers of 8 bits (`Linear.roundToInt8`), for inference on the CPU.
    case int8

    /// What training on a device does best: mixed precision on a GPU, in bfloat16 where the GPU has it.
    public static func best(on device: Device) -> Precision {
        guard device != .cpu else { return .float32 }
        return device.capability >= 8 ? .bfloat16 : .float16
    }

    /// The type that autocast computes in; nil where there is no autocast.
    var autocastType: DType? {
        switch self {
        case .float32, .int8: nil
        case .bfloat16: .bfloat16
        case .float16: .float16
        }
    }

    /// Runs `body` with the operators that gain from it, and lose little, in this precision: PyTorch's autocast.
    ///
    /// A weight is converted each time that a layer is applied: what one thread computes does not depend on others.
    ///
    /// - Throws: `TorchError` where `body` is inside another such call already; what `body` throws.
    public func autocast<Result>(on device: Device, _ body: () throws -> Result) throws -> Result {
        guard let autocastType else { return try body() }
        try checkBridge("autocast") { ctorch_autocast_begin(device.type, autocastType.rawValue, $0) }
        defer { ctorch_autocast_end(device.type) }
        return try body()
    }

    /// Runs `body` in the precision of its tensors, within a call of ``autocast(on:_:)`` too.
    static func withoutAutocast<Result, Failure: Error>(
        on device: Device, _ body: () throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let wasEnabled = ctorch_autocast_set_enabled(device.type, false)
        defer { _ = ctorch_autocast_set_enabled(device.type, wasEnabled) }
        return try body()
    }
}
