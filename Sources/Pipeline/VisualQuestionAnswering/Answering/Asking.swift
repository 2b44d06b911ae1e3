import FileSystem
import Torch
import VQABatches
import VQADatasets
import VQAFeatures
import VQATraining
import VQAVision

/// An answer and how sure the model is of it.
public struct ScoredAnswer: Sendable, Equatable, Encodable {
    /// The answer.
    public let text: String
    /// From 0 to 1. Several answers to one question may be right, so the scores need not add up to 1.
    public let score: Double
    /// How far the score is above that of the next answer, shown or not: near 0, the model is as sure of that one. Nil for the
    /// last of all answers.
    public let lead: Double?

    enum CodingKeys: String, CodingKey {
        case text = "answer"
        case score, lead
    }
}

extension Answerer {
    /// The best answers to a question about a picture, the best first.
    ///
    /// - Parameters:
    ///   - question: Some words.
    ///   - picture: The picture.
    ///   - count: How many answers.
    /// - Throws: As `regions(of:)` and ``ask(_:about:top:)-([String],_,_)``.
    public func ask(_ question: String, about picture: Picture, top count: Int = 3) throws -> [ScoredAnswer] {
        try ask([question], about: regions(of: picture), top: count)[0]
    }

    /// The best answers to several questions about a picture, the best first.
    ///
    /// - Parameters:
    ///   - questions: Some words each.
    ///   - regions: The features of the image: `regions(of:)`, or a file of features.
    ///   - count: How many answers to each.
    /// - Throws: As ``ask(_:top:)``.
    public func ask(_ questions: [String], about regions: RegionFeatures, top count: Int = 3) throws
        -> [[ScoredAnswer]]
    {
        try ask(questions.map { ($0, regions) }, top: count)
    }

    /// The best answers to questions about pictures of their own, all in one packed batch, the best first.
    ///
    /// - Parameters:
    ///   - questions: Some words each, and the features of the image that they are about.
    ///   - count: How many answers to each.
    /// - Throws: `FeatureWidthError` where regions are not those that the model expects; `LogitsNotFiniteError`
    ///   where it answers with no numbers; `TorchError` where memory is short.
    public func ask(_ questions: [(text: String, regions: RegionFeatures)], top count: Int = 3) throws
        -> [[ScoredAnswer]]
    {
        guard !questions.isEmpty else { return [] }
        let builder = try builder(of: questions)
        return try withoutGradients {
            let batch = try builder.batch(rows: 0..<questions.count).moved(to: device)
            return try scoredAnswers(logits(of: batch), top: count)
        }
    }

    /// The logits of the questions of a batch on the device: float32 `[B, answers]`.
    ///
    /// - Throws: `LogitsNotFiniteError`; `TorchError` where memory is short.
    func logits(of batch: Batch) throws -> Tensor {
        try finite(precision.autocast(on: device) { try model(batch) }, of: batch)
    }

    /// What a model gave for a batch, as float32 and without fillers: `[B, answers]`.
    ///
    /// - Throws: `LogitsNotFiniteError` where these are no numbers.
    func finite(_ logits: Tensor, of batch: Batch) throws -> Tensor {
        let logits = try logits.narrowed(axis: 0, start: 0, length: batch.count).converted(to: .float32)
        guard try logits.isFinite().all().item() == 1 else {
            throw LogitsNotFiniteError(question: batch.questionIDs[0])
        }
        return logits
    }

    /// The best answers of each row of logits, the best first.
    func scoredAnswers(_ logits: Tensor, top count: Int) throws -> [[ScoredAnswer]] {
        let scores = try logits.sigmoid()
        return try (0..<logits.size(0)).map { try best(max(1, count), of: scores[.position($0)]) }
    }

    /// The answers of the highest scores.
    ///
    /// - Parameter scores: Of all answers, `[answers]`.
    private func best(_ count: Int, of scores: Tensor) throws -> [ScoredAnswer] {
        // One more, for the lead of the last.
        let best = try scores.largest(min(count.addingClamped(1), answers.count))
        let values = try best.values.array(of: Float.self).map(Double.init)
        return try best.positions.array(of: Int64.self).prefix(count).enumerated().map { place, answer in
            ScoredAnswer(
                text: answers[AnswerIndex(rawValue: Int32(clamping: answer))], score: values[place],
                lead: place + 1 < values.count ? values[place] - values[place + 1] : nil)
        }
    }

    /// The words of a question that the model does not know.
    public func unknownWords(in question: String) -> [String] {
        vocabulary.unknownWords(in: question)
    }

    /// Whether the model reads only the beginning of a question.
    public func isCut(_ question: String) -> Bool {
        vocabulary.isCut(question, maximumCount: configuration.data.maxToken)
    }

    /// What makes batches of questions about one image.
    func builder(of questions: [String], about regions: RegionFeatures) throws -> BatchBuilder {
        try builder(of: questions.map { ($0, regions) })
    }

    /// What makes batches of questions about images of their own.
    private func builder(of questions: [(text: String, regions: RegionFeatures)]) throws -> BatchBuilder {
        let table = try QuestionTable(
            questions.enumerated().map {
                Question(
                    id: QuestionID(rawValue: Int64($0)), imageID: ImageID(rawValue: Int64($0)), text: $1.text)
            })
        return try builder(
            Examples(questions: table, vocabulary: vocabulary, maximumWords: configuration.data.maxToken),
            AskedImages(regions: questions.map(\.regions)))
    }

    /// What makes batches of questions and features of the sizes that the model was made for.
    func builder(_ examples: Examples, _ features: any FeatureSource) throws -> BatchBuilder {
        try BatchBuilder(
            examples: examples, features: features, answerCount: answers.count,
            featureWidth: configuration.data.imgFeatSize, maximumRegions: configuration.data.imgFeatPadSize,
            maximumWords: configuration.data.maxToken)
    }
}

/// The features of the images that are asked about, one a question: their ids are the questions' places.
private struct AskedImages: FeatureSource {
    let place = "the images"
    let regions: [RegionFeatures]

    func contains(_ image: ImageID) -> Bool { regions.indices.contains(Int(clamping: image.rawValue)) }
    func features(for image: ImageID) throws -> RegionFeatures { regions[Int(clamping: image.rawValue)] }
}
