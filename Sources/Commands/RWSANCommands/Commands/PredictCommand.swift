import ArgumentParser
import Foundation
import VQADatasets
import VQATraining

struct PredictCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict", abstract: "Answer the questions of a split, in EvalAI's form.")

    @Option(help: "A checkpoint: ours, or an official .pkl.") var checkpoint: String
    @OptionGroup var dataset: DatasetOptions
    @Option(help: "An answer list in the official form.") var answers: String?
    @Option(help: "val, test or test-dev.") var split: String
    @Option(help: "The result file to write.") var output: String
    @Option(help: "Also write the logits of every answer to this safetensors file.") var saveLogits: String?
    @OptionGroup var settings: ConfigurationOptions
    @OptionGroup var device: DeviceOption
    @OptionGroup var precision: PrecisionOption

    func run() throws {
        let split = try DatasetSplit(named: split)
        let resultFile = try OutputPath(output)
        let logitsFile = try saveLogits.map(OutputPath.init)
        let device = try device.resolve()
        let precision = try precision.resolve(for: .answering, on: device)
        let dataset = try dataset.open()
        _ = try dataset.questions(split)  // Before the work of loading a model for them.
        let loaded = try LoadedModel(
            checkpoint, settings, dataset: dataset, answerFile: answers, device: device,
            precision: precision)
        let found = try loaded.answer(
            loaded.questions(dataset, split), savingLogitsTo: logitsFile)
        try ResultFile.write(found.predictions(loaded.answers), to: resultFile.url)
        Console.note("answered \(found.questionIDs.count) questions")
        try Console.result(output)
    }
}
