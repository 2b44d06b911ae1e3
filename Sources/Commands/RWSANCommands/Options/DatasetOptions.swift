import ArgumentParser
import Foundation
import VQADatasets

/// `--data FOLDER`, or its two parts where they lie apart.
struct DatasetOptions: ParsableArguments {
    @Option(
        name: .customLong("data"),
        help: ArgumentHelp(
            "The datasets folder, in the official layout. Needed unless both folders below are given.",
            valueName: "folder"))
    var folder: String?
    @Option(
        help: ArgumentHelp(
            "The folder of question and annotation files; vqa/ of --data if not given.", valueName: "folder"))
    var questionsFolder: String?
    @Option(
        help: ArgumentHelp(
            "The folder of feature folders (train2014, ...); coco_extract/ of --data if not given.",
            valueName: "folder"))
    var featuresFolder: String?

    /// What a command's usage says of them where there has to be a dataset, with what follows.
    static func usage(_ command: String, _ more: String) -> String {
        """
        \(Program.name) \(command) --data <folder> \(more)
        \(Program.name) \(command) --questions-folder <folder> --features-folder <folder>
                \(more)
        """
    }

    /// Makes sure that a dataset is named.
    ///
    /// - Throws: `ValidationError` that says how.
    func requirePlace() throws {
        guard folder != nil || (questionsFolder != nil && featuresFolder != nil) else {
            throw ValidationError(
                "expected --data FOLDER, or both --questions-folder and --features-folder")
        }
    }

    /// The place that the options name.
    var place: DatasetPlace {
        DatasetPlace(
            folder: folder.map { URL(fileURLWithPath: $0) },
            questionsFolder: questionsFolder.map { URL(fileURLWithPath: $0) },
            featuresFolder: featuresFolder.map { URL(fileURLWithPath: $0) })
    }

    /// The options again, for a command line that goes on with the same dataset.
    var arguments: [String] {
        let options = [
            ("--data", folder), ("--questions-folder", questionsFolder),
            ("--features-folder", featuresFolder),
        ]
        return options.flatMap { name, value in value.map { [name, $0] } ?? [] }
    }
}

extension DatasetPlace {
    /// The question and annotation files that a dataset may have there, whichever it is.
    var textFiles: [String] {
        Array(Set(Registries.current.datasets.types.flatMap { $0.textFiles(at: self) }.map(\.path)))
    }
}
