import ArgumentParser
import Foundation
import VQADatasets
import VisualQuestionAnswering

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
    @OptionGroup var damaged: DamagedOption

    func run() throws {
        let resultFile = try OutputPath(output)
        let logitsFile = try saveLogits.map(OutputPath.init)
        let device = try device.resolve()
        var options = Answerer.Options()
        options.device = device
        options.precision = try precision.resolve(for: .answering, on: device)
        options.changeSettings = settings.apply
        options.place = dataset.place
        options.answerFile = answers
        options.skipsDamaged = damaged.skipDamaged
        options.onNotice = Console.note
        let answerer = try Answerer(checkpoint: checkpoint, options)
        let predictions = try AnsweringProgress().show {
            try answerer.predict(split: split, savingLogitsTo: logitsFile?.path, onProgress: $0)
        }
        try answerer.dataset?.write(predictions, to: resultFile.url)
        Console.note("answered \(predictions.count) questions")
        try Console.result(output)
    }
}
