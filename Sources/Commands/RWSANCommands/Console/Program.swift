import Foundation
import Torch
import VisualQuestionAnswering

/// The program as it names itself.
enum Program {
    /// The executable's name: `rwsan`, or that of another package that has these commands.
    static let name: String = {
        let own = CommandLine.arguments.first.map { URL(fileURLWithPath: $0).lastPathComponent } ?? ""
        return own.isEmpty ? "rwsan" : own
    }()

    /// The first words of what `--version` prints, which are all that is known without asking libtorch or a driver.
    static let versionWords = "rwsan \(PackageVersion.current)"

    /// What `--version` prints: the version and libtorch's, which kernels the processor gives, and CUDA where it is there.
    static var versionText: String {
        let cuda = DeviceCheck.own
        var lines = [
            "\(versionWords), libtorch \(TorchRuntime.version)",
            "processor: \(ProcessorCheck.own(ProcessInfo.processInfo.environment).description)",
        ]
        if cuda.driver != .missing { lines.append("CUDA: \(cuda.finding.found)") }
        return lines.joined(separator: "\n")
    }
}
