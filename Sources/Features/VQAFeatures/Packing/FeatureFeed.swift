import FileSystem
import Foundation
import Workers

/// What became of one image of the input.
struct FeatureFeedItem: Sendable {
    enum Outcome: Sendable {
        case storable(StorableImage)
        /// The image is in a shard that was there before.
        case kept(ImageID)
        case skipped(String)
        /// Another process interprets the image.
        case elsewhere(ImageID)
        /// The input has been read.
        case ended
        /// The input cannot be read any further.
        case endedEarly(String)
    }

    let name: String
    let outcome: Outcome
    /// Which image of its input it is, or how many the input had where it has ended.
    let index: Int
    /// How many bytes of all input had been read.
    let position: Int
}

/// Which of the images of each input a process interprets: blocks that follow one another, each of another process.
struct FeedDivision: Sendable {
    let processCount: Int
    let rank: Int

    /// So many images a block has: enough that one that takes long holds up few.
    private static let blockLength = 16

    /// How many images all processes interpret in a round.
    var roundLength: Int { processCount * Self.blockLength }

    func isOwn(_ index: Int) -> Bool {
        processCount == 1 || index / Self.blockLength % processCount == rank
    }
}

/// All input, one after the other, as work for several threads: reading is left to one at a time,
/// interpreting is not.
final class FeatureFeed {
    /// The images that need not be read.
    var kept: Set<ImageID> = []
    /// How many bytes there are to read.
    let byteCount: Int
    /// How many inputs there are.
    var inputCount: Int { inputs.count }

    private let inputs: [any FeatureInput]
    private let precision: FeaturePrecision
    private let division: FeedDivision
    /// What of the input is in memory, and is being interpreted.
    private let budget = ByteBudget(limit: 256 << 20)
    private var current = 0
    /// The next image of the current input.
    private var index = 0
    private var finishedByteCount = 0

    init(_ inputs: [any FeatureInput], precision: FeaturePrecision, _ division: FeedDivision) {
        self.inputs = inputs
        self.precision = precision
        self.division = division
        byteCount = inputs.reduce(0) { $0.addingClamped($1.byteCount) }
    }

    /// The work of interpreting the next image; nil after the end of the last input.
    func next() -> Prefetcher<FeatureFeedItem>.Work? {
        guard current < inputs.count else { return nil }
        let input = inputs[current]
        let isOwn = division.isOwn(index)
        do {
            guard let item = try input.next(isWanted: { isOwn && !kept.contains($0) }) else {
                return end(.ended)
            }
            defer { index += 1 }
            return work(item, isOwn: isOwn, position: finishedByteCount.addingClamped(input.position))
        } catch {
            return end(.endedEarly("\(error)"))
        }
    }

    private func end(_ outcome: FeatureFeedItem.Outcome) -> Prefetcher<FeatureFeedItem>.Work {
        finishedByteCount = finishedByteCount.addingClamped(inputs[current].byteCount)
        let item = FeatureFeedItem(name: "", outcome: outcome, index: index, position: finishedByteCount)
        (current, index) = (current + 1, 0)
        return { item }
    }

    private func work(_ item: FeatureInputItem, isOwn: Bool, position: Int)
        -> Prefetcher<FeatureFeedItem>.Work
    {
        let (precision, index) = (precision, index)
        let isKept = item.image.map(kept.contains) ?? false
        let reservation = budget.reserve(item.byteCount)
        return {
            defer { reservation.end() }
            let outcome: FeatureFeedItem.Outcome
            do {
                switch item.content {
                case .wanted(let image, let read):
                    let found = try read()
                    outcome = .storable(
                        try StorableImage(
                            found.regions, labels: found.labels, of: image, as: precision, name: item.name))
                case .unwanted(let image): outcome = isOwn || isKept ? .kept(image) : .elsewhere(image)
                case .nameless(let problem): outcome = .skipped("\(item.name): \(problem)")
                }
            } catch {
                outcome = .skipped("\(error)")
            }
            return FeatureFeedItem(name: item.name, outcome: outcome, index: index, position: position)
        }
    }
}
