import Torch

/// Puts questions, pictures' features and targets together to batches.
///
/// Any number of threads may build batches at once; no operator of libtorch runs on them.
public struct BatchBuilder: Sendable {
    private let examples: Examples
    private let features: any FeatureSource
    private let answerCount: Int
    private let featureWidth: Int
    private let maximumRegions: Int
    private let maximumWords: Int

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
        let pictures = try rows.map { row in
            try PictureRows(
                features.regions(of: examples.imageIDs[row]), image: examples.imageIDs[row],
                expectedWidth: featureWidth, maximumRegions: maximumRegions)
        }
        let regionSegments = try Segments(lengths: pictures.map(\.count))
        let questions = rows.map { examples.words(of: $0) }
        let withoutWords = Set(questions.indices.filter { questions[$0].isEmpty })
        // A question without a word is what the padded form makes of it: nothing but padding, all of it
        // looked at alike.
        let padded = questions.map {
            $0.isEmpty ? ArraySlice(repeating: Vocabulary.padding, count: maximumWords) : $0
        }
        return Batch(
            questionIDs: rows.map { examples.questionIDs[$0] },
            regions: try Self.rows(of: pictures, width: featureWidth) { $0.copyFeatures(to: $1) },
            boxes: try Self.rows(of: pictures, width: 4) { $0.copyBoxes(to: $1) },
            regionSegments: regionSegments,
            words: try Tensor(padded.flatMap { $0.map(Int64.init) }),
            wordSegments: try Segments(lengths: padded.map(\.count), masked: withoutWords),
            targets: examples.hasTargets ? try targets(rows) : nil)
    }

    private static func rows(
        of pictures: [PictureRows], width: Int,
        _ copy: (PictureRows, UnsafeMutableBufferPointer<Float>) -> Void
    ) throws -> Tensor {
        let count = pictures.reduce(0) { $0 + $1.count }
        return try Tensor(uninitialized: [count, width], of: Float.self) { memory in
            var start = 0
            for picture in pictures {
                let end = start + picture.count * width
                copy(picture, UnsafeMutableBufferPointer(rebasing: memory[start..<end]))
                start = end
            }
        }
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

/// The regions of one picture that a model looks at.
private struct PictureRows {
    private let source: any RegionRows
    /// The regions with anything in them: one of zeros is padding to the official release.
    private let regions: [Int]

    /// How many rows the picture takes. One without a region takes one row of zeros: all the rows that the
    /// padded form would have are alike, and looking at them alike gives what one of them gives.
    var count: Int { max(1, regions.count) }

    init(_ source: any RegionRows, image: ImageID, expectedWidth: Int, maximumRegions: Int) throws {
        guard source.width == expectedWidth else {
            throw FeatureWidthError(image: image, expected: expectedWidth, found: source.width)
        }
        self.source = source
        regions = (0..<min(source.count, maximumRegions)).filter { !source.isZero($0) }
    }

    func copyFeatures(to rows: UnsafeMutableBufferPointer<Float>) {
        let width = source.width
        if regions.isEmpty { rows.update(repeating: 0) }
        for (row, region) in regions.enumerated() {
            let place = UnsafeMutableBufferPointer(rebasing: rows[row * width..<(row + 1) * width])
            source.copyFeatures(of: region, to: place)
        }
    }

    func copyBoxes(to rows: UnsafeMutableBufferPointer<Float>) {
        if regions.isEmpty { rows.update(repeating: 0) }
        let scale = [Float(max(source.imageWidth, 1)), Float(max(source.imageHeight, 1))]
        for (row, region) in regions.enumerated() {
            let corners = UnsafeMutableBufferPointer(rebasing: rows[row * 4..<(row + 1) * 4])
            source.copyBox(of: region, to: corners)
            for corner in 0..<4 { corners[corner] /= scale[corner % 2] }
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
