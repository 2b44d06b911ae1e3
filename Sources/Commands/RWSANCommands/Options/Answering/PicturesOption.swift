import ArgumentParser
import Foundation

/// `--pictures FOLDER` of commands that answer the questions of a dataset.
struct PicturesOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The folder of the split's pictures, for a model that looks at them; images/ beside vqa/ of the dataset if not "
                + "given.", valueName: "folder"))
    var pictures: String?

    var folder: URL? { pictures.map { URL(fileURLWithPath: $0) } }
}
