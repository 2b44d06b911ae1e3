import ArgumentParser
import Foundation
import Hub
import VisualQuestionAnswering

/// `--model vilt|lxmert|NAME|FOLDER`
struct PublishedModelOption: ParsableArguments {
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

    /// Where the files of the model are, fetched where need be; nil where none is named.
    func source() throws -> PublishedModel.Source? {
        guard let model else { return nil }
        guard let repository = try Self.repository(model) else {
            return PublishedModel.Source(name: model, folder: model)
        }
        let interrupts = Interrupts(note: "stopping (again to end at once)")
        do {
            let fetched = try PublishedModelFetch(
                repository: repository, isOffline: offline, interrupts: interrupts
            ).run()
            return PublishedModel.Source(
                name: "\(repository.id)@\(fetched.commit)", folder: fetched.folder,
                answerFile: fetched.answers,
                wordFile: fetched.words)
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
