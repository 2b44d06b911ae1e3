import Torch

/// Some questions about pictures, as a model takes them: packed, without padding.
public struct Batch: Sendable {
    /// The questions, in the batch's order.
    public let questionIDs: [QuestionID]
    /// Region features of all pictures, one below the other: float32 `[regions, width]`.
    public let regions: Tensor
    /// Where the regions lie in their pictures: float32 `[regions, 4]`, x1, y1, x2, y2 as fractions of the
    /// picture's width and height.
    public let boxes: Tensor
    /// Which regions belong to which question.
    public let regionSegments: Segments
    /// Word numbers of all questions, one behind the other: int64 `[words]`.
    public let words: Tensor
    /// Which words belong to which question.
    public let wordSegments: Segments
    /// The soft score of each answer: float32 `[B, answers]`; nil where there is nothing to learn.
    public let targets: Tensor?

    /// The number of questions, B.
    public var count: Int { questionIDs.count }

    /// - Parameters:
    ///   - questionIDs: The questions, in the batch's order.
    ///   - regions: `[regions, width]`
    ///   - boxes: `[regions, 4]`
    ///   - regionSegments: Which regions belong to which question.
    ///   - words: `[words]`
    ///   - wordSegments: Which words belong to which question.
    ///   - targets: `[B, answers]`, or nil.
    public init(
        questionIDs: [QuestionID], regions: Tensor, boxes: Tensor, regionSegments: Segments, words: Tensor,
        wordSegments: Segments, targets: Tensor?
    ) {
        self.questionIDs = questionIDs
        self.regions = regions
        self.boxes = boxes
        self.regionSegments = regionSegments
        self.words = words
        self.wordSegments = wordSegments
        self.targets = targets
    }

    /// The region features as `[B, most regions, width]`, padded with rows of zeros.
    public func paddedRegions() throws -> Tensor { try regions.padded(regionSegments) }

    /// The word numbers as `[B, most words]`, padded with 0.
    public func paddedWords() throws -> Tensor { try words.padded(wordSegments) }

    /// The same batch on another device.
    public func moved(to device: Device) throws -> Batch {
        guard device != .cpu else { return self }
        return Batch(
            questionIDs: questionIDs, regions: try regions.uploaded(to: device),
            boxes: try boxes.uploaded(to: device),
            regionSegments: try regionSegments.moved(to: device), words: try words.uploaded(to: device),
            wordSegments: try wordSegments.moved(to: device), targets: try targets?.uploaded(to: device))
    }
}
