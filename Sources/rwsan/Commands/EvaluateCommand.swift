import ArgumentParser
import Foundation
import VQAData
import VQATraining

struct EvaluateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evaluate", abstract: "Answer the val questions and print the official accuracy.")

    @Option(help: "A checkpoint: ours, or an official .pkl.") var checkpoint: String
    @Option(help: "The datasets folder, in the official layout.") var data: String
    @Option(help: "An answer list in the official form.") var answers: String?
    @Option(help: "Also write the answers to this file.") var output: String?
    @OptionGroup var settings: ConfigurationOptions
    @OptionGroup var device: DeviceOption
    @Flag(help: "Print JSON.") var json = false

    func run() throws {
        let resultFile = try output.map(OutputPath.init)
        let device = try device.resolve()
        let dataset = try OfficialDataset(URL(fileURLWithPath: data))
        let metric = AccuracyMetric(try dataset.annotations(.val))
        let loaded = try LoadedModel(
            checkpoint, settings, dataset: dataset, answerFile: answers, device: device)
        let predictions = try loaded.answer(loaded.questions(dataset, .val), on: device)
            .predictions(loaded.answers)
        if let resultFile { try ResultFile.write(predictions, to: resultFile.url) }
        try AccuracyOutput(metric.evaluate(predictions)).show(asJSON: json)
    }
}
