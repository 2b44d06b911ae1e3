import ArgumentParser
import Foundation
import VQADatasets
import VQATraining
import VisualQuestionAnswering

struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate", abstract: "Answer the val questions of a dataset, and print the accuracy.",
        usage: DatasetOptions.usage("evaluate", "--checkpoint <file> [<options>]"),
        discussion: """
            The accuracy is the official one, by answer type and by question type. A checkpoint of ours has its words \
            and answers; an official one takes them from the dataset, or from --answers.
            """)

    @OptionGroup var model: ModelOptions
    @OptionGroup var dataset: DatasetOptions
    @Option(
        help: ArgumentHelp(
            "An answer list in the official form, for a checkpoint without one.", valueName: "file"))
    var answers: String?
    @OptionGroup var pictures: PicturesOption
    @Option(help: ArgumentHelp("Also write the answers to this file, as predict does.", valueName: "file"))
    var output: String?
    @Option(
        help: ArgumentHelp(
            "Also write the logits of every answer to this safetensors file.", valueName: "file"))
    var saveLogits: String?
    @Option(help: ArgumentHelp("Also add the accuracy to the end of this log.", valueName: "file"))
    var log: String?
    @OptionGroup var metric: MetricOption
    @OptionGroup var settings: ConfigurationOptions
    @OptionGroup var device: DeviceOption
    @OptionGroup var processes: ProcessesOption
    @OptionGroup var precision: PrecisionOption
    @OptionGroup var damaged: DamagedOption
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        try dataset.requirePlace()
        try requireDistinctFiles()
        let share = try processes.join()
        let resultFile = try output.map(OutputPath.init)
        let logitsFile = try saveLogits.map(OutputPath.init)
        let logFile = try log.map(OutputPath.init)
        let device = try device.resolve(for: share)
        var options = Registries.answererOptions()
        options.device = device
        options.share = share
        options.precision = try precision.resolve(for: .answering, on: device)
        options.changeSettings = settings.apply
        options.place = dataset.place
        options.pictures = pictures.folder
        options.answerFile = answers
        options.metric = metric.version
        options.skipsDamaged = damaged.skipDamaged
        let answerer = try model.answerer(options)
        let evaluation = try AnsweringProgress().show {
            try answerer.evaluate(savingLogitsTo: logitsFile?.path, onProgress: $0)
        }
        guard share.isWriting else { return }
        if let resultFile { try answerer.dataset?.write(evaluation.predictions, to: resultFile.url) }
        if let logFile { try OfficialLog.append(evaluation.report, to: logFile.url) }
        try AccuracyOutput(evaluation.report).show(asJSON: json)
        answerer.cutNotice.map(Console.note)
    }

    private func requireDistinctFiles() throws {
        var files = CommandFiles()
        files.readAnswering(model, dataset, answers: answers, settings)
        files.write("--output", output)
        files.write("--save-logits", saveLogits)
        files.write("--log", log)
        try files.requireDistinct()
    }
}

extension CommandFiles {
    /// Adds what answering the questions of a dataset reads.
    mutating func readAnswering(
        _ model: ModelOptions, _ dataset: DatasetOptions, answers: String?, _ settings: ConfigurationOptions
    ) {
        read("--checkpoint", model.checkpoint)
        read("--answers", answers)
        read("--config", settings.file)
        for file in dataset.place.textFiles { read("the dataset", file) }
    }
}
