import Foundation
import TensorBoardEvents
import VQADatasets
import VQAFeatures
import VQAModels
import VQATraining
import VQAVision

/// A few val questions of which TensorBoard shows after each epoch what the model answers, and where it looks.
final class ShownQuestions {
    private struct Shown {
        let question: ReadableQuestion
        let picture: Picture
        /// The image's regions, and the same in pixels of the picture as it is drawn.
        let regions, drawnRegions: RegionFeatures
    }

    private let answerer: Answerer
    private let shown: [Shown]

    /// How many questions, each about another image.
    private static let count = 4
    /// The longest side that a picture is drawn with, in pixels: an event file has one of each epoch.
    private static let longestSide = 400
    /// So many questions are looked at for one whose picture is there.
    private static let mostTries = 1_000

    /// Questions from all over the split that is answered after each epoch; nil where there are no pictures.
    ///
    /// - Throws: What reading questions, pictures and features throws.
    init?(of answerer: Answerer, _ dataset: any VQADataset) throws {
        let split = type(of: dataset).evaluatedSplit
        guard let folder = try answerer.pictureFolder(of: split, dataset),
            let questions = try dataset.questions(of: split), !questions.isEmpty
        else { return nil }
        let paths = try PictureFolder(folder).paths
        let source = try answerer.featureSource(of: split, dataset)
        self.answerer = answerer
        shown = try Self.rows(questions) { paths[$0] != nil && source.contains($0) }.compactMap { row in
            let question = questions[row]
            return try paths[question.image].map { try Self.shown(question, $0, source) }
        }
        if shown.isEmpty { return nil }
    }

    /// The first question about an image that is at hand in each part of the split, no image twice.
    private static func rows(_ questions: ReadableQuestions, _ isAtHand: (ImageID) -> Bool) -> [Int] {
        var (rows, images) = ([Int](), Set<ImageID>())
        for part in 0..<count {
            let start = questions.count / count * part
            let row = (start..<min(questions.count, start + mostTries)).first { row in
                let image = questions.images[row]
                return !images.contains(image) && isAtHand(image)
            }
            guard let row else { continue }
            rows.append(row)
            images.insert(questions.images[row])
        }
        return rows
    }

    private static func shown(_ question: ReadableQuestion, _ path: String, _ source: any FeatureSource)
        throws
        -> Shown
    {
        let regions = try source.features(for: question.image)
        let (width, height) = (max(1, regions.imageWidth), max(1, regions.imageHeight))
        let share = min(1, Double(longestSide) / Double(max(width, height)))
        let (drawnWidth, drawnHeight) = (
            max(1, Int(clamping: (Double(width) * share).rounded())),
            max(1, Int(clamping: (Double(height) * share).rounded()))
        )
        return Shown(
            question: question,
            picture: try Picture(contentsOf: URL(fileURLWithPath: path)).resized(
                width: drawnWidth, height: drawnHeight),
            regions: regions,
            drawnRegions: try RegionFeatures(
                width: regions.width, features: regions.features,
                boxes: regions.boxes.map { $0 * Float(share) }, imageHeight: drawnHeight,
                imageWidth: drawnWidth))
    }

    /// The questions as they are answered now, to be shown under a name each.
    ///
    /// - Throws: What asking and drawing throws.
    func pictures() throws -> [(tag: String, picture: EventWriter.Picture)] {
        let wasTraining = answerer.model.isTraining
        answerer.model.setTraining(false)
        defer { answerer.model.setTraining(wasTraining) }
        return try shown.enumerated().map { number, shown in
            let question = shown.question.text
            let image = ExplainedImage(
                "\(shown.question.image)", shown.drawnRegions, [question],
                [try answerer.explained(question, about: shown.regions)])
            let png = try image.drawing().png(over: shown.picture)
            return (
                "val/\(number + 1)",
                EventWriter.Picture(png: png, description: description(of: shown.question))
            )
        }
    }

    /// What stays the same from epoch to epoch: TensorBoard keeps the first description of a name.
    private func description(of question: ReadableQuestion) -> String {
        "\(question.text) People say: \(question.answer ?? "not known"). Image \(question.image)."
    }
}
