import ArgumentParser
import Foundation
import Torch
import VQAModels
import VQATraining

/// The command line of `rwsan`.
public enum RWSANCommand {
    /// Runs the command that the process was started with; an error becomes one line and a code other than 0.
    public static func main() { RootCommand.run() }
}

/// The root of the command line: one subcommand a file, in `Commands`.
struct RootCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rwsan",
        abstract: "Visual question answering: train, evaluate and ask RWSAN.",
        discussion: """
            The command lines of the official PyTorch release work too, with `rwsan` in place of \
            `python3 run.py`: rwsan --RUN=train --VERSION=RWSAN_val --GPU=0 --SPLIT=train --ACCU=1 --NW=4
            """,
        subcommands: [
            FetchCommand.self, ExtractCommand.self, PackCommand.self, AnswersCommand.self, TrainCommand.self,
            EvaluateCommand.self, PredictCommand.self, AskCommand.self, ScoreCommand.self, InfoCommand.self,
        ])

    /// Runs a subcommand.
    static func run() {
        TorchRuntime.keepFreedMemory()
        // A file size limit and a reader that has gone are errors of writing, told as such, and no sudden end.
        signal(SIGXFSZ, SIG_IGN)
        signal(SIGPIPE, SIG_IGN)
        do {
            let arguments = Array(CommandLine.arguments.dropFirst())
            var command = try parseAsRoot(OfficialForm.modernArguments(for: arguments))
            try command.run()
        } catch {
            exit(withError: reported(error))
        }
    }

    /// Says in one line what went wrong, and gives what the process ends with.
    private static func reported(_ error: any Error) -> any Error {
        switch error {
        case is CleanExit, is ExitCode:
            return error
        case is InterruptedError:
            Console.note("\(error)")
            return ExitCode(128 + SIGINT)
        case _ where exitCode(for: error) == .success:
            return error  // The help that was asked for.
        case _ where error is ValidationError || exitCode(for: error) == .validationFailure:
            Console.error("\(message(for: error)); see '\(helpCommand)'")
            return ExitCode.validationFailure
        default:
            Console.error(ErrorLine.text(for: error))
            return ExitCode.failure
        }
    }

    /// What tells about the command that was given.
    private static var helpCommand: String {
        let names = configuration.subcommands.compactMap { $0.configuration.commandName }
        let given = CommandLine.arguments.dropFirst().first { names.contains($0) }
        return (["rwsan"] + [given, "--help"].compactMap { $0 }).joined(separator: " ")
    }
}
