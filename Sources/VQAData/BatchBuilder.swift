import Torch

/// Puts questions, pictures' features and targets together to batches.
///
/// Any number of threads may build batches at once; no operator of libtorch runs on them.
public struct BatchBuilder: Sendable {
    /// The questions, in order.
    public var questionIDs: [QuestionID] { examples.questionIDs }

    private let examples: Examples
    private let features: any FeatureSource
    private let answerCount: Int
    private let featureWidth: Int
    private let maximumRegions: Int
    private let maximumWords: Int
    private let memory = RowMemory()

    /// - Parameters:
    ///   - examples: The questions.
    ///   - features: The features of their pictures.
    ///   - answerCount: How many answers a target has.
    ///   - featureWidth: How wide a region's features must be.
    ///   - maximumRegions: How many regions of a picture are kept: the first ones.
    ///   - maximumWords: How many words stand for a question that has none.
    /// - Throws: `MissingFeaturesError` where a question's picture has no features.
    public init(
        examples: Examples, features: any FeatureSource, answerCount: Int, featureWidth: Int,
        maximumRegions: Int, maximumWords: Int
    ) throws {
        let missing = features.missing(examples.imageIDs)
        guard missing.isEmpty else {
            throw MissingFeaturesError(
                place: features.place, images: missing, imageCount: Set(examples.imageIDs).count)
        }
        self.examples = examples
        self.features = features
        self.answerCount = answerCount
        self.featureWidth = featureWidth
        self.maximumRegions = maximumRegions
        self.maximumWords = maximumWords
    }

    /// The number of questions.
    public var count: Int { examples.count }

    /// A batch of the questions in these rows.
    ///
    /// - Throws: What reading features throws; `FeatureWidthError` where they are not as wide as the model
    ///   expects; `TorchError` where memory is short.
    public func batch(rows: some Collection<Int>) throws -> Batch {
        let regions = try PackedRegions(
            rows.map { try picture(examples.imageIDs[$0]) }, width: featureWidth,
            maximumRegions: maximumRegions, memory: memory)
        let questions = rows.map { examples.words(of: $0) }
        let withoutWords = Set(questions.indices.filter { questions[$0].isEmpty })
        // A question without a word is what the padded form makes of it: nothing but padding, all of it
        // looked at alike.
        let padded = questions.map {
            $0.isEmpty ? ArraySlice(repeating: Vocabulary.padding, count: maximumWords) : $0
        }
        return Batch(
            questionIDs: rows.map { examples.questionIDs[$0] },
            regions: regions.features, boxes: regions.boxes,
            regionSegments: try Segments(lengths: regions.lengths),
            words: try Tensor(padded.flatMap { $0.map(Int64.init) }),
            wordSegments: try Segments(lengths: padded.map(\.count), masked: withoutWords),
            targets: examples.hasTargets ? try targets(rows) : nil)
    }

    private func picture(_ image: ImageID) throws -> any RegionRows {
        let picture = try features.regions(of: image)
        guard picture.width == featureWidth else {
            throw FeatureWidthError(image: image, expected: featureWidth, found: picture.width)
        }
        return picture
    }

    private func targets(_ rows: some Collection<Int>) throws -> Tensor {
        try Tensor(uninitialized: [rows.count, answerCount], of: Float.self) { memory in
            memory.update(repeating: 0)
            for (question, row) in rows.enumerated() {
                for (answer, score) in examples.scores(of: row) {
                    memory[question * answerCount + Int(answer.rawValue)] = score
                }
            }
        }
    }
}

/// Features of another width than the model was built for.
public struct FeatureWidthError: Error, Sendable, CustomStringConvertible {
    /// The picture.
    public let image: ImageID
    /// The width that the model looks for: `img_feat_size`.
    public let expected: Int
    /// The width of the picture's features.
    public let found: Int

    /// One line.
    public var description: String {
        "the features of image \(image.rawValue) are \(found) wide, expected img_feat_size = \(expected)"
    }
}
