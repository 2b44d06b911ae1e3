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
        Registries.$current.withValue(Registries(models: models, datasets: datasets)) {
            CommandRun(root: RootCommand.self).run()
        }
    }

    /// Runs `serve` as a program of its own, which `main` starts where it is asked to.
    ///
    /// - Parameter start: Has a server answer until it is asked to end.
    package static func serve(with start: @escaping ServerStart.Start) {
        ServerStart.$current.withValue(ServerStart(start: start)) {
            CommandRun(root: ServeCommand.self).run()
        }
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
            ask answers a question of yours, and serve answers those of other programs. report tells how a run went, and \
            compare whether one is really better than another. export writes a model as the Hugging Face hub publishes \
            them. detect \
            shows what a region detector sees, and doctor checks what a run needs.

            '\(Program.name) help <command>' explains a command. '\(Program.name) help settings' lists the models, the \
            datasets and every setting, as --config and --set take them. --json has a command print what a program \
            can read. Results go to standard output, all else to standard error.

            The command lines of the official PyTorch release work too, with \(Program.name) in place of python3 \
            run.py: \(Program.name) --RUN=train --VERSION=RWSAN_val --GPU=0 --SPLIT=train --ACCU=1 --NW=4
            """,
        version: Program.versionWords,
        subcommands: [
            FetchCommand.self, ImportCommand.self, ExtractCommand.self, PackCommand.self, AnswersCommand.self,
            TrainCommand.self,
            EvaluateCommand.self, PredictCommand.self, JoinCommand.self, AskCommand.self, ServeCommand.self,
            DetectCommand.self, ScoreCommand.self, CompareCommand.self, ReportCommand.self,
            ExportCommand.self,
            InfoCommand.self, DoctorCommand.self, SettingsCommand.self,
        ])
}
