import Foundation
import VQADatasets
import VQAFeatures

/// A question, the model's answers, and what it looked at.
public struct Mistake: Sendable, Encodable {
    /// The question's id.
    public let id: String
    /// The image's id.
    public let image: String
    /// The question.
    public let question: String
    /// What people answered most often.
    public let people: String?
    /// The model's best answers.
    public let answers: [ScoredAnswer]
    /// What the answer rests on.
    public let explanation: Explanation
    /// The corners of the regions that weights are of, x1, y1, x2, y2 as shares of the image's width and height.
    public let boxes: [[Double]]
    /// The image's height divided by its width.
    public let height: Double
    /// The picture's file; nil where it is not at hand.
    public let picture: String?

    enum CodingKeys: String, CodingKey {
        case id, image, question, people, answers, explanation, boxes, picture
        case height = "height_by_width"
    }
}

extension Answerer {
    /// What the model looks at where it is wrong.
    ///
    /// - Throws: What reading features throws.
    func lookingAt(_ questions: [AnsweredQuestion], of split: String) throws -> [Mistake] {
        guard !questions.isEmpty else { return [] }
        let dataset = try requireDataset()
        let source = try featureSource(of: split, dataset)
        let paths = try pictureFolder(of: split, dataset).map { try PictureFolder($0).paths } ?? [:]
        return try questions.map { question in
            let regions = try source.features(for: question.question.image)
            return Mistake(
                id: "\(question.id)", image: "\(question.question.image)", question: question.question.text,
                people: question.question.answer, answers: question.answers,
                explanation: try explained(question.question.text, about: regions),
                boxes: Self.shares(of: regions),
                height: Double(max(1, regions.imageHeight)) / Double(max(1, regions.imageWidth)),
                picture: paths[question.question.image])
        }
    }

    /// By attention, or of a model that gives none, by occlusion.
    func explained(_ question: String, about regions: RegionFeatures) throws -> Explanation {
        do {
            return try explain(question, about: regions, by: .attention)
        } catch AttentionError.none {
            return try explain(question, about: regions, by: .occlusion)
        }
    }

    private static func shares(of regions: RegionFeatures) -> [[Double]] {
        let sides = [regions.imageWidth, regions.imageHeight].map { Double(max(1, $0)) }
        return (0..<regions.count).map { region in
            (0..<4).map { Double(regions.boxes[region * 4 + $0]) / sides[$0 % 2] }
        }
    }
}
