import ArgumentParser
import Downloads
import Foundation

extension FetchCommand {
    struct Detector: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "detector",
            abstract: "Bring the weights of the region detector, bottom-up attention.",
            discussion: """
                k10-100 and k36 are the files of its authors, in Caffe's form; hub is unc-nlp/frcnn-vg-finetuned of the \
                Hugging Face hub, kept in the hub's own cache as Python keeps it (HF_HOME, HF_HUB_CACHE, HF_ENDPOINT, \
                HF_HUB_OFFLINE, HF_TOKEN). After that, --detector takes these names, and finds the names of objects and \
                attributes, which are brought too.

                k10-100 is what the features of RWSAN and MCAN were made with. k36 and hub were trained for 36 regions: \
                use them with --regions 36, and with models of such features.

                No checksum of Caffe's files is published. They are held to the length that the server states, and to \
                having all of a detector in them. The .pth files that MILVLG publishes cannot be fetched by a program: \
                the README of MILVLG/bottom-up-attention.pytorch links to them, and --detector takes a file that was \
                fetched by hand.

                Ctrl-C keeps what has come, and so does a kill: the same command goes on from there. Proxies are taken \
                from the environment (https_proxy, no_proxy).
                """)

        @Option(help: ArgumentHelp("Which weights: k10-100, k36 or hub.", valueName: "name"))
        var which = PublishedDetector.upTo100.rawValue
        @Option(
            help: ArgumentHelp(
                "The folder for the files; one in the program's cache, where --detector finds them by name, if not given.",
                valueName: "folder"))
        var output: String?
        @Option(
            help: ArgumentHelp(
                "Another address to take Caffe's files and the names from, http://, https:// or file:///; their names "
                    + "follow it. The hub's address is HF_ENDPOINT.",
                valueName: "URL"))
        var mirror: String?
        @OptionGroup var patience: RetriesOption
        @Flag(help: "Also fetch files that are there already.") var force = false
        @Flag(help: "Print what there is now as JSON, in place of the path of the weights.") var json = false

        func run() throws {
            guard let detector = PublishedDetector(rawValue: which) else {
                throw ValidationError("--which: expected \(PublishedDetector.choices), found '\(which)'")
            }
            let source = try FetchSource(mirror: mirror, retries: patience.retries)
            let interrupts = Interrupts(note: "stopping (again to end at once)")
            let fetch = DetectorFetch(
                detector: detector, folder: output ?? detector.folder, mirror: source.mirror, isForced: force,
                downloader: source.downloader, interrupts: interrupts)
            do {
                let fetched = try fetch.run()
                tellNext(detector, fetched)
                guard json else { return try Console.result(path: fetched.path) }
                try Console.result(
                    json: DetectorSummary(
                        which: which, outcome: "complete", output: fetched.path, names: fetched.names))
            } catch is FetchStopped {
                Console.note("stopped; what has come is kept; to go on: \(ShellQuoting.line(arguments))")
                if json {
                    try Console.result(
                        json: DetectorSummary(
                            which: which, outcome: "interrupted", output: fetch.path, names: nil))
                }
                throw interrupts.exitCode
            }
        }

        /// The command line again.
        private var arguments: [String] {
            var arguments = [Program.name, "fetch", "detector", "--which", which]
            if let output { arguments += ["--output", output] }
            if let mirror { arguments += ["--mirror", mirror] }
            return force ? arguments + ["--force"] : arguments
        }

        private func tellNext(_ detector: PublishedDetector, _ fetched: DetectorFetch.Fetched) {
            var command = [Program.name, "detect", "PICTURE", "--detector"]
            command += output == nil ? [detector.rawValue] : [fetched.path]
            if output != nil, let names = fetched.names { command += ["--names", names] }
            if let regions = detector.regions { command += ["--regions", regions] }
            Console.note("next: \(ShellQuoting.line(command))")
        }
    }
}

/// What was done, for programs.
private struct DetectorSummary: Encodable {
    let which: String
    let outcome: String
    /// The path of the weights.
    let output: String
    /// The folder of the names.
    let names: String?
}
