import ArgumentParser
import Foundation
import VQAData
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
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let device = try device.resolve()
        let dataset = try dataset.open()
        let metric = AccuracyMetric(try dataset.annotations(.val))
        let loaded = try LoadedModel(
            checkpoint, settings, dataset: dataset, answerFile: answers, device: device)
        try makeFolders(of: output, saveLogits, log)
        let found = try loaded.answer(
            loaded.questions(dataset, .val), on: device, keepingLogits: saveLogits != nil)
        let predictions = found.predictions(loaded.answers)
        if let output { try ResultFile.write(predictions, to: URL(fileURLWithPath: output)) }
        if let saveLogits { try LogitsFile.write(found, to: saveLogits) }
        let report = try metric.evaluate(predictions)
        if let log { try OfficialLog.append(report, to: URL(fileURLWithPath: log)) }
        try AccuracyOutput(report).show(asJSON: json)
    }
}
