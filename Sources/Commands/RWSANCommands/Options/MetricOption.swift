import ArgumentParser
import VQADatasets
import VQAModels

/// `--metric release|vqa-2021`
struct MetricOption: ParsableArguments {
    @Option(
        name: .customLong("metric"),
        help: """
            Which official accuracy: release, as the official RWSAN release has it, or vqa-2021, as the VQA authors have it \
            since March 2021, which also brings the people's answers into normal form where they differ.
            """)
    var version = MetricVersion.release

    /// The arguments that say the same; none where it is left to the command.
    var arguments: [String] { version == .release ? [] : ["--metric", version.rawValue] }
}

extension MetricVersion: ExpressibleByArgument {}
