import ArgumentParser
import Foundation

extension FetchCommand {
    struct Model: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "model",
            abstract:
                "Bring a model that the Hugging Face hub publishes: ViLT, LXMERT, or one that '\(Program.name) export' has made.",
            discussion: """
                'ask', 'predict' and 'evaluate' fetch a model when it is first named with --model. This command does so \
                beforehand, and brings what the hub has by now where there is an older one.

                The files go into the hub's own cache as Python keeps it (HF_HOME, HF_HUB_CACHE, HF_ENDPOINT, \
                HF_HUB_OFFLINE, HF_TOKEN). Their commit is recorded there, and taken until this command is given again. \
                Sizes and checksums are compared with what the hub states. Nothing in them is executed.

                LXMERT's answers are not in its repository: they come from its authors', airsplay/lxmert on GitHub.
                """)

        @Argument(
            help: ArgumentHelp(
                "vilt, lxmert, or the name of a repository, such as dandelin/vilt-b32-finetuned-vqa."))
        var name: String
        @Option(
            help: ArgumentHelp(
                "Another address to take LXMERT's answers from, http://, https:// or file:///; the file's name follows it. "
                    + "The hub's address is HF_ENDPOINT.", valueName: "URL"))
        var mirror: String?
        @OptionGroup var patience: RetriesOption
        @Flag(help: "Print what there is now as JSON, in place of the path of the folder.") var json = false

        func run() throws {
            guard let repository = try PublishedModelOption.repository(name) else {
                throw ValidationError(
                    "expected the name of a model, found the folder '\(name)': it is there already")
            }
            let source = try FetchSource(mirror: mirror, retries: patience.retries)
            let interrupts = Interrupts(note: "stopping (again to end at once)")
            do {
                let fetched = try PublishedModelFetch(
                    repository: repository, isRenewing: true, mirror: source.mirror,
                    downloader: source.downloader, interrupts: interrupts
                ).run()
                let command = [
                    Program.name, "ask", "--model", name, "--picture", "PICTURE", "--question", "...",
                ]
                Console.note("next: \(ShellQuoting.line(command))")
                guard json else { return try Console.result(path: fetched.folder) }
                try Console.result(
                    json: ModelSummary(
                        model: repository.id, commit: fetched.commit, output: fetched.folder,
                        answers: fetched.answers, words: fetched.words))
            } catch is FetchStopped {
                Console.note("stopped; what has come is kept: the same command goes on")
                throw interrupts.exitCode
            }
        }
    }
}

/// What there is, for programs.
private struct ModelSummary: Encodable {
    let model: String
    let commit: String
    /// The folder of the model's files.
    let output: String
    /// The file of its answers, where it is elsewhere.
    let answers: String?
    /// The file of its words, where it is elsewhere.
    let words: String?
}
