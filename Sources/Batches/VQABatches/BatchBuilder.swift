import Torch
import VQADatasets
import VQAFeatures
import Workers

/// Puts questions, images' features and targets together to batches.
///
/// Any number of threads may build batches at once; no operator of libtorch runs on them.
public struct BatchBuilder: Sendable {
    /// The questions, in order.
    public var questionIDs: [QuestionID] { examples.questionIDs }
    /// The image of each question.
    public var imageIDs: [ImageID] { examples.imageIDs }
    /// How many regions of an image are kept: the first ones.
    public let maximumRegions: Int
    /// How many words stand for a question that has none: the most that one has.
    public let maximumWords: Int
    /// The shapes that batches are filled up to; nil leaves them as they are.
    package var shapes: BatchShapes?
    /// Whether all tensors of a batch lie in page-locked memory, which a GPU reads at full speed and by itself.
    package var isPinned = false
    /// Where images are noted whose features cannot be read; their questions are left out of batches. Nil makes that an
    /// error.
    package var unreadable: UnreadableImages?

    private(set) var examples: Examples
    let features: any FeatureSource
    let featureWidth: Int
    private let answerCount: Int
    private let memory = RowMemory()
    private(set) var resident: ResidentRegions?

    /// - Parameters:
    ///   - examples: The questions.
    ///   - features: The features of their images.
    ///   - answerCount: How many answers a target has.
    ///   - featureWidth: How wide a region's features must be.
    ///   - maximumRegions: How many regions of an image are kept: the first ones.
    ///   - maximumWords: How many words stand for a question that has none.
    /// - Throws: `MissingFeaturesError` where a question's image has no features.
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

    /// The same batches with regions that are on a device already: nothing is read for them, and they have their
    /// regions once they are moved to that device.
    ///
    /// - Throws: `ResidentRegionsError` where not all the images are there, or not in this form.
    package func using(_ resident: ResidentRegions) throws -> BatchBuilder {
        try resident.requireImages(of: self)
        var builder = self
        builder.resident = resident
        return builder
    }

    /// Whether regions lie on a device.
    package var isResident: Bool { resident != nil }

    /// A batch of the questions in these rows, filled up to the shape that several batches have in common: that of the
    /// largest of them.
    ///
    /// - Parameters:
    ///   - rows: The questions.
    ///   - parts: Those of all the batches, with regions that lie on a device: else nobody knows how many there will be.
    /// - Throws: As ``batch(rows:)``.
    package func batch(rows: some Collection<Int>, alike parts: [some Collection<Int>]) throws -> Batch {
        guard let resident, let shapes else { return try batch(rows: rows) }
        var common = CommonShape()
        for part in parts {
            let (regions, words) = (
                try shapes.regionFilling(questions: part.count), try shapes.wordFilling(questions: part.count)
            )
            common.regionRows = max(
                common.regionRows,
                regions.total(
                    behind: part.reduce(0) { $0 + resident.rowCount(of: examples.imageIDs[$1]) }))
            common.wordRows = max(
                common.wordRows, words.total(behind: part.reduce(0) { $0 + wordCount(of: $1) }))
            common.hasMask = common.hasMask || part.contains { examples.words(of: $0).isEmpty }
        }
        return try batch(rows: rows, [], common)
    }

    /// What batches of one shape have in common.
    private struct CommonShape {
        var regionRows = 0
        var wordRows = 0
        /// Whether one of them has a question without a word.
        var hasMask = false
    }

    /// How many words stand for a question.
    private func wordCount(of row: Int) -> Int {
        let count = examples.words(of: row).count
        return count == 0 ? maximumWords : count
    }

    /// A batch of those questions in these rows whose images' features can be read; nil where that is none.
    ///
    /// - Throws: As ``batch(rows:)``; where ``unreadable`` is set, not for features that cannot be read.
    package func readableBatch(rows: some Collection<Int>) throws -> Batch? {
        guard let unreadable, resident == nil else { return try batch(rows: rows) }
        var found: [ImageID: any RegionRows] = [:]
        for row in rows where found[examples.imageIDs[row]] == nil {
            let image = examples.imageIDs[row]
            guard !unreadable.contains(image) else { continue }
            do {
                found[image] = try regions(of: image)
            } catch {
                unreadable.note(image, error)
            }
        }
        while true {
            let readable = rows.filter { found[examples.imageIDs[$0]] != nil }
            guard !readable.isEmpty else { return nil }
            // Regions of a store are read only when they are copied.
            var failed: Int?
            do {
                return try batch(
                    rows: readable, readable.compactMap { found[examples.imageIDs[$0]] },
                    onFailure: { failed = $0 })
            } catch {
                guard let failed else { throw error }
                let image = examples.imageIDs[readable[failed]]
                unreadable.note(image, error)
                found[image] = nil
            }
        }
    }

    /// The questions that are left out, for the features of their images cannot be read; those found so far.
    package var leftOut: [QuestionID] {
        guard let images = unreadable?.images, !images.isEmpty else { return [] }
        return zip(questionIDs, imageIDs).lazy.filter { images.contains($1) }.map { $0.0 }
    }

    /// The same without the questions about images whose features cannot be read, and without targets: for what needs
    /// to know them beforehand. Reads every image once, on all cores; where ``unreadable`` is nil, nothing is done.
    ///
    /// - Throws: `FeatureWidthError` where no more is wrong with features than their width.
    package func leavingOutUnreadable() throws -> BatchBuilder {
        guard let unreadable, resident == nil else { return self }
        let images = Array(Set(imageIDs))
        let partLength = 256
        let work = stride(from: 0, to: images.count, by: partLength).map { start in
            let part = images[start..<min(images.count, start + partLength)]
            return ParallelWork(cost: part.count) {
                for image in part where !unreadable.contains(image) { try look(at: image, unreadable) }
            }
        }
        _ = try ParallelWork.results(of: work)
        let unreadableImages = unreadable.images
        var readable = self
        readable.examples = examples.selecting(
            examples.imageIDs.indices.filter { !unreadableImages.contains(examples.imageIDs[$0]) })
        return readable
    }

