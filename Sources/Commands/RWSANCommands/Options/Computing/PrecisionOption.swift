import ArgumentParser
import Torch

/// `--precision auto|float32|bfloat16|float16|int8`
struct PrecisionOption: ParsableArguments {
    @Option(
        help: """
            In what precision to compute: auto, float32, bfloat16, float16, or int8, which is for answering on a CPU \
            with AVX-512 VNNI. auto is float32 on a CPU, and mixed precision on a GPU.
            """)
    var precision = "auto"

    /// The arguments that say the same; none where it is left to the command.
    var arguments: [String] { precision == "auto" ? [] : ["--precision", precision] }

    /// What a command does in the precision.
    enum Purpose {
        case training
        case answering
    }

    /// The precision asked for.
    ///
    /// - Throws: `UnusablePrecision` where it is unknown, or not for this purpose or device.
    func resolve(for purpose: Purpose, on device: Device) throws -> Precision {
        guard precision != "auto" else { return .best(on: device) }
        guard let chosen = Precision(rawValue: precision) else {
            let names = ["auto"] + Precision.allCases.map(\.rawValue)
            throw UnusablePrecision(
                precision: precision, reason: "expected one of \(names.joined(separator: ", "))")
        }
        guard chosen == .int8 else { return chosen }
        guard purpose == .answering else {
            throw UnusablePrecision(precision: precision, reason: "it is for answering, not for training")
        }
        guard device == .cpu else {
            throw UnusablePrecision(precision: precision, reason: "it is for the CPU (--device cpu)")
        }
        do {
            try TorchRuntime.requireInt8Products()
        } catch {
            throw UnusablePrecision(precision: precision, reason: error.reason)
        }
        return chosen
    }
}

struct UnusablePrecision: WrongUse {
    let precision: String
    let reason: String
    var description: String { "--precision \(precision): \(reason)" }
}
