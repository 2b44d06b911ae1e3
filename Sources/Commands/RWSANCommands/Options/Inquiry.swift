import Downloads
import FileSystem
import Foundation
import Torch
import VQADatasets
import VQAFeatures

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
