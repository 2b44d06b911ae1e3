import ArgumentParser
import Foundation
import VQADatasets
import VQATraining

struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate", abstract: "Answer the val questions and print the official accuracy.")

    @Option(help: "A checkpoint: ours, or an official .pkl.") var checkpoint: String
    @OptionGroup var dataset: DatasetOptions
    @Option(help: "An answer list in the official form.") var answers: String?
    @Option(help: "Also write the answers to this file.") var output: String?
    @Option(help: "Also write the logits of every answer to this safetensors file.") var saveLogits: String?
    @Option(help: "Also add the accuracies to this log.") var log: String?
    @OptionGroup var settings: ConfigurationOptions
    @OptionGroup var device: DeviceOption
    @OptionGroup var precision: PrecisionOption
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let resultFile = try output.map(OutputPath.init)
        let logitsFile = try saveLogits.map(OutputPath.init)
        let logFile = try log.map(OutputPath.init)
        let device = try device.resolve()
        let precision = try precision.resolve(for: .answering, on: device)
        let dataset = try dataset.open()
        let metric = AccuracyMetric(try dataset.annotations(.val))
        let loaded = try LoadedModel(
            checkpoint, settings, dataset: dataset, answerFile: answers, device: device,
            precision: precision)
        let found = try loaded.answer(
            loaded.questions(dataset, .val), savingLogitsTo: logitsFile)
        let predictions = found.predictions(loaded.answers)
        if let resultFile { try ResultFile.write(predictions, to: resultFile.url) }
        let report = try metric.evaluate(predictions)
        if let logFile { try OfficialLog.append(report, to: logFile.url) }
        try AccuracyOutput(report).show(asJSON: json)
    }
}
