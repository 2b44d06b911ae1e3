import Foundation
import Torch

/// The program as it names itself.
enum Program {
    /// The version of the package: the one place where it is written.
    static let version = "0.4.0"

    /// The executable's name: `rwsan`, or that of another package that has these commands.
    static let name: String = {
        let own = CommandLine.arguments.first.map { URL(fileURLWithPath: $0).lastPathComponent } ?? ""
        return own.isEmpty ? "rwsan" : own
    }()

    /// What `--version` prints.
    static var versionLine: String { "rwsan \(version), libtorch \(TorchRuntime.version)" }
}
