import Testing

@testable import Torch

/// What libtorch and the kernels say of the processor and of themselves.
@Suite struct ProcessorTests {
    @Test("the kernels that run are for instructions that the processor has")
    func kernels() {
        let processor = Processor.own
        // With the thread sanitizer kernels are compiled for any processor, and products with packed weights as ever.
        #expect(processor.hasPackedProducts || processor.kernels != .v4)
        #expect(!processor.hasPackedProducts || processor.instructions.contains("avx512_f"))
        switch processor.kernels {
        case .v4:
            #expect(processor.instructions.isSuperset(of: ["avx2", "avx512_f", "avx512_bw", "avx512_vl"]))
        case .v3: #expect(processor.instructions.contains("avx2"))
        case .any: break
        }
        #expect(!processor.hasInt8Products || processor.instructions.contains("avx512_vnni"))
        #expect(["AVX512", "AVX2", "DEFAULT"].contains(processor.libtorchKernels))
    }

    @Test("instructions are named as people know them, in one order")
    func names() {
        func named(_ instructions: Set<String>) -> String {
            Processor(
                instructions: instructions, kernels: .any, hasPackedProducts: false, hasInt8Products: false,
                libtorchKernels: nil
            ).namedInstructions
        }
        #expect(named(["avx512_bf16", "sse2", "avx2", "avx512_f"]) == "AVX2, AVX-512, BF16")
        #expect(named(["sse2"]).hasPrefix("none of "))
    }

    @Test("the libtorch that is loaded says its own version, which is the one that this was compiled for")
    func versions() {
        #expect(TorchRuntime.version == "2.11.0")
        #expect(TorchRuntime.compiledVersion == "2.11.0")
    }
}
