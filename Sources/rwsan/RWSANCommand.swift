import ArgumentParser
import Foundation
import Torch

/// The command line: one subcommand a file, in `Commands`.
@main
struct RWSANCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rwsan",
        abstract: "Visual question answering: train, evaluate and ask RWSAN.",
        discussion: """
            The command lines of the official PyTorch release work too, with `rwsan` in place of \
            `python3 run.py`: rwsan --RUN=train --VERSION=RWSAN_val --GPU=0 --SPLIT=train --ACCU=1 --NW=4
            """,
        subcommands: [
            FetchCommand.self, ExtractCommand.self, PackCommand.self, TrainCommand.self,
            EvaluateCommand.self, PredictCommand.self, AskCommand.self, ScoreCommand.self, InfoCommand.self,
        ])

    /// Runs the command; an error becomes one line and a code other than 0.
    static func main() {
        TorchRuntime.keepFreedMemory()
        do {
            let arguments = Array(CommandLine.arguments.dropFirst())
            var command = try parseAsRoot(OfficialForm.modernArguments(for: arguments))
            try command.run()
        } catch let error as CleanExit {
            exit(withError: error)
        } catch let error as ExitCode {
            exit(withError: error)
        } catch {
            // The parser's own errors come with the usage of the subcommand at fault.
            guard isOurs(error) else { exit(withError: error) }
            Console.error(ErrorLine.text(for: error))
            exit(withError: ExitCode.failure)
        }
    }

    private static func isOurs(_ error: any Error) -> Bool {
        !(error is ValidationError) && exitCode(for: error) != .validationFailure
            && exitCode(for: error) != .success
    }
}
