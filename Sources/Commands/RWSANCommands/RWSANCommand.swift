import ArgumentParser
import Foundation
import Torch
import VQADatasets
import VQAModels

/// An option whose value cannot be meant, and which says all that its help does.
protocol WrongUse: Error, CustomStringConvertible {}

/// The command line of `rwsan`.
///
/// A package of your own has all of it, with its models and datasets beside ours, in an executable of one line:
///
///     RWSANCommand.main(models: ModelRegistry([RWSAN.self, MyModel.self]))
public enum RWSANCommand {
    /// Runs the command that the process was started with; an error becomes one line and a code other than 0.
    ///
    /// - Parameters:
    ///   - models: The models that settings and checkpoints can name.
    ///   - datasets: The datasets that they can name.
    public static func main(models: ModelRegistry = .standard, datasets: DatasetRegistry = .standard) {
        Registries.$current.withValue(Registries(models: models, datasets: datasets)) { RootCommand.run() }
    }
}

/// The root of the command line: one subcommand a file, in `Commands`.
struct RootCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: Program.name,
        abstract: "Answer questions about images: train a model, measure it, ask it.",
        usage: "\(Program.name) <command> [<options>]",
        discussion: """
            From pictures to answers: fetch brings a dataset, or import makes one of your own, extract makes features of its pictures (or pack stores \
            those that you have), train makes a checkpoint of a model, evaluate and predict answer a split with it, \
            and ask answers a question of yours. report tells how a run went, and compare whether one is really better \
            than another. export writes a model as the Hugging Face hub publishes them. detect \
            shows what a region detector sees.

            '\(Program.name) help <command>' explains a command. '\(Program.name) help settings' lists the models, the \
            datasets and every setting, as --config and --set take them. --json has a command print what a program \
            can read. Results go to standard output, all else to standard error.

            The command lines of the official PyTorch release work too, with \(Program.name) in place of python3 \
            run.py: \(Program.name) --RUN=train --VERSION=RWSAN_val --GPU=0 --SPLIT=train --ACCU=1 --NW=4
            """,
        version: Program.versionLine,
        subcommands: [
            FetchCommand.self, ImportCommand.self, ExtractCommand.self, PackCommand.self, AnswersCommand.self,
            TrainCommand.self,
            EvaluateCommand.self, PredictCommand.self, AskCommand.self, DetectCommand.self, ScoreCommand.self,
            CompareCommand.self, ReportCommand.self, ExportCommand.self, InfoCommand.self,
            SettingsCommand.self,
        ])

    /// Runs a subcommand.
    static func run() {
        let isOutputOpen = StandardStreams.fill()
        TorchRuntime.keepFreedMemory()
        // A file size limit and a reader that has gone are errors of writing, told as such, and no sudden end.
        signal(SIGXFSZ, SIG_IGN)
        signal(SIGPIPE, SIG_IGN)
        // Swift's runtime shows a stack trace at Ctrl-\ and has the program go on.
        signal(SIGQUIT, SIG_DFL)
        Interrupts.unblock()
        Foundation.exit(
            exitCode(isOutputOpen: isOutputOpen, Array(CommandLine.arguments.dropFirst())).rawValue)
    }

    private static func exitCode(isOutputOpen: Bool, _ arguments: [String]) -> ExitCode {
        var path = CommandPath(arguments)
        do {
            guard isOutputOpen else { throw StandardOutputError.closed }
            let modern = try OfficialForm.modernArguments(for: arguments)
            path = CommandPath(modern)
            try path.requireKnown()
            var command = try parseAsRoot(path.arguments)
            try command.run()
            return .success
        } catch {
            return reported(error, path)
        }
    }

    /// Says in one line what went wrong, and gives what the process ends with.
    private static func reported(_ error: any Error, _ path: CommandPath) -> ExitCode {
        switch error {
        case let code as ExitCode:
            return code
        case _ where exitCode(for: error) == .success:
            // The help or the version that was asked for.
            return shown(fullMessage(for: error, columns: Console.columns))
        case _ where error is ValidationError || exitCode(for: error) == .validationFailure:
            Console.error("\(ErrorLine.inOneLine(message(for: error))); see '\(path.helpCommand)'")
            return .validationFailure
        default:
            Console.error(ErrorLine.text(for: error))
            return error is any WrongUse ? .validationFailure : .failure
        }
    }

    private static func shown(_ text: String) -> ExitCode {
        do {
            try Console.lines(text)
            return .success
        } catch {
            Console.error(ErrorLine.text(for: error))
            return .failure
        }
    }
}
