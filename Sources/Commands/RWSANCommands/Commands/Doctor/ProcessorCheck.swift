import FileSystem
import Foundation
import Torch

/// The processor's instructions, and which kernels they give.
struct ProcessorCheck {
    private static let name = "processor"

    /// What the system calls it; nil where it does not say.
    let model: String?
    let processor: Processor
    /// What `ATEN_CPU_CAPABILITY` asks libtorch for; nil for nothing.
    let asked: String?

    var finding: Finding {
        let text = [model, description].compactMap { $0 }.joined(separator: ": ")
        if let asked, let kernels = processor.libtorchKernels, kernels.lowercased() != best {
            return .note(
                Self.name, text,
                advice:
                    "ATEN_CPU_CAPABILITY=\(asked) keeps libtorch from kernels that this processor has: unset it"
            )
        }
        switch processor.kernels {
        case .v4: return .ok(Self.name, text)
        case .v3:
            return .note(
                Self.name, text,
                advice:
                    "a processor with AVX-512 answers faster, with packed weights, and has --precision int8")
        case .any:
            return .note(
                Self.name, text, advice: "expect several times the time that a processor with AVX2 takes")
        }
    }

    /// The instructions and the kernels.
    var description: String {
        let more =
            (processor.hasPackedProducts ? ["packed weights"] : [])
            + (processor.hasInt8Products ? ["--precision int8"] : [])
        let own = (["kernels for \(processor.kernels.rawValue)"] + more).joined(separator: ", ")
        return "\(processor.namedInstructions); \(own)"
            + (processor.libtorchKernels.map { "; libtorch's for \($0)" } ?? "")
    }

    /// What libtorch takes by itself.
    private var best: String {
        switch processor.kernels {
        case .v4: "avx512"
        case .v3: "avx2"
        case .any: "default"
        }
    }

    /// That of this process.
    static func own(_ environment: [String: String]) -> ProcessorCheck {
        let asked = environment["ATEN_CPU_CAPABILITY"].flatMap { $0.isEmpty ? nil : $0 }
        return ProcessorCheck(
            model: model(in: SmallFile.systemText(of: "/proc/cpuinfo")), processor: .own, asked: asked)
    }

    /// What the first processor is called.
    ///
    /// - Parameter text: The lines of `/proc/cpuinfo`: `model name : NAME`.
    static func model(in text: String) -> String? {
        let line = text.split(separator: "\n").first { $0.hasPrefix("model name") } ?? ""
        let name = line.drop { $0 != ":" }.dropFirst().trimmingCharacters(in: .whitespaces)
        return name.isEmpty ? nil : name
    }
}
