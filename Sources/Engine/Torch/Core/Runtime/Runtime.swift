import CTorch

/// libtorch's own settings and random numbers.
public enum TorchRuntime {
    /// The version of the libtorch that is loaded; that of the libtorch that this was compiled for where it does not say.
    public static let version = buildSetting("TORCH_VERSION") ?? compiledVersion

    /// The version of the libtorch that this was compiled for, and that it needs.
    package static var compiledVersion: String { String(cString: ctorch_header_version()) }

    /// Which CUDA the libtorch that is loaded was built with, `13.0` for example; nil for none.
    package static var cudaVersion: String? { buildSetting("CUDA_VERSION") }

    /// For which processors the kernels of the libtorch that is loaded are: `AVX512`, `AVX2` or `DEFAULT`, where the variable
    /// `ATEN_CPU_CAPABILITY` may ask for less than the processor has.
    package static var processorKernels: String? { buildText("CPU capability usage: ", until: "\n") }

    /// A setting of those that libtorch was built with, in a text that has `NAME=VALUE, `.
    private static func buildSetting(_ name: String) -> String? { buildText(" \(name)=", until: ",") }

    private static func buildText(_ beginning: String, until end: Character) -> String? {
        guard let start = buildSettings.firstRange(of: beginning)?.upperBound else { return nil }
        let text = buildSettings[start...].prefix { $0 != end }
        return text.isEmpty ? nil : String(text)
    }

    /// What libtorch says of how it was built.
    private static let buildSettings = (try? withBridgeText("settings") { ctorch_build_settings($0) }) ?? ""

    /// How many threads an operator may use on the CPU; no more than OpenMP starts, for of fewer than it asks for libtorch makes
    /// wrong numbers.
    public static var threadCount: Int {
        get { Int(ctorch_thread_count()) }
        set { ctorch_set_thread_count(Int32(clamping: max(1, newValue))) }
    }

    /// Runs `body` with operators that use the calling thread alone.
    ///
    /// On the CPU their results then depend on nothing but what they are given: with several threads, sums are cut
    /// where the number of threads says.
    package static func onOneThread<Result>(_ body: () throws -> Result) rethrows -> Result {
        let earlier = ctorch_exchange_thread_counts(ctorch_thread_counts(operators: 1, products: 1))
        defer { _ = ctorch_exchange_thread_counts(earlier) }
        return try body()
    }

    /// Runs `body`, in which linear layers in float32 on the CPU make their products with our own kernels for AVX-512, or with
    /// MKL's. Else they take ours on AMD's processors from Zen 5 on, where MKL does not use AVX-512. Without AVX-512 there is
    /// but MKL.
    package static func withOwnProducts<Result>(_ areOwn: Bool, _ body: () throws -> Result) rethrows
        -> Result
    {
        let before = ctorch_set_own_products(areOwn)
        defer { _ = ctorch_set_own_products(before) }
        return try body()
    }

    /// Keeps freed memory for the tensors to come, instead of handing it back to the system at once.
    ///
    /// Training makes and drops the same tensors every step; mapping their memory anew each time costs
    /// about a tenth of a step. A setting of the whole process, for a program to make at its start.
    package static func keepFreedMemory() { ctorch_keep_freed_memory() }

    /// Makes sure that the processor multiplies whole numbers of 8 bits exactly and fast.
    ///
    /// - Throws: `TorchError` that says what it lacks.
    package static func requireInt8Products() throws(TorchError) {
        guard ctorch_has_int8_products() else {
            throw TorchError(
                operation: "int8", reason: "expected a processor with AVX-512 VNNI, found one without")
        }
    }

    /// Starts the random numbers of every device anew.
    public static func seed(_ seed: UInt64) { ctorch_manual_seed(seed) }

    /// The state of a device's random number generator (uint8 `[n]`), to go on from later.
    package static func generatorState(of device: Device = .cpu) throws(TorchError) -> Tensor {
        Tensor(
            owning: try withBridgeError("generator state") {
                ctorch_generator_state(device.type, Int32(clamping: device.index), $0)
            })
    }

    /// Puts a device's random number generator back to a state that `generatorState(of:)` gave.
    ///
    /// - Throws: `TorchError` where the tensor is no such state.
    package static func setGeneratorState(_ state: Tensor, of device: Device = .cpu) throws(TorchError) {
        try checkBridge("generator state") {
            ctorch_set_generator_state(device.type, Int32(clamping: device.index), state.handle, $0)
        }
    }
}
