import FileSystem
import Foundation
import Workers

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

    /// Stores everything that a feed gives.
    func readAll(
        _ items: Prefetcher<FeatureFeedItem>, _ onProgress: (FeaturePacker.Progress) -> Void,
        _ shouldStop: () -> Bool
    ) throws {
        while let item = try items.next() {
            if case .ended = item.outcome { continue }
            try take(item)
            onProgress(progress(at: item.position))
            guard !shouldStop() else { return interrupt() }
        }
        end()
    }

    /// Notes that not all input was read, for that was asked for.
    func interrupt() { report.outcome = .interrupted }

    /// Notes that all input was read, as far as it can be.
    func end() {
        if !report.endedEarly.isEmpty { report.outcome = .incomplete }
    }

    func take(_ item: FeatureFeedItem) throws {
        switch item.outcome {
        case .skipped(let message):
            report.skipped.append(SkippedInput(input: item.name, reason: .damaged, message: message))
        case .endedEarly(let message):
            report.endedEarly.append(message)
        // What others interpret is put in the place of this before.
        case .elsewhere, .ended: break
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

    func progress(at position: Int) -> FeaturePacker.Progress {
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        let done = position - (firstPosition ?? position)
        let left = done > 0 ? seconds / Double(done) * Double(inputByteCount - position) : nil
        return FeaturePacker.Progress(
            packedCount: report.packedCount,
            imagesPerSecond: seconds > 0 ? Double(report.packedCount) / seconds : 0,
            fraction: inputByteCount > 0 ? Double(position) / Double(inputByteCount) : 1, secondsLeft: left)
    }
}
