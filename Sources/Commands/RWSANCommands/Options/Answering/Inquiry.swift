import Downloads
import Foundation
import Torch
import VQADatasets
import VQAFeatures
import VisualQuestionAnswering

/// A question about a picture, as `rwsan ask` takes it.
struct Inquiry {
    /// The picture's file, or that of its features.
    let picture: String
    /// Whether the file holds features.
    let isFeatures: Bool
    let question: String
    /// What people answered, where that is known.
    let truth: String?

    /// Questions drawn from the split of a dataset that is answered after each epoch, about its pictures.
    static func sample(_ count: Int, of dataset: any VQADataset, seed: UInt64) throws -> [Inquiry] {
        let type = type(of: dataset)
        let split = type.evaluatedSplit
        guard let folder = try dataset.pictures(of: split) else {
            throw NoPictures(dataset: type.name)
        }
        guard let questions = try dataset.questions(of: split), !questions.isEmpty else {
            throw NoQuestions(dataset: type.name, split: split)
        }
        // Steps of a size that shares no divisor with the count reach every question before any comes again.
        let start = Int(seed % UInt64(questions.count))
        let stride = 7919
        let pictures = try PictureFolder(folder)
        return try (0..<min(count, questions.count)).map { index in
            let question = questions[(start + index * stride) % questions.count]
            guard let picture = pictures.paths[question.image] else {
                throw MissingPicture(image: question.image, folder: folder.path)
            }
            return Inquiry(
                picture: picture, isFeatures: false, question: question.text, truth: question.answer)
        }
    }
}

extension [Inquiry] {
    /// Those that follow one another and are about one picture, together: it is looked at once.
    func aboutOnePicture() -> [[Inquiry]] {
        var groups: [[Inquiry]] = []
        for inquiry in self {
            if let last = groups.last?.first, last.picture == inquiry.picture,
                last.isFeatures == inquiry.isFeatures
            {
                groups[groups.count - 1].append(inquiry)
            } else {
                groups.append([inquiry])
            }
        }
        return groups
    }
}

private struct MissingPicture: Error, CustomStringConvertible {
    let image: ImageID
    let folder: String
    var description: String { "\(folder): expected a picture of image \(image), found none" }
}

/// A dataset without pictures, or without questions to draw.
private struct NoPictures: Error, CustomStringConvertible {
    let dataset: String
    var description: String {
        "\(dataset) has no pictures to ask about: expected --picture or --features beside --question"
    }
}

private struct NoQuestions: Error, CustomStringConvertible {
    let dataset: String
    let split: String
    var description: String { "\(dataset): expected questions of \(split) to draw from, found none" }
}
