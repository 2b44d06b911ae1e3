import ArgumentParser
import VisualQuestionAnswering

/// `--checkpoint FILE`, or `--model vilt|lxmert|NAME|FOLDER`
struct ModelOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The checkpoint: ours, or an official .pkl.", valueName: "file"))
    var checkpoint: String?
    @OptionGroup var published: PublishedModelOption

    /// What `--model` names.
    var model: String? { published.model }

    /// Makes sure that there is one of both.
    func validate() throws {
        guard (checkpoint == nil) != (model == nil) else {
            throw ValidationError(
                checkpoint == nil
                    ? "expected --checkpoint FILE, or --model with a name or a folder"
                    : "expected one of --checkpoint and --model, found both")
        }
    }

    /// The model, loaded.
    func answerer(_ options: Answerer.Options) throws -> Answerer {
        guard let source = try options.share.oncePerMachine({ try published.source() }) else {
            return try Answerer(checkpoint: checkpoint ?? "", options)
        }
        var options = options
        options.answerFile = options.answerFile ?? source.answerFile
        options.wordFile = source.wordFile
        return try Answerer(publishedModel: source.folder, options)
    }
}
