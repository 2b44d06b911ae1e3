import ArgumentParser
import Foundation
import VisualQuestionAnswering

struct DoctorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "doctor",
        abstract: "Check what a run needs, and say what to do about what is wrong.",
        discussion: """
            Looks at libtorch, the processor, threads, memory, the working folder, the caches, CUDA, MPI and the clock, as \
            this command finds them: start it where, and as, a run is to be started. A line a check begins with ok, with \
            note where a run works and could be faster or do more, or with wrong where it would fail. What is to be done \
            stands behind an arrow.

            The code is 0 where nothing is wrong. A machine without a GPU is not wrong: the CPU computes.
            """)

    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let report = DoctorReport(ProcessInfo.processInfo.environment)
        if json {
            try Console.result(json: report)
        } else {
            for finding in report.checks { try Console.result(finding.line) }
        }
        let wrong = report.checks.filter { $0.state == .wrong }.map(\.check)
        guard wrong.isEmpty else { throw RunWouldFail(checks: wrong) }
    }
}

/// What all checks have found.
struct DoctorReport: Encodable {
    let version: String
    let checks: [Finding]

    /// Looks at all there is.
    ///
    /// - Parameter environment: The variables to go by.
    init(_ environment: [String: String]) {
        version = PackageVersion.current
        // In the order in which one thing needs another.
        checks =
            [
                LibtorchCheck.own.finding, ProcessorCheck.own(environment).finding,
                ThreadsCheck.own(environment).finding,
            ]
            + [MemoryCheck.own.finding] + FolderCheck.all(environment).map(\.finding)
            + [DeviceCheck.own.finding, ProcessesCheck.own(environment).finding, ClockCheck.own.finding]
    }
}

/// At least one check has found what a run would fail at.
private struct RunWouldFail: Error, CustomStringConvertible {
    let checks: [String]
    var description: String {
        "a run would fail: \(checks.joined(separator: ", ")); the lines that begin with wrong say what to do"
    }
}
