import FileSystem
import Torch

/// The libtorch that is loaded, against the one that the program was built for.
struct LibtorchCheck {
    private static let name = "libtorch"

    let expected: String
    let found: String
    /// Where it was loaded from; nil where the system does not say.
    let path: String?
    /// Why it does not compute; nil where it does.
    let failure: String?

    var finding: Finding {
        let text = found + (path.map { ", \($0)" } ?? "")
        guard found == expected else {
            return .wrong(
                Self.name, text,
                advice:
                    "expected \(expected), which \(Program.name) was built with: take another out of LD_LIBRARY_PATH and "
                    + "LD_PRELOAD, or run scripts/setup and build again")
        }
        if let failure {
            return .wrong(
                Self.name, "\(text): \(failure)",
                advice:
                    "its files are damaged, or for another kind of processor: scripts/setup --verify repairs them"
            )
        }
        return .ok(Self.name, text)
    }

    /// That of this process.
    static var own: LibtorchCheck {
        LibtorchCheck(
            expected: TorchRuntime.compiledVersion, found: TorchRuntime.version,
            path: libraryPath(in: SmallFile.systemText(of: "/proc/self/maps")), failure: failure())
    }

    /// Where the library lies.
    ///
    /// - Parameter maps: The lines of `/proc/self/maps`, of which the last of six parts is a path.
    static func libraryPath(in maps: String) -> String? {
        maps.split(separator: "\n").lazy
            .compactMap {
                $0.split(separator: " ", maxSplits: 5, omittingEmptySubsequences: true).last?.drop {
                    $0 == " "
                }
            }
            .first { $0.hasSuffix("/libtorch_cpu.so") }.map(String.init)
    }

    /// Multiplies two small matrices, on the calling thread alone.
    private static func failure() -> String? {
        do {
            let sum = try TorchRuntime.onOneThread {
                try Tensor.full([8, 16], 3).matmul(Tensor.full([16, 8], 0.5)).sum().item()
            }
            return sum == 8 * 8 * 16 * 1.5 ? nil : "a product of matrices came out as \(sum)"
        } catch {
            return "a product of matrices failed: \(error)"
        }
    }
}
