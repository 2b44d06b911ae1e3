import CTorch

/// What the processor has, of what kernels are chosen by.
package struct Processor: Sendable, Equatable {
    /// For which processors our own kernels are compiled: the best of those that this one is runs.
    package enum Kernels: String, Sendable {
        /// With AVX-512.
        case v4 = "x86-64-v4"
        /// With AVX2.
        case v3 = "x86-64-v3"
        case any = "any processor"
    }

    /// Its instructions by libtorch's names: `avx2`, `avx512_vnni`.
    package let instructions: Set<String>
    /// Which of our own kernels run.
    package let kernels: Kernels
    /// Whether products with packed weights run.
    package let hasPackedProducts: Bool
    /// Whether products of whole numbers of 8 bits run.
    package let hasInt8Products: Bool
    /// For which processors libtorch's kernels are that run: `AVX512`, `AVX2` or `DEFAULT`; nil where it does not say.
    package let libtorchKernels: String?

    /// - Parameters: As the properties.
    package init(
        instructions: Set<String>, kernels: Kernels, hasPackedProducts: Bool, hasInt8Products: Bool,
        libtorchKernels: String?
    ) {
        self.instructions = instructions
        self.kernels = kernels
        self.hasPackedProducts = hasPackedProducts
        self.hasInt8Products = hasInt8Products
        self.libtorchKernels = libtorchKernels
    }

    /// The one that the process runs on.
    package static var own: Processor {
        let names = (try? withBridgeText("processor") { ctorch_processor_features($0) }) ?? ""
        let kernels: Kernels =
            switch ctorch_kernel_level() {
            case 4: .v4
            case 3: .v3
            default: .any
            }
        return Processor(
            instructions: Set(names.split(separator: "\n").map(String.init)), kernels: kernels,
            hasPackedProducts: ctorch_has_packed_products(), hasInt8Products: ctorch_has_int8_products(),
            libtorchKernels: TorchRuntime.processorKernels)
    }

    /// What the instructions are called that products of matrices gain from.
    private static let names = [
        ("avx2", "AVX2"), ("avx512_f", "AVX-512"), ("avx512_vnni", "VNNI"), ("avx512_bf16", "BF16"),
        ("amx_tile", "AMX"),
        ("neon", "NEON"), ("sve", "SVE"),
    ]

    /// Those that it has: `AVX2, AVX-512, VNNI`.
    package var namedInstructions: String {
        let found = Self.names.filter { instructions.contains($0.0) }.map(\.1)
        return found.isEmpty ? "none of AVX2, AVX-512, VNNI, BF16, AMX" : found.joined(separator: ", ")
    }
}
