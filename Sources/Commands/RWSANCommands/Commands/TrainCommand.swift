import FileSystem
import ArgumentParser
import Foundation
import Torch
import VQADatasets
import VQATraining
import VisualQuestionAnswering

struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train", abstract: "Train a model on a dataset, or go on with a run.",
        usage: DatasetOptions.usage("train", "--name <name> [<options>]")
            + "\n\(Program.name) train --data <folder> --name <name> --model <name> [--pictures <folder>] [<options>]"
            + "\n\(Program.name) train --show-settings [--config <file>] [--set <key=value> ...] [--json]",
        discussion: """
            A run writes a checkpoint an epoch to ckpts/ckpt_NAME/ below the working folder, with metrics.jsonl and event \
            files for TensorBoard beside them ('tensorboard --logdir ckpts' shows the curves, also while the run goes on); \
            its log to results/log/; and the latest answers to the val questions to results/cache/. The path of the last \
            checkpoint is the result.

            Ctrl-C (or a signal HUP, QUIT or TERM) finishes the step at hand, writes a checkpoint and says how to go \
            on; a second one ends the run at once. --resume goes on with the run, however it ended. A signal USR1, which \
            Slurm sends before a job's time is over, does the same.

            mpirun and srun start several processes, which share the questions of each step on the processors, or the GPUs, of \
            one machine or many.

            --start-from begins a run with the weights of another one. The network's sizes are the checkpoint's, where it \
            has them. Words and answers are the dataset's: those that the checkpoint knows too keep its weights, the others \
            are new, and so is all that the optimizer keeps.

            --model fine-tunes a published model: its weights and its pieces of words, on the dataset's questions. It keeps \
            its own answers where all of the dataset's are among them; else the answers are the dataset's, and those that it \
            knows keep its weights. ViLT looks at the pictures (--pictures), LXMERT at features of a detector. The settings \
            are those that the authors fine-tuned with; those of another rate, batch or count of epochs are yours to set.
            """)

    @OptionGroup var dataset: DatasetOptions
    @OptionGroup var published: PublishedModelOption
    @OptionGroup var pictures: PicturesOption
    @Option(help: "The name of the run. Needed to train.") var name: String?
    @OptionGroup var settings: ConfigurationOptions
    @Flag(help: "Show every setting with its value, and train nothing.") var showSettings = false
    @Option(
        help: ArgumentHelp(
            "An answer list in the official form; built from the annotations if not given.", valueName: "file"
        ))
    var answers: String?
    @Option(
        help: ArgumentHelp(
            "GloVe's vectors, which start the word embedding: a text, or a zip with one; glove.840B.300d.txt or .zip is "
                + "looked for if not given.", valueName: "file"))
    var glove: String?
    @Option(
        help: ArgumentHelp(
            "The checkpoint to go on from, or a folder of them for the one that has come furthest.",
            valueName: "path"))
    var resume: String?
    @Option(
        help: ArgumentHelp(
            "A checkpoint, ours or an official .pkl, whose weights a new run starts with, whatever its words and answers.",
            valueName: "file"))
    var startFrom: String?
    @OptionGroup var devices: DevicesOption
    @OptionGroup var precision: PrecisionOption
    @OptionGroup var gpu: GPUOptions
    @OptionGroup var processes: ProcessesOption
    @OptionGroup var metric: MetricOption
    @Flag(
        help: """
            Leave out questions about images whose features cannot be read, of val too, and count them; else a damaged \
            store is an error before the first step, and the first damaged file stops the run, which can be gone on with.
            """)
    var skipDamaged = false
    @Flag(help: "Write no event files for TensorBoard, which else lie beside metrics.jsonl.")
    var noTensorboard = false
    @Flag(help: "Show nothing between the ends of epochs.") var quiet = false
    @Flag(help: "Print what happens as JSON, an object a line.") var json = false
    @Option(
        help: ArgumentHelp(
            "Record the third to fifth step, and write them to this .json file as a trace for Chrome's viewer or "
                + "Perfetto.", valueName: "file"))
    var profile: String?

    /// Makes sure that there is what training needs.
    private func requireFit() throws {
        try dataset.requirePlace()
        guard let name else { throw ValidationError("expected --name NAME, the name of the run") }
        guard !name.isEmpty, !name.hasSlash else {
            throw ValidationError("--name: expected a name without /")
        }
        let starts = [
            ("--resume", resume != nil), ("--start-from", startFrom != nil),
            ("--model", published.model != nil),
        ]
        if let error = StartAndResumeError(starts) { throw ValidationError("\(error)") }
    }

    func run() throws {
        guard !showSettings else {
            return try SettingsListing(settings, startingFrom: published.source()).show(asJSON: json)
        }
        try requireFit()
        let share = try processes.join()
        let output = TrainingOutput(asJSON: json, showsSteps: !quiet)
        var request = TrainingRun.Request(
            name: name ?? "", place: dataset.place, configuration: try Registries.configuration())
        try requireDistinctFiles(of: RunFolder(name: request.name, in: request.workingFolder))
        let profileFile = try profile.map(OutputPath.init)
        let devices = try devices.resolve(for: share)
        request.changeSettings = settings.apply
        request.resume = resume
        request.startFrom = startFrom
        request.startFromModel = try share.oncePerMachine { try published.source() }
        request.pictures = pictures.folder
        request.answerFile = answers
        request.glove = glove.map { URL(fileURLWithPath: $0) }
        request.devices = devices
        request.share = share
        request.precision = try precision.resolve(for: .training, on: devices[0])
        request.gpu = gpu.use
        request.skipsDamaged = skipDamaged
        request.metric = metric.version
        request.profile = profileFile?.url
        request.writesEvents = !noTensorboard
        request.onNotice = output.notices.note
        request.onStart = output.start
        request.onProgress = output.show
        let interrupts = Interrupts(note: "finishing the step at hand (again to end at once)")
        request.shouldStop = { interrupts.isRequested }
        try run(TrainingRun(request), output, interrupts)
    }

    private func run(_ run: TrainingRun, _ output: TrainingOutput, _ interrupts: Interrupts) throws {
        let outcome = try Self.explained {
            try run.train(
                onEvent: output.show, shouldStop: { interrupts.isRequested || output.failure != nil })
        }
        Console.clearProgress()
        if let profile = run.trainer.profile {
            output.notices.note(
                profile.isWritten
                    ? "a trace of steps \(profile.steps) is in \(profile.file.relativePath)"
                    : "the run ended before step \(profile.steps.lowerBound), so there is no trace")
        }
        switch outcome {
        case .finished(let checkpoint): try output.finish(checkpoint)
        case .interrupted(let checkpoint):
            try output.interrupt(checkpoint, goingOn: goingOn(from: checkpoint, on: run.trainer.devices))
            throw interrupts.exitCode
        }
    }

    /// The command line that goes on with the run.
    private func goingOn(from checkpoint: String, on devices: [Device]) -> String {
        let launcher = JoinedProcesses.launcherWords
        let device = launcher.isEmpty || devices == [.cpu] ? Device.list(devices) : "cuda"
        let words =
            launcher + [Program.name, "train"] + dataset.arguments
            + ["--name", name ?? "", "--resume", checkpoint, "--device", device]
            + (pictures.pictures.map { ["--pictures", $0] } ?? []) + precision.arguments + gpu.arguments
            + processes.arguments + metric.arguments + (skipDamaged ? ["--skip-damaged"] : [])
            + (noTensorboard ? ["--no-tensorboard"] : [])
        return ShellQuoting.line(words)
    }

    private func requireDistinctFiles(of run: RunFolder) throws {
        guard profile != nil else { return }
        var files = CommandFiles()
        files.read("--config", settings.file)
        files.read("--answers", answers)
        files.read("--glove", glove)
        files.read("--resume", resume)
        files.read("--start-from", startFrom)
        for file in dataset.place.textFiles { files.read("the dataset", file) }
        for file in [run.metrics, run.log, run.validationResult] { files.write("the run", file.path) }
        files.write("--profile", profile)
        try files.requireDistinct()
    }

    private static func explained<Result>(_ run: () throws -> Result) throws -> Result {
        do {
            return try run()
        } catch let error as RecordingError {
            throw UnrecordableModel(cause: error)
        }
    }
}

/// A model whose steps cannot be recorded.
struct UnrecordableModel: Error, CustomStringConvertible {
    let cause: RecordingError
    var description: String { "\(cause); --no-cuda-graphs trains the model without" }
}
