import ArgumentParser
import Foundation
import Torch
import Workers

/// A process that runs a command: every error becomes one line and a code other than 0.
struct CommandRun {
    /// The command at the root of the command line.
    let root: any ParsableCommand.Type

    /// Runs the command that the process was started with.
    func run() {
        let isOutputOpen = StandardStreams.fill()
        TorchRuntime.keepFreedMemory()
        JoinedProcesses.use(processors: Processors.count)
        // A file size limit and a reader that has gone are errors of writing, told as such, and no sudden end.
        signal(SIGXFSZ, SIG_IGN)
        signal(SIGPIPE, SIG_IGN)
        // Swift's runtime shows a stack trace at Ctrl-\ and has the program go on.
        signal(SIGQUIT, SIG_DFL)
        Interrupts.unblock()
        let code = exitCode(isOutputOpen: isOutputOpen, Array(CommandLine.arguments.dropFirst()))
        Foundation.exit(JoinedProcesses.leave(code).rawValue)
    }

    private func exitCode(isOutputOpen: Bool, _ arguments: [String]) -> ExitCode {
        var path = CommandPath(arguments, root: root)
        do {
            guard isOutputOpen else { throw StandardOutputError.closed }
            let modern = try OfficialForm.modernArguments(for: arguments)
            path = CommandPath(modern, root: root)
            try path.requireKnown()
            var command = try root.parseAsRoot(path.arguments)
            try command.run()
            return .success
        } catch {
            return reported(error, path)
        }
    }

    /// Says in one line what went wrong, and gives what the process ends with.
    private func reported(_ error: any Error, _ path: CommandPath) -> ExitCode {
        switch error {
        case let code as ExitCode:
            return code
        case _ where root.exitCode(for: error) == .success:
            // The help or the version that was asked for.
            let text = root.fullMessage(for: error, columns: Console.columns)
            return shown(text == Program.versionWords ? Program.versionText : text)
        case _ where error is ValidationError || root.exitCode(for: error) == .validationFailure:
            tell("\(ErrorLine.inOneLine(root.message(for: error))); see '\(path.helpCommand)'", error)
            return .validationFailure
        default:
            tell(ErrorLine.text(for: error), error)
            return error is any WrongUse ? .validationFailure : .failure
        }
    }

    private func tell(_ text: String, _ error: any Error) {
        if let origin = JoinedProcesses.origin(of: error) { Console.error(origin + text) }
    }

    private func shown(_ text: String) -> ExitCode {
        do {
            try Console.lines(text)
            return .success
        } catch {
            Console.error(ErrorLine.text(for: error))
            return .failure
        }
    }
}
