import ArgumentParser
import Foundation
import Torch
import VQADatasets
import VisualQuestionAnswering

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write a model as a repository of the Hugging Face hub, to publish it.",
        usage: """
            \(Program.name) export --checkpoint <file> --output <folder> [<options>]
            \(Program.name) export --model <name> --output <folder> [<options>]
            """,
        discussion: """
            The folder has the weights (model.safetensors), settings and answers (config.json), words (vocab.txt), how \
            features were made of pictures where that is known (extraction.json), and a page that describes the model \
            (README.md), with the accuracies that were measured after its epochs where metrics.jsonl lies beside the \
            checkpoint. Its licence is yours to fill in. '--model <folder>' of ask, predict and evaluate answers as the \
            checkpoint does.

            A checkpoint of ours has its words and answers; an official one takes them from the dataset, or from \
            --answers. A model that is published already (--model) is written in the form that it has, its weights as \
            safetensors; ViLT and LXMERT that were fine-tuned (--checkpoint) in transformers' form.
            """)

    @OptionGroup var model: ModelOptions
    @Option(
        help: ArgumentHelp(
            "The folder to write, which must be new or empty.", valueName: "folder"))
    var output: String
    @OptionGroup var dataset: DatasetOptions
    @Option(
        help: ArgumentHelp(
            "An answer list in the official form, for a checkpoint without one.", valueName: "file"))
    var answers: String?
    @OptionGroup var settings: ConfigurationOptions
    @Flag(help: "Print what was written as JSON, in place of the path of the folder.") var json = false

    func run() throws {
        try requireFit()
        let export = try ModelExport(to: output)
        let summary = try write(export)
        let command = [
            Program.name, "ask", "--model", output, "--picture", "PICTURE", "--question", "...",
        ]
        Console.note("next: \(ShellQuoting.line(command))")
        if summary.files.contains(ModelExport.cardFile), model.model == nil {
            Console.note("\(output)/\(ModelExport.cardFile) names no licence: fill it in before you publish")
        }
        guard json else { return try Console.result(path: output) }
        try Console.result(json: summary)
    }

    private func write(_ export: ModelExport) throws -> ModelExport.Summary {
        var options = Registries.answererOptions()
        guard let published = try model.published.source() else {
            options.device = .cpu
            options.precision = .float32
            options.changeSettings = settings.apply
            options.place = dataset.place == DatasetPlace(folder: nil) ? nil : dataset.place
            options.answerFile = answers
            return try export.write(model.answerer(options), command: Program.name)
        }
        return try export.write(
            publishedModel: published.folder, answerFile: answers ?? published.answerFile,
            wordFile: published.wordFile, options)
    }

    private func requireFit() throws {
        if model.model != nil, settings.file != nil || !settings.settings.isEmpty {
            throw ValidationError("--config and --set are for a checkpoint: expected neither with --model")
        }
        var files = CommandFiles()
        files.readAnswering(model, dataset, answers: answers, settings)
        files.read("--model", model.model)
        files.write("--output", output)
        try files.requireDistinct()
    }
}
