import ArgumentParser
import Foundation

/// `--pictures FOLDER` of commands that learn from the questions of a dataset, or answer them.
struct PicturesOption: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The folder of the pictures, or one with train2014, val2014 and test2015 in it, for a model that looks at them; "
                + "images/ beside vqa/ of the dataset if not given.", valueName: "folder"))
    var pictures: String?

    var folder: URL? { pictures.map { URL(fileURLWithPath: $0) } }
}
