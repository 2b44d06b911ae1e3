import ArgumentParser
import Collectives
import Foundation
import Torch

/// `--process-timeout SECONDS`, and the processes that `mpirun` or `srun` has started to share a command's work.
struct ProcessesOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Where mpirun or srun has started several processes: how long one that does not answer is waited for. All end then.",
            valueName: "seconds"))
    var processTimeout = ProcessesOption.usualSeconds

    private static let usualSeconds = 30.0

    /// A day.
    private static let mostSeconds = 86_400.0

    /// The arguments that say the same.
    var arguments: [String] {
        processTimeout == Self.usualSeconds ? [] : ["--process-timeout", short(processTimeout)]
    }

    /// Joins the processes that a launcher has started, if one has. From here on process 0 alone prints, and each has
    /// the processors that are its share.
    ///
    /// - Throws: `ValidationError` where the option cannot be meant; `ProcessError`.
    func join() throws -> WorkShare {
        guard processTimeout >= 1, processTimeout <= Self.mostSeconds else {
            throw ValidationError(
                "--process-timeout: expected 1 to \(whole(Self.mostSeconds)) seconds, found \(short(processTimeout))"
            )
        }
        return WorkShare(try JoinedProcesses.join(timeout: .seconds(processTimeout)))
    }
}
