import ArgumentParser
import Foundation
import VisualQuestionAnswering

/// `--checkpoint FILE`, or `--model FOLDER`
struct ModelOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The checkpoint: ours, or an official .pkl.", valueName: "file"))
    var checkpoint: String?
    @Option(
        help: ArgumentHelp(
            "In place of a checkpoint: a model as the Hugging Face hub publishes it, ViLT or LXMERT, by its folder.",
            valueName: "folder"))
    var model: String?

    /// Makes sure that there is one of both.
    mutating func validate() throws {
        guard (checkpoint == nil) != (model == nil) else {
            throw ValidationError(
                checkpoint == nil
                    ? "expected --checkpoint FILE, or --model FOLDER"
                    : "expected one of --checkpoint and --model, found both")
        }
    }

    /// The model, loaded.
    func answerer(_ options: Answerer.Options) throws -> Answerer {
        if let checkpoint { return try Answerer(checkpoint: checkpoint, options) }
        return try Answerer(publishedModel: model ?? "", options)
    }
}
