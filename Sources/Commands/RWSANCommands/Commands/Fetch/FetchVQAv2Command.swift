import ArgumentParser
import Downloads
import Foundation
import VQADatasets

extension FetchCommand {
    struct VQAv2: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "vqa-v2",
            abstract:
                "Bring VQA-v2's questions and annotations, and pack its features where their archives are.",
            discussion: """
                Fetches the five archives that VQA-v2's authors publish, checks them, and unpacks them into vqa/ \
                of the datasets folder. What is there and whole is not fetched again. An archive that lies in \
                vqa/ already is unpacked from there, and kept; one that is fetched is removed once it is unpacked.

                Then train2014.tar.gz, val2014.tar.gz and test2015.tar.gz in coco_extract/, which the official \
                release hands out, are packed as '\(Program.name) pack' does it, each into a store beside it.

                Ctrl-C keeps what is done, and so does a kill: the same command goes on from there. Proxies are \
                taken from the environment (https_proxy, no_proxy).
                """)

        @Option(help: ArgumentHelp("The datasets folder.", valueName: "folder")) var output = "datasets"
        @Option(
            help: ArgumentHelp(
                "Another address to take the archives from, http://, https:// or file:///; their names follow it. "
                    + "Other counts of questions than VQA-v2's own are told then, and no error.",
                valueName: "URL"))
        var mirror: String?
        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "How often in a row to try again when a connection is cut or the server fails.",
                valueName: "count"))
        var retries = 8
        @Flag(help: "Also fetch files that are there already.") var force = false
        @Flag(help: "Print what there is now as JSON, in place of the path of the dataset.") var json = false

        func run() throws {
            let source = try FetchSource(mirror: mirror, retries: retries)
            let layout = OfficialLayout(datasets: URL(fileURLWithPath: output))
            let interrupts = Interrupts(note: "stopping (again to end at once)")
            do {
                let counts = try fetchQuestions(layout, source, interrupts)
                noteVisualGenome(layout)
                try FeatureArchives(layout: layout, interrupts: interrupts).pack()
                let dataset = FetchedDataset(layout: layout, folder: output, counts: counts)
                let splits = try dataset.splits()
                dataset.tell(splits)
                guard json else { return try Console.result(path: output) }
                try Console.result(
                    json: FetchSummary(output: output, outcome: "complete", splits: splits))
            } catch is FetchStopped {
                Console.note("stopped; what has come is kept; to go on: \(ShellQuoting.line(arguments))")
                if json {
                    try Console.result(json: FetchSummary(output: output, outcome: "interrupted", splits: []))
                }
                throw interrupts.exitCode
            }
        }

        /// The command line again.
        private var arguments: [String] {
            var arguments = [Program.name, "fetch", "vqa-v2", "--output", output]
            if let mirror { arguments += ["--mirror", mirror] }
            return force ? arguments + ["--force"] : arguments
        }

        private func fetchQuestions(
            _ layout: OfficialLayout, _ source: FetchSource, _ interrupts: Interrupts
        ) throws -> [VQAv2File: Int] {
            let fetch = ArchiveFetch(
                layout: layout, source: source.mirror ?? VQAv2Archive.publicAddress, isForced: force,
                downloader: source.downloader, downloads: try DownloadsFolder(in: layout),
                interrupts: interrupts)
            return try VQAv2Archive.allCases.reduce(into: [:]) { counts, archive in
                counts.merge(try fetch.bring(archive)) { $1 }
            }
        }

        private func noteVisualGenome(_ layout: OfficialLayout) {
            let files = [layout.questions(of: .visualGenome), layout.annotations(of: .visualGenome)]
            let missing = files.compactMap { $0 }.filter { !FileManager.default.fileExists(atPath: $0.path) }
            guard !missing.isEmpty else { return }
            Console.note(
                "Visual Genome's questions, for training on train+val+vg, have no public address: "
                    + "\(missing.map(\.lastPathComponent).joined(separator: " and ")) of the official release go "
                    + "to \(layout.questionsFolder.relativePath)")
        }
    }
}

/// What was done, for programs.
private struct FetchSummary: Encodable {
    let output: String
    let outcome: String
    /// The splits whose questions are there.
    let splits: [FetchedDataset.Split]
}
