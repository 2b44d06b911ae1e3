import Torch
import VQADatasets

/// Some questions about images, as a model takes them: packed, without padding.
///
/// Behind its questions a batch may have fillers (`BatchShapes`): sequences of regions and words that stand for
/// no question. A model gives logits for them too, which nobody looks at.
public struct Batch: Sendable {
    /// The questions, in the batch's order.
    public let questionIDs: [QuestionID]
    /// How many sequences behind those of the questions are fillers.
    public let fillerCount: Int
    /// Which regions belong to which question, or filler.
    public let regionSegments: Segments
    /// Word numbers of all questions, one behind the other: int64 `[words]`.
    public let words: Tensor
    /// Which words belong to which question, or filler.
    public let wordSegments: Segments
    /// The soft score of each answer: float32 `[B, answers]`, without fillers; nil where there is nothing to learn.
    public let targets: Tensor?

    private let content: RegionContent

    /// The number of questions, B, without fillers.
    public var count: Int { questionIDs.count }

    /// Region features of all images, one below the other: `[regions, width]`, float32 or what a
    /// `ResidentRegions` computes in.
    ///
    /// - Throws: `RegionsElsewhereError` where they lie on a device that the batch has yet to be moved to.
    public var regions: Tensor { get throws(RegionsElsewhereError) { try content.rows().features } }

    /// Where the regions lie in their images: float32 `[regions, 4]`, x1, y1, x2, y2 as fractions of the
    /// image's width and height.
    ///
    /// - Throws: As ``regions``.
    public var boxes: Tensor { get throws(RegionsElsewhereError) { try content.rows().boxes } }

    /// - Parameters:
    ///   - questionIDs: The questions, in the batch's order.
    ///   - fillerCount: How many sequences behind them are fillers.
    ///   - regions: `[regions, width]`
    ///   - boxes: `[regions, 4]`
    ///   - regionSegments: Which regions belong to which question.
    ///   - words: `[words]`
    ///   - wordSegments: Which words belong to which question.
    ///   - targets: `[B, answers]`, or nil.
    public init(
        questionIDs: [QuestionID], fillerCount: Int = 0, regions: Tensor, boxes: Tensor,
        regionSegments: Segments, words: Tensor, wordSegments: Segments, targets: Tensor?
    ) {
        self.init(
            questionIDs: questionIDs, fillerCount: fillerCount, content: .held(regions, boxes: boxes),
            regionSegments: regionSegments, words: words, wordSegments: wordSegments, targets: targets)
    }

    init(
        questionIDs: [QuestionID], fillerCount: Int, content: RegionContent, regionSegments: Segments,
        words: Tensor, wordSegments: Segments, targets: Tensor?
    ) {
        self.questionIDs = questionIDs
        self.fillerCount = fillerCount
        self.content = content
        self.regionSegments = regionSegments
        self.words = words
        self.wordSegments = wordSegments
        self.targets = targets
    }

    /// The region features as `[B, most regions, width]`, padded with rows of zeros.
    public func paddedRegions() throws -> Tensor { try regions.padded(regionSegments) }

    /// The word numbers as `[B, most words]`, padded with 0.
    public func paddedWords() throws -> Tensor { try words.padded(wordSegments) }

    /// The same batch on another device, with its regions where they have been there already.
    ///
    /// From pinned memory to a GPU the copy is only begun, while the GPU computes; what it is given next waits for it.
    ///
    /// - Throws: `TorchError` where memory is short; `ResidentRegionsError` where its regions are on another device.
    public func moved(to device: Device) throws -> Batch {
        Batch(
            questionIDs: questionIDs, fillerCount: fillerCount, content: try content.moved(to: device),
            regionSegments: try regionSegments.moved(to: device), words: try words.uploaded(to: device),
            wordSegments: try wordSegments.moved(to: device), targets: try targets?.uploaded(to: device))
    }
}

/// The regions of a batch, or where they will come from.
enum RegionContent: Sendable {
    /// Features `[regions, width]` and boxes `[regions, 4]`.
    case held(Tensor, boxes: Tensor)
    /// The numbers of rows, int64 `[regions]`, which are taken once the batch is on their device: no operator runs
    /// on the threads that make batches.
    case resident(rows: Tensor, of: ResidentRegions)

    func rows() throws(RegionsElsewhereError) -> (features: Tensor, boxes: Tensor) {
        switch self {
        case .held(let features, let boxes): return (features, boxes)
        case .resident(_, let regions): throw RegionsElsewhereError(device: regions.device)
        }
    }

    func moved(to device: Device) throws -> RegionContent {
        switch self {
        case .held(let features, let boxes):
            return .held(try features.uploaded(to: device), boxes: try boxes.uploaded(to: device))
        case .resident(let rows, let regions):
            guard device == regions.device else {
                throw ResidentRegionsError(
                    expected: "a batch for \(regions.device), where its regions are", found: "\(device)")
            }
            let (features, boxes) = try regions.taken(rows.uploaded(to: device))
            return .held(features, boxes: boxes)
        }
    }
}

/// A batch's regions were asked for before it had been moved to the device where they lie.
public struct RegionsElsewhereError: Error, Sendable, CustomStringConvertible {
    /// Where they lie.
    public let device: Device
    /// One line.
    public var description: String {
        "expected a batch on \(device), where the regions of its images are, found one still to be moved there"
    }
}
