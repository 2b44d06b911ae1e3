import ArgumentParser
import Foundation
import Torch
import VQADatasets
import VisualQuestionAnswering

struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train", abstract: "Train a model, or go on training one.",
        discussion: """
            Checkpoints go to ckpts/ckpt_NAME/ below the working folder, one an epoch, with metrics.jsonl \
            beside them; the log goes to results/log/, and the latest answers to the val questions to \
            results/cache/. Ctrl-C finishes the step at hand, writes a checkpoint and says how to go on.
            """)

    @OptionGroup var dataset: DatasetOptions
    @Option(help: "The name of the run.") var name: String
    @OptionGroup var settings: ConfigurationOptions
    @Option(help: "An answer list in the official form; else it is built from the annotations.")
    var answers: String?
    @Option(
        help:
            "GloVe's vectors, which start the word embedding: a text or a zip with it; else glove.840B.300d.txt or .zip is looked for."
    )
    var glove: String?
    @Option(help: "A checkpoint to go on from, or a folder of them for the one that has come furthest.")
    var resume: String?
    @OptionGroup var devices: DevicesOption
    @OptionGroup var precision: PrecisionOption
    @OptionGroup var gpu: GPUOptions
    @OptionGroup var metric: MetricOption
    @Flag(
        help: """
            Leave out questions about pictures whose features cannot be read, of val too, and count them; else a damaged \
            store is an error before the first step, and the first damaged file stops the run, which can be gone on with.
            """)
    var skipDamaged = false
    @Flag(help: "Show nothing between the ends of epochs.") var quiet = false
    @Option(
        help:
            "Record the third to fifth step, and write them to this .json file as a trace for Chrome's viewer or Perfetto."
    )
    var profile: String?

    func validate() throws {
        guard !name.isEmpty, !name.contains("/") else {
            throw ValidationError("--name: expected a name without /")
        }
    }

    func run() throws {
        let profileFile = try profile.map(OutputPath.init)
        let devices = try devices.resolve()
        let line = ProgressLine(showsSteps: !quiet)
        var request = TrainingRun.Request(name: name, place: dataset.place)
        request.changeSettings = settings.apply
        request.resume = resume
        request.answerFile = answers
        request.glove = glove.map { URL(fileURLWithPath: $0) }
        request.devices = devices
        request.precision = try precision.resolve(for: .training, on: devices[0])
        request.gpu = gpu.use
        request.skipsDamaged = skipDamaged
        request.metric = metric.version
        request.profile = profileFile?.url
        request.onNotice = Console.note
        request.onProgress = line.show
        try run(TrainingRun(request), line)
    }

    private func run(_ run: TrainingRun, _ line: ProgressLine) throws {
        let interrupts = Interrupts { Console.note("finishing the step at hand (again to end at once)") }
        let outcome = try Self.explained {
            try run.train(shouldStop: { interrupts.isRequested }, onEvent: line.show)
        }
        Console.clearProgress()
        if let profile = run.trainer.profile {
            Console.note(
                profile.isWritten
                    ? "a trace of steps \(profile.steps) is in \(profile.file.relativePath)"
                    : "the run ended before step \(profile.steps.lowerBound), so there is no trace")
        }
        switch outcome {
        case .finished(let checkpoint): try Console.result(checkpoint)
        case .interrupted(let checkpoint):
            let goingOn =
                ["rwsan", "train"] + dataset.arguments
                + ["--name", name, "--resume", checkpoint, "--device", Device.list(run.trainer.devices)]
                + precision.arguments + gpu.arguments + metric.arguments
                + (skipDamaged ? ["--skip-damaged"] : [])
            Console.note("stopped; to go on: \(ShellQuoting.line(goingOn))")
            throw ExitCode(128 + SIGINT)
        }
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
