import ArgumentParser
import Downloads
import Foundation

extension FetchCommand {
    struct VQAv2: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "vqa-v2",
            abstract:
                "Bring VQA-v2: questions and annotations, and what --with names.",
            discussion: """
                Fetches the five archives that VQA-v2's authors publish, checks them, and unpacks them into vqa/ \
                of the datasets folder. What is there and whole is not fetched again. An archive that lies in \
                vqa/ already is unpacked from there, and kept; one that is fetched is removed once it is unpacked.

                --with brings more, each from its authors. The sizes of all files are told, and the disk's room is looked \
                at, before the first byte:

                images: COCO's train2014.zip, val2014.zip and test2015.zip (31 GB), kept in images/, where \
                '\(Program.name) extract --pictures' reads them without unpacking.
                features: train2014.tar.gz, val2014.tar.gz and test2015.tar.gz, from --mirror. The links of the official \
                release are on a file sharing site that no program can fetch from: open them in a browser.
                glove: glove.840B.300d.zip (2 GB), kept in the datasets folder, where '\(Program.name) train' finds it.
                visual-genome: vqa/VG_questions.json and VG_annotations.json, made of Visual Genome's own files.

                Then train2014.tar.gz, val2014.tar.gz and test2015.tar.gz in coco_extract/ are packed as \
                '\(Program.name) pack' does it, each into a store beside it.

                Ctrl-C keeps what is done, and so does a kill: the same command goes on from there. Proxies are \
                taken from the environment (https_proxy, no_proxy).
                """)

        @Option(help: ArgumentHelp("The datasets folder.", valueName: "folder")) var output = "datasets"
        @Option(
            name: .customLong("with"),
            help: ArgumentHelp(
                "What to bring beside questions and annotations: images, features, glove, visual-genome, or several, "
                    + "separated by commas.",
                valueName: "list"))
        var partList: String?
        @Option(
            help: ArgumentHelp(
                "Another address to take all files from, http://, https:// or file:///; their names follow it. "
                    + "Other counts of questions than VQA-v2's own are told then, and no error.",
                valueName: "URL"))
        var mirror: String?
        @OptionGroup var patience: RetriesOption
        @Flag(help: "Also fetch files that are there already.") var force = false
        @Flag(help: "Print what there is now as JSON, in place of the path of the dataset.") var json = false

        func run() throws {
            let source = try FetchSource(mirror: mirror, retries: patience.retries)
            let parts = try VQAv2Part.list(partList)
            let interrupts = Interrupts(note: "stopping (again to end at once)")
            do {
                let fetch = try VQAv2Fetch(
                    output: output, parts: parts, source: source, isForced: force, interrupts: interrupts)
                let dataset = FetchedDataset(layout: fetch.layout, folder: output, counts: try fetch.run())
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
            if let partList { arguments += ["--with", partList] }
            if let mirror { arguments += ["--mirror", mirror] }
            return force ? arguments + ["--force"] : arguments
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
