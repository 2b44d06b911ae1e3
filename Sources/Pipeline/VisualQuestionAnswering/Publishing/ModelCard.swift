import Foundation
import VQADatasets
import VQAModels
import VQASettings
import VQATraining
import VQAVision

/// The page that describes a model on the Hugging Face hub: lines of YAML, and behind them text.
///
/// It claims what the checkpoint and its run have noted, and nothing else. Form:
/// https://huggingface.co/docs/hub/model-cards
struct ModelCard {
    /// What was measured of the weights; nil where nothing was.
    let accuracy: EpochRecord?
    /// The file.
    let text: String

    /// - Parameters:
    ///   - answerer: The model.
    ///   - command: The name of the program.
    ///   - form: Whose form it is written in, where that is transformers'; nil for ours.
    /// - Throws: `CheckpointError` where the checkpoint's note on features, or accuracies beside it, cannot be read.
    init(_ answerer: Answerer, command: String, form: PublishedArchitecture? = nil) throws {
        let writer = try ModelCardWriter(answerer, command, form)
        accuracy = writer.accuracy
        text = try writer.text()
    }
}

private struct ModelCardWriter {
    private let answerer: Answerer
    private let command: String
    private let form: PublishedArchitecture?
    /// Of the run's epochs, up to the one that the checkpoint was written after.
    private let records: [EpochRecord]
    let accuracy: EpochRecord?

    private var configuration: Configuration { answerer.configuration }
    private var modelName: String { configuration.model.name }

    init(_ answerer: Answerer, _ command: String, _ form: PublishedArchitecture?) throws {
        (self.answerer, self.command, self.form) = (answerer, command, form)
        guard let training = answerer.training else {
            (records, accuracy) = ([], nil)
            return
        }
        records = try RunFolder.records(beside: answerer.path).filter { $0.epoch <= training.epoch }
        // Weights from the middle of an epoch were not evaluated.
        accuracy =
            training.stepInEpoch == 0
            ? records.last { $0.epoch == training.epoch && $0.overall != nil } : nil
    }

    func text() throws -> String {
        let parts = [
            frontMatter, opening, try input(), training(), try measurements(), use,
        ]
        return parts.joined(separator: "\n\n") + "\n"
    }

    /// What the hub reads. Under which licence a model stands is for its owner to say.
    private var frontMatter: String {
        var lines = [
            "---", "# license: to be filled in by whoever publishes the model",
            "library_name: \(form == nil ? "rwsan" : "transformers")",
            "pipeline_tag: visual-question-answering", "tags:", "- rwsan", "- visual-question-answering",
        ]
        // Data of one's own have VQA-v2's form too: there the name tells nothing of what was learned from.
        if configuration.dataset == EasyVQADataset.name {
            lines += ["datasets:", "- \(configuration.dataset)"]
        } else {
            lines.append(
                "# datasets: files of the form \(code(configuration.dataset)) were read; name the dataset here"
            )
        }
        return (lines + ["---"]).joined(separator: "\n")
    }

    private var opening: String {
        let parameters = answerer.model.parameters().reduce(0) { $0 + $1.count }
        return """
            # \(modelName)

            A model that answers questions about images. \(plain(configuration.model.summary))

            It has \(parameters) parameters in float32, knows \(answerer.vocabulary.count) \
            \(form == nil ? "words" : "pieces of words"), and chooses among \(answerer.answers.count) answers.
            """
    }

    private func input() throws -> String {
        let recipe = try answerer.featureRecipe.map { text in
            try CheckpointError.naming(answerer.path) { "\(try FeatureRecipe(parsing: text))" }
        }
        let made =
            recipe.map {
                let file = form == .viLT ? PublishedFiles.pictureFile : PublishedFiles.recipeFile
                return "They are features \(plain($0)); `\(file)` tells the program."
            }
            ?? "How they were made of pictures is not noted: the model needs features made as those that it was trained on."
        return """
            ## Input

            The model reads the features of an image's regions, \(configuration.data.imgFeatSize) numbers each, at most \
            \(configuration.data.imgFeatPadSize) regions, and questions of at most \(configuration.data.maxToken) words. \
            \(made)
            """
    }

    // MARK: - Training

