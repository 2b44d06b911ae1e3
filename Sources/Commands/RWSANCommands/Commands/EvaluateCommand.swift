import ArgumentParser
import Foundation
import VQADatasets
import VQATraining
import VisualQuestionAnswering

struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate", abstract: "Answer the val questions and print the official accuracy.")

    @Option(help: "A checkpoint: ours, or an official .pkl.") var checkpoint: String
    @OptionGroup var dataset: DatasetOptions
    @Option(help: "An answer list in the official form.") var answers: String?
    @Option(help: "Also write the answers to this file.") var output: String?
    @Option(help: "Also write the logits of every answer to this safetensors file.") var saveLogits: String?
    @Option(help: "Also add the accuracies to this log.") var log: String?
    @OptionGroup var metric: MetricOption
    @OptionGroup var settings: ConfigurationOptions
    @OptionGroup var device: DeviceOption
    @OptionGroup var precision: PrecisionOption
    @OptionGroup var damaged: DamagedOption
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let resultFile = try output.map(OutputPath.init)
        let logitsFile = try saveLogits.map(OutputPath.init)
        let logFile = try log.map(OutputPath.init)
        let device = try device.resolve()
        var options = Answerer.Options()
        options.device = device
        options.precision = try precision.resolve(for: .answering, on: device)
        options.changeSettings = settings.apply
        options.place = dataset.place
        options.answerFile = answers
        options.metric = metric.version
        options.skipsDamaged = damaged.skipDamaged
        options.onNotice = Console.note
        let answerer = try Answerer(checkpoint: checkpoint, options)
        let evaluation = try AnsweringProgress().show {
            try answerer.evaluate(savingLogitsTo: logitsFile?.path, onProgress: $0)
        }
        if let resultFile { try answerer.dataset?.write(evaluation.predictions, to: resultFile.url) }
        if let logFile { try OfficialLog.append(evaluation.report, to: logFile.url) }
        try AccuracyOutput(evaluation.report).show(asJSON: json)
    }
}