    /// Reads an image's regions, and notes it where that fails.
    private func look(at image: ImageID, _ unreadable: UnreadableImages) throws {
        do {
            _ = try PackedRegions(
                [try regions(of: image)], width: featureWidth, maximumRegions: maximumRegions,
                memory: .pageable(memory))
        } catch let error as FeatureWidthError {
            throw error
        } catch {
            unreadable.note(image, error)
        }
    }

    /// The feature stores that regions are read from.
    package var stores: [FeatureStore] { features.stores }

    /// Reads the features of the first question's image, which tells whether they are of the kind that the model
    /// takes.
    ///
    /// - Throws: `FeatureWidthError`; where ``unreadable`` is not set, what reading them throws.
    package func lookAtFirstImage() throws {
        guard let image = examples.imageIDs.first else { return }
        do {
            _ = try regions(of: image)
        } catch  where unreadable != nil && !(error is FeatureWidthError) {
            return
        }
    }

    /// A batch of the questions in these rows.
    ///
    /// - Throws: What reading features throws; `FeatureWidthError` where they are not as wide as the model
    ///   expects; `BatchShapesError` where there are more questions than the shapes have; `TorchError` where memory is
    ///   short, cannot be page-locked, or a question has more words or an image more regions than the shapes have.
    public func batch(rows: some Collection<Int>) throws -> Batch {
        try batch(rows: rows, resident == nil ? rows.map { try regions(of: examples.imageIDs[$0]) } : [])
    }

    private func batch(
        rows: some Collection<Int>, _ images: [any RegionRows],
        _ common: CommonShape = CommonShape(),
        onFailure: (Int) -> Void = { _ in }
    ) throws -> Batch {
        let (content, regionLengths) = try regions(rows, images, common, onFailure)
        let (words, wordSegments) = try words(rows, common)
        return Batch(
            questionIDs: rows.map { examples.questionIDs[$0] },
            fillerCount: regionLengths.count - rows.count, content: content,
            regionSegments: try Segments(
                lengths: regionLengths, maximumLength: shapes?.maximumRegions, pinned: isPinned),
            words: words, wordSegments: wordSegments, targets: examples.hasTargets ? try targets(rows) : nil)
    }

    /// The regions of the questions' images, and how many each of them and each filler has.
    private func regions(
        _ rows: some Collection<Int>, _ images: [any RegionRows], _ common: CommonShape,
        _ onFailure: (Int) -> Void
    ) throws -> (RegionContent, lengths: [Int]) {
        var filling = try shapes?.regionFilling(questions: rows.count) ?? .none
        filling.least = common.regionRows
        if let resident {
            let (places, lengths) = try resident.places(
                of: rows.map { examples.imageIDs[$0] }, filling: filling)
            return (.resident(rows: try Tensor(places, pinned: isPinned), of: resident), lengths)
        }
        let packed = try PackedRegions(
            images, width: featureWidth, maximumRegions: maximumRegions, filling: filling,
            memory: isPinned ? .pinned : .pageable(memory), onFailure: onFailure)
        return (.held(packed.features, boxes: packed.boxes), packed.lengths)
    }

    /// The words of the questions and fillers, and which belong to which.
    private func words(_ rows: some Collection<Int>, _ common: CommonShape) throws -> (Tensor, Segments) {
        let questions = rows.map { examples.words(of: $0) }
        var withoutWords = Set(questions.indices.filter { questions[$0].isEmpty })
        // A question without a word is what the padded form makes of it: nothing but padding, all of it
        // looked at alike.
        var numbers: [Int64] = []
        var lengths: [Int] = []
        func append(_ question: some Collection<Int32>) {
            numbers += question.lazy.map(Int64.init)
            lengths.append(question.count)
        }
        for question in questions {
            if question.isEmpty {
                append(repeatElement(Vocabulary.padding, count: maximumWords))
            } else {
                append(question)
            }
        }
        var filling = try shapes?.wordFilling(questions: rows.count) ?? .none
        filling.least = common.wordRows
        for length in filling.lengths(behind: numbers.count) {
            append(repeatElement(Vocabulary.padding, count: length))
        }
        // A filler's mask says nothing, but is there.
        if common.hasMask, withoutWords.isEmpty, lengths.count > questions.count {
            withoutWords = [lengths.count - 1]
        }
        return (
            try Tensor(numbers, pinned: isPinned),
            try Segments(
                lengths: lengths, masked: withoutWords, maximumLength: shapes?.maximumWords, pinned: isPinned)
        )
    }

    /// The regions of an image.
    ///
    /// - Throws: What reading them throws; `FeatureWidthError`.
    func regions(of image: ImageID) throws -> any RegionRows {
        let regions = try features.regions(of: image)
        guard regions.width == featureWidth else {
            throw FeatureWidthError(image: image, expected: featureWidth, found: regions.width)
        }
        return regions
    }

    private func targets(_ rows: some Collection<Int>) throws -> Tensor {
        try Tensor(uninitialized: [rows.count, answerCount], of: Float.self, pinned: isPinned) { memory in
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
    /// The image.
    public let image: ImageID
    /// The width that the model looks for: `img_feat_size`.
    public let expected: Int
    /// The width of the image's features.
    public let found: Int

    /// One line.
    public var description: String {
        "the features of image \(image) are \(found) wide, expected img_feat_size = \(expected)"
    }
}
