import ArgumentParser
import Foundation
import Hub
import VisualQuestionAnswering

/// `--checkpoint FILE`, or `--model vilt|lxmert|NAME|FOLDER`
struct ModelOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The checkpoint: ours, or an official .pkl.", valueName: "file"))
    var checkpoint: String?
    @Option(
        help: ArgumentHelp(
            "In place of a checkpoint, a model as the Hugging Face hub publishes it: vilt, lxmert, the name of a "
                + "repository, or a folder, such as '\(Program.name) export' makes. The hub's is fetched into the hub's own "
                + "cache when it is first used.",
            valueName: "name"))
    var model: String?
    @Flag(help: "Fetch nothing: take --model from the hub's cache. So does HF_HUB_OFFLINE=1.") var offline =
        false

    /// The repositories that have short names.
    static let shortNames = [
        "vilt": "dandelin/vilt-b32-finetuned-vqa", "lxmert": "unc-nlp/lxmert-vqa-uncased",
    ]

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
        guard let published = try published() else {
            return try Answerer(checkpoint: checkpoint ?? "", options)
        }
        var options = options
        options.answerFile = options.answerFile ?? published.answers
        options.wordFile = published.words
        return try Answerer(publishedModel: published.folder, options)
    }

    /// Where the files of a published model are, fetched where need be.
    struct Published {
        let folder: String
        /// Its answers, where they are not in the folder.
        var answers: String?
        /// Its words, where they are not in the folder.
        var words: String?
    }

    /// The published model; nil for a checkpoint.
    func published() throws -> Published? {
        guard let model else { return nil }
        guard let repository = try Self.repository(model) else { return Published(folder: model) }
        let interrupts = Interrupts(note: "stopping (again to end at once)")
        do {
            let fetched = try PublishedModelFetch(
                repository: repository, isOffline: offline, interrupts: interrupts
            ).run()
            return Published(folder: fetched.folder, answers: fetched.answers, words: fetched.words)
        } catch is FetchStopped {
            Console.note("stopped; what has come is kept: the same command goes on")
            throw interrupts.exitCode
        }
    }

    /// The repository of the hub that a name stands for; nil for a folder.
    ///
    /// - Throws: `ValidationError` where it is neither.
    static func repository(_ name: String) throws -> HubRepository? {
        if let id = shortNames[name] { return try HubRepository(id) }
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: name, isDirectory: &isFolder) { return nil }
        guard name.split(separator: "/", omittingEmptySubsequences: false).count == 2, !name.hasPrefix("."),
            let repository = try? HubRepository(name)
        else {
            throw ValidationError(
                "--model: expected \(shortNames.keys.sorted(by: >).joined(separator: ", ")), a repository of the hub such as "
                    + "\(shortNames["vilt"] ?? ""), or a folder, found '\(name)'")
        }
        return repository
    }
}
