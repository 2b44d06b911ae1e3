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

    /// The dataset that the options name, which tells on the console what users should know.
    func open() throws -> OfficialDataset {
        let dataset = try namedDataset()
        dataset.onNotice = Console.note
        return dataset
    }

    private func namedDataset() throws -> OfficialDataset {
        let layout = OfficialLayout(datasets: URL(fileURLWithPath: folder ?? ""))
        guard questionsFolder != nil || featuresFolder != nil else {
            return try OfficialDataset(URL(fileURLWithPath: folder ?? ""))
        }
        return try OfficialDataset(
            questionsFolder: questionsFolder.map { URL(fileURLWithPath: $0) } ?? layout.questionsFolder,
            featuresFolder: featuresFolder.map { URL(fileURLWithPath: $0) } ?? layout.featuresFolder)
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
