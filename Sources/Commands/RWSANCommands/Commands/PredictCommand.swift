import ArgumentParser
import Foundation
import VQADatasets
import VQAVision
import VisualQuestionAnswering

struct PredictCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "predict", abstract: "Answer the questions of a split, in the form that EvalAI takes.",
        usage: DatasetOptions.usage(
            "predict", "--checkpoint <file> --split <split> --output <file> [<options>]")
                + """

                \(Program.name) predict --pictures-and-questions <file> --checkpoint <file> --output <file> [<options>]
                """,
        discussion: """
            A checkpoint of ours has its words and answers; an official one takes them from the dataset, or from \
            --answers.

            --pictures-and-questions takes the questions from a file in place of a dataset: an object a line, with id, \
            question, and either picture or features, a path that counts from the file's folder. The answers have the \
            same form as a dataset's.
            """)

    @OptionGroup var model: ModelOptions
    @OptionGroup var dataset: DatasetOptions
    @Option(
        help: ArgumentHelp(
            "An answer list in the official form, for a checkpoint without one.", valueName: "file"))
    var answers: String?
    @Option(help: "The split whose questions are answered: \(Registries.splits).") var split: String?
    @Option(
        help: ArgumentHelp(
            "Which of N parts of the split's questions to answer, 1/N to N/N, into a file that join takes.",
            valueName: "I/N"))
    var shard: String?
    @Option(
        help: ArgumentHelp(
            "Questions about pictures of your own, in place of a dataset: JSON Lines.", valueName: "file"))
    var picturesAndQuestions: String?
    @OptionGroup var pictures: PicturesOption
    @OptionGroup var detection: DetectorOptions
    @Option(help: ArgumentHelp("The file to write the answers to.", valueName: "file")) var output: String
    @Option(
        help: ArgumentHelp(
            "Also write the logits of every answer to this safetensors file.", valueName: "file"))
    var saveLogits: String?
    @OptionGroup var settings: ConfigurationOptions
    @OptionGroup var device: DeviceOption
    @OptionGroup var processes: ProcessesOption
    @OptionGroup var precision: PrecisionOption
    @OptionGroup var damaged: DamagedOption
    @Flag(help: "Print what was done as JSON, in place of the path of the answers.") var json = false

    func run() throws {
        try requireQuestions()
        try requireDistinctFiles()
        let share = try processes.join()
        let resultFile = try OutputPath(output)
        let logitsFile = try saveLogits.map(OutputPath.init)
        let device = try device.resolve(for: share)
        var options = Registries.answererOptions()
        options.device = device
        options.share = share
        options.part = try ExtractionPart.part(ofOption: shard)
        options.precision = try precision.resolve(for: .answering, on: device)
        options.changeSettings = settings.apply
        options.place = dataset.place == DatasetPlace(folder: nil) ? nil : dataset.place
        options.pictures = pictures.folder
        options.detectorWeights = try detection.weights()
        if let count = try detection.regionCount() { options.regions = count }
        options.answerFile = answers
        options.skipsDamaged = damaged.skipDamaged
        let start = ContinuousClock.now
        let answerer = try model.answerer(options)
        let predictions = try AnsweringProgress().show { onProgress in
            do {
                if let picturesAndQuestions {
                    return try answerer.predict(
                        questionsIn: URL(fileURLWithPath: picturesAndQuestions),
                        savingLogitsTo: logitsFile?.path, onProgress: onProgress)
                }
                return try answerer.predict(
                    split: split ?? "", savingLogitsTo: logitsFile?.path, onProgress: onProgress)
            } catch let error as SplitOfNoDatasetError {
                throw ValidationError("--split: \(error)")
            }
        }
        if share.isWriting {
            if let dataset = answerer.dataset {
                try dataset.write(predictions, to: resultFile.url)
            } else {
                try ResultFile.write(predictions, to: resultFile.url)
            }
        }
        Console.note("answered \(predictions.count) questions")
        answerer.cutNotice.map(Console.note)
        guard json else { return try Console.result(path: output) }
        try Console.result(
            json: PredictSummary(
                output: output, logits: saveLogits, split: split, questions: predictions.count,
                seconds: (ContinuousClock.now - start) / .seconds(1)))
    }

    /// Makes sure that there are questions from one place.
    private func requireQuestions() throws {
        guard picturesAndQuestions != nil else {
            try dataset.requirePlace()
            guard split != nil else {
                throw ValidationError("expected --split with a dataset, or --pictures-and-questions FILE")
            }
            return
        }
        guard split == nil, pictures.pictures == nil, shard == nil else {
            throw ValidationError(
                "--pictures-and-questions brings questions and pictures: expected neither --split, --shard nor --pictures "
                    + "with it")
        }
    }

    private func requireDistinctFiles() throws {
        var files = CommandFiles()
        files.read("--pictures-and-questions", picturesAndQuestions)
        files.readAnswering(model, dataset, answers: answers, settings)
        files.write("--output", output)
        files.write("--save-logits", saveLogits)
        try files.requireDistinct()
    }
}

/// What was done, for programs.
private struct PredictSummary: Encodable {
    let output: String
    let logits: String?
    let split: String?
    let questions: Int
    let seconds: Double
}
