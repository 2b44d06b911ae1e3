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
        /// The input cannot be read any further.
        case endedEarly(String)
    }

    let name: String
    let outcome: Outcome
    /// How many bytes of all input had been read.
    let position: Int
}

/// All input, one after the other, as work for several threads: reading is left to one at a time,
/// interpreting is not.
final class FeatureFeed {
    /// The images that need not be read.
    var kept: Set<ImageID> = []
    /// How many bytes there are to read.
    let byteCount: Int

    private let inputs: [any FeatureInput]
    private let precision: FeaturePrecision
    /// What of the input is in memory, and is being interpreted.
    private let budget = ByteBudget(limit: 256 << 20)
    private var current = 0
    private var finishedByteCount = 0

    init(_ inputs: [any FeatureInput], precision: FeaturePrecision) {
        self.inputs = inputs
        self.precision = precision
        byteCount = inputs.reduce(0) { $0.addingClamped($1.byteCount) }
    }

    /// The work of interpreting the next image; nil after the last.
    func next() -> Prefetcher<FeatureFeedItem>.Work? {
        while current < inputs.count {
            let input = inputs[current]
            do {
                if let item = try input.next(isWanted: { !kept.contains($0) }) {
                    return work(item, position: finishedByteCount.addingClamped(input.position))
                }
                finishInput()
            } catch {
                finishInput()
                let item = FeatureFeedItem(
                    name: "", outcome: .endedEarly("\(error)"), position: finishedByteCount)
                return { item }
            }
        }
        return nil
    }

    private func finishInput() {
        finishedByteCount = finishedByteCount.addingClamped(inputs[current].byteCount)
        current += 1
    }

    private func work(_ item: FeatureInputItem, position: Int) -> Prefetcher<FeatureFeedItem>.Work {
        let precision = precision
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
                case .unwanted(let image): outcome = .kept(image)
                case .nameless(let problem): outcome = .skipped("\(item.name): \(problem)")
                }
            } catch {
                outcome = .skipped("\(error)")
            }
            return FeatureFeedItem(name: item.name, outcome: outcome, position: position)
        }
    }
}

/// Packing once: takes what the threads have interpreted, in the order of the input.
final class PackingRun {
    private(set) var report: FeaturePacker.Report

    private let store: StoreConstruction
    private let inputByteCount: Int
    /// The images that have been met this time.
    private var seen: Set<ImageID> = []
    /// How many of the images with regions had which width.
    private var imageCounts: [Int: Int] = [:]
    /// Images without regions that came before the first one with any.
    private var waiting: [StorableImage] = []
    private let start = ContinuousClock.now
    /// Where the input stood when the first image was stored: what was there before was passed over faster.
    private var firstPosition: Int?

    init(_ store: StoreConstruction, inputByteCount: Int, report: FeaturePacker.Report) {
        self.store = store
        self.inputByteCount = inputByteCount
        self.report = report
    }

    /// The width of all features; nil before the first.
    private var width: Int? { store.width }

    /// Stores everything that the feed gives.
    func readAll(
        _ feed: sending FeatureFeed, workers: Int, _ onProgress: (FeaturePacker.Progress) -> Void,
        _ shouldStop: () -> Bool
    ) throws {
        let prefetcher = Prefetcher<FeatureFeedItem>(workers: workers) { feed.next() }
        defer { prefetcher.cancel() }
        while let item = try prefetcher.next() {
            try take(item)
            onProgress(progress(at: item.position))
            guard !shouldStop() else {
                report.outcome = .interrupted
                return
            }
        }
        if !report.endedEarly.isEmpty { report.outcome = .incomplete }
    }

    private func take(_ item: FeatureFeedItem) throws {
        switch item.outcome {
        case .skipped(let message):
            report.skipped.append(SkippedInput(input: item.name, reason: .damaged, message: message))
        case .endedEarly(let message):
            report.endedEarly.append(message)
        case .kept(let image):
            if isFirst(image, item) { report.keptCount += 1 }
        case .storable(let image):
            guard fits(image, item), isFirst(image.image, item) else { return }
            if firstPosition == nil { firstPosition = item.position }
            try store(image)
        }
    }

    /// Whether an image has the width of all others; one without regions has none.
    private func fits(_ image: StorableImage, _ item: FeatureFeedItem) -> Bool {
        guard image.count > 0 else { return true }
        imageCounts[image.width, default: 0] += 1
        let expected = width.map(String.init) ?? "at most \(FeatureShard.largestWidth)"
        guard image.width == width ?? min(image.width, FeatureShard.largestWidth) else {
            let message = "\(item.name): expected features \(expected) wide, found \(image.width)"
            report.skipped.append(SkippedInput(input: item.name, reason: .damaged, message: message))
            return false
        }
        return true
    }

    private func store(_ image: StorableImage) throws {
        report.packedCount += 1
        guard let width = width ?? (image.count > 0 ? image.width : nil) else {
            waiting.append(image)
            return
        }
        for image in waiting + [image] { try store.add(image, width: width) }
        waiting = []
    }

    /// Checks that the first image was not the exception.
    ///
    /// - Throws: `FeatureStoreError` where most images have another width than those that are stored.
    func checkWidths(folder: String) throws {
        let fitting = report.keptCount + (width.flatMap { imageCounts[$0] } ?? 0)
        let others = imageCounts.filter { $0.key != width }
        guard others.values.reduce(0, +) > fitting else { return }
        let found = others.sorted { $0.key < $1.key }.map { "\($0.value) with \($0.key)" }
        throw FeatureStoreError(
            path: folder,
            expected: "most images to have features \(width ?? 0) wide, as the first one in it",
            found: "\(fitting) images with that width, \(found.joined(separator: ", ")): pack images of one "
                + "width into a new folder")
    }

    /// Notes an image that has been met before.
    private func isFirst(_ image: ImageID, _ item: FeatureFeedItem) -> Bool {
        guard !seen.insert(image).inserted else { return true }
        let message = "\(item.name): expected every image once, found image \(image) a second time"
        report.skipped.append(SkippedInput(input: item.name, reason: .duplicate, message: message))
        return false
    }

    private func progress(at position: Int) -> FeaturePacker.Progress {
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let done = position - (firstPosition ?? position)
        let left = done > 0 ? seconds / Double(done) * Double(inputByteCount - position) : nil
        return FeaturePacker.Progress(
            packedCount: report.packedCount,
            imagesPerSecond: seconds > 0 ? Double(report.packedCount) / seconds : 0,
            fraction: inputByteCount > 0 ? Double(position) / Double(inputByteCount) : 1, secondsLeft: left)
    }
}
