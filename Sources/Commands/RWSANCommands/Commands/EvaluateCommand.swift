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
    @OptionGroup var metric: MetricOption
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
        // Before the work of loading a model for them.
        _ = (try dataset.questions(.val), try dataset.annotations(.val))
        let loaded = try LoadedModel(
            checkpoint, settings, dataset: dataset, answerFile: answers, device: device,
            precision: precision)
        let annotated = try dataset.annotatedQuestions(
            .val, vocabulary: loaded.vocabulary, maximumWords: loaded.configuration.maxToken,
            metric: metric.version)
        if let notice = annotated.notice { Console.note("val: \(notice)") }
        let found = try loaded.answer(
            loaded.builder(annotated.examples, of: dataset, .val), savingLogitsTo: logitsFile)
        let predictions = found.predictions(loaded.answers)
        if let resultFile { try ResultFile.write(predictions, to: resultFile.url) }
        let report = try annotated.metric.evaluate(predictions)
        if let logFile { try OfficialLog.append(report, to: logFile.url) }
        try AccuracyOutput(report).show(asJSON: json)
    }
}