    private func training() -> String {
        guard let training = answerer.training else {
            return """
                ## Training

                The weights come from `\(code(fileName(answerer.path)))`, which does not say how the model was trained. These \
                are the settings of the model and of its input:

                \(table(configuration.model.options.values + configuration.data.values))
                """
        }
        var lines = [
            "- epochs: \(training.epoch)"
                + (training.stepInEpoch > 0 ? ", and \(training.stepInEpoch) steps of the next" : ""),
            "- steps: \(training.step)"
                + ((training.skippedSteps ?? 0) > 0
                    ? ", of which half precision left out \(training.skippedSteps ?? 0)" : ""),
            "- seed: \(training.seed)",
        ]
        if let start = training.startedFrom {
            lines.append(
                "- start: the weights of `\(code(fileName(start.checkpoint)))` (\(start.tensors) tensors, the rows of "
                    + "\(start.words) words and of \(start.answers) answers)")
        }
        return """
            ## Training

            \(lines.joined(separator: "\n"))

            \(table(configuration.values))
            """
    }

    private func table(_ values: [(key: String, value: SettingValue)]) -> String {
        (["| setting | value |", "| --- | --- |"]
            + values.map { "| `\(code($0.key))` | `\(code("\($0.value)"))` |" }).joined(separator: "\n")
    }

    // MARK: - Accuracy

    private func measurements() throws -> String {
        guard let accuracy, let overall = accuracy.overall else {
            return """
                ## Accuracy

                None is claimed. \(noAccuracy)
                """
        }
        let types = (accuracy.perAnswerType ?? [:]).sorted { $0.key < $1.key }
        let rows = [("all", overall)] + types.map { ($0.key, $0.value) }
        let lines = rows.map { "| \(plain($0.0)) | \(String(format: "%.2f", $0.1)) |" }
        let leftOut = accuracy.leftOut.map {
            " \($0) questions were left out, for the features of their images could not be read."
        }
        let metric = accuracy.metric.map { "the metric `\(code($0))`" } ?? "the metric of an earlier version"
        return """
            ## Accuracy

            In percent, by \(metric), on the questions of `\(try configuration.datasetType.evaluatedSplit)` of the files that \
            the run was given, in the form of `\(code(configuration.dataset))`, after epoch \(accuracy.epoch). The run learned \
            from `\(code(configuration.data.split))`.\(leftOut ?? "")

            | answers | accuracy |
            | --- | --- |
            \(lines.joined(separator: "\n"))
            """ + earlierEpochs
    }

    private var noAccuracy: String {
        guard let training = answerer.training else { return "The checkpoint tells of none." }
        guard training.stepInEpoch == 0 else {
            return "The weights are from the middle of an epoch, after which nothing was measured."
        }
        return "None was found beside the checkpoint, or the run measured none after its last epoch."
    }

    private var earlierEpochs: String {
        let measured = records.filter { $0.overall != nil }
        guard measured.count > 1 else { return "" }
        // A run may have a million of them.
        let lines = measured.suffix(100).map {
            "| \($0.epoch) | \(String(format: "%.4f", $0.loss)) | \(String(format: "%.2f", $0.overall ?? 0)) |"
        }
        return "\n\n"
            + (["| epoch | loss | accuracy |", "| --- | --- | --- |"] + lines).joined(separator: "\n")
    }

    // MARK: - Use

    private var use: String {
        """
        ## Use

        MODEL is this repository's name, or a folder with its files:

            \(command) ask --model MODEL --picture picture.jpg --question "what is it?"
            \(command) predict --model MODEL --data datasets --split test --output result.json
            \(command) evaluate --model MODEL --data datasets
        """
    }

    // MARK: - Names out of files

    /// Only the file's own name: where it lay is nobody's concern.
    private func fileName(_ path: String) -> String { URL(fileURLWithPath: path).lastPathComponent }

    /// What may stand between backticks, in a table too.
    private func code(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.prefix(1000).map { scalar in
                    let isPlain =
                        scalar.properties.generalCategory != .control && !["`", "|"].contains(scalar)
                        && !["\u{2028}", "\u{2029}"].contains(scalar)
                    return isPlain ? scalar : "?"
                }))
    }

    /// What may stand in a text: nothing of it is taken for Markdown or HTML.
    private func plain(_ text: String) -> String {
        code(text).replacingOccurrences(of: "<", with: "&lt;").replacingOccurrences(of: "[", with: "\\[")
    }
}
