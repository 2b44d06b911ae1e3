import ArgumentParser
import Foundation
import VQADatasets

/// `--data FOLDER`, or its two parts where they lie apart.
struct DatasetOptions: ParsableArguments {
    @Option(name: .customLong("data"), help: "The datasets folder, in the official layout.")
    var folder: String?
    @Option(help: "Question and annotation files, where they are not in vqa/ of --data.")
    var questionsFolder: String?
    @Option(help: "Feature folders (train2014, ...), where they are not in coco_extract/ of --data.")
    var featuresFolder: String?

    func validate() throws {
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
