import Foundation
import VisualQuestionAnswering

/// What `POST /v1/answers` gives.
struct AnswerReply: Encodable {
    let model: ModelIdentity
    /// The id under which the image can be asked about again.
    let pictureId: String
    let image: ImageSize
    /// The regions that the model looked at, where they are wanted.
    let regions: [SeenRegion]?
    /// For each question, in their order.
    let answers: [AnsweredQuestion]
}

/// A question with its answers.
struct AnsweredQuestion: Encodable {
    let question: String
    /// The best first.
    let answers: [ScoredAnswer]
    /// What they rest on, where that was wanted.
    let explanation: AnswerExplanation?
    /// The words that the model does not know.
    let unknownWords: [String]
    /// Whether the model reads only its beginning.
    let isCut: Bool
}

/// What the answers to a question rest on.
struct AnswerExplanation: Encodable {
    let method: ExplanationMethod
    /// A weight for each region, in their order.
    let regions: [Double]
    /// The words as they were written, with their weights.
    let words: [WordWeight]

    init(_ explanation: Explanation) {
        method = explanation.method
        regions = explanation.regions
        words = explanation.words
    }
}

/// What `POST /v1/features` gives.
struct FeaturesReply: Encodable {
    let model: ModelIdentity
    let pictureId: String
    let image: ImageSize
    let regions: [SeenRegion]
    /// The numbers of the features, where they are wanted.
    let values: FeatureValues?
}

/// In pixels.
struct ImageSize: Encodable {
    let width: Int
    let height: Int

    init(of picture: KeptPicture) {
        width = picture.regions.imageWidth
        height = picture.regions.imageHeight
    }
}

/// A region of an image, and what it is thought to be where that is known.
struct SeenRegion: Encodable {
    /// x1, y1, x2, y2 in pixels of the image.
    let box: [Float]
    let name: RegionName?

    /// The regions of an image, in the order in which the model takes them.
    static func all(of picture: KeptPicture) -> [SeenRegion] {
        (0..<picture.regions.count).map { index in
            SeenRegion(
                box: Array(picture.regions.boxes[index * 4..<index * 4 + 4]),
                name: picture.names.flatMap { $0.indices.contains(index) ? $0[index] : nil })
        }
    }
}

/// Numbers of features: little-endian float32 in base64, row by row.
struct FeatureValues: Encodable {
    /// How many regions there are, and how many numbers each has.
    let shape: [Int]
    let float32: String

    init(of regions: RegionFeatures) {
        shape = [regions.count, regions.width]
        let numbers = regions.features.map(\.bitPattern.littleEndian)
        float32 = numbers.withUnsafeBytes { Data($0) }.base64EncodedString()
    }
}

/// What `GET /v1/model` gives.
struct ModelReply: Encodable {
    /// That of the program.
    let version: String
    let model: ModelIdentity
    let device: String
    let precision: String
    let words: Int
    let answers: Int
    let takes: [String]
    let limits: Limits

    /// The most of each that a request may have, or a model looks at.
    struct Limits: Encodable {
        let questions: Int
        let questionBytes: Int
        let questionWords: Int
        let answers: Int
        let regions: Int
        let featureWidth: Int
        let bodyBytes: Int
        let pixels: Int
    }
}
