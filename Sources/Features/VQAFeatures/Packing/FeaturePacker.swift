import Collectives
import FileSystem
import Foundation
import Workers

/// Packs region features into a `FeatureStore`.
///
/// It reads folders of official `.npz` files, tar, tar.gz and zip archives of them (which are unpacked in memory,
/// never to disk), tables of bottom-up-attention features (`.tsv`), and stores. Content tells these apart, not names. Of
/// stores of parts (``StorePart``) all have to be there, and are taken in their order.
///
/// What is finished stays finished: packing that was stopped, killed, or ended by a full disk leaves shards, and
/// the next one to the same folder goes on behind them. The folder is a store only when all input has been
/// read. A single image that cannot be read or is there twice is left out and reported; input that ends early
/// is reported too, and then the folder is no store yet. More input can be added to a store that is finished.
public struct FeaturePacker: Sendable {
    /// The type that features are stored in.
    public var precision = FeaturePrecision.float16
    /// How names of files, and the tables' first column, say which image features are of.
    public var naming = ImageNaming.number
    /// How many threads interpret features.
    public var workers = Processors.count
    /// At how many bytes of features a shard is full. Twice as much is kept in memory.
    public var shardByteCount = 128 << 20
    /// Where the shards, which are compared with their checksums as they are written, are remembered as verified; nil
    /// for nowhere.
    package var memory: VerifiedFiles?
    /// Told in one line where they cannot be remembered.
    package var onNotice: @Sendable (String) -> Void = { _ in }

    /// This process's share in the work. Process 0 alone writes.
    package var share = WorkShare()

    /// A packer to float16, on all cores.
    public init() {}

    /// How far packing has come.
    public struct Progress: Sendable {
        /// How many images have been stored this time.
        public let packedCount: Int
        /// How many of them it has stored a second.
        public let imagesPerSecond: Double
        /// The share of the input that has been read, from 0 to 1.
        public let fraction: Double
        /// How long the rest will take at the pace so far; nil where nothing can be said yet.
        public let secondsLeft: Double?
    }

    /// What packing did.
    public struct Report: Sendable, Codable {
        /// How packing ended.
        public enum Outcome: String, Sendable, Codable {
            /// All input was read; the folder is a store.
            case complete
            /// Some input ended early or was damaged; the folder is no store before it is packed again whole.
            case incomplete
            /// Packing was asked to stop; the folder is no store before packing again has read the rest.
            case interrupted
        }

        /// How packing ended.
        public internal(set) var outcome = Outcome.complete
        /// How many images it stored.
        public internal(set) var packedCount = 0
        /// How many images were there already.
        public internal(set) var keptCount = 0
        /// The inputs that were left out, and why.
        public internal(set) var skipped: [SkippedInput] = []
        /// The inputs of which a part could not be read, and why.
        public internal(set) var endedEarly: [String] = []
        /// Shards of earlier times that were damaged and have been removed, and why.
        public internal(set) var removedShards: [String] = []
    }

    /// Packs features into a folder, which is made where it is not there.
    ///
    /// - Parameters:
    ///   - inputs: The paths of folders, archives, tables and stores. Where an image is in several, the first one counts.
    ///   - folder: The folder of the store.
    ///   - onCheck: Called while the shards that are there already are read, with the share from 0 to 1.
    ///   - onProgress: Called after each image.
    ///   - shouldStop: Asked after each image, and as often as `onCheck` is called.
    /// - Throws: `FeatureStoreError` where there is no memory for two shards, where an input is of no known kind or a part is missing, where the folder has features of
    ///   another type or made in another way, where most images are of another width than the first, or where
    ///   another process is packing to it; `ArchiveError` where it cannot be written, a full disk included; `ProcessError` and
    ///   `PartnerFailure` where several processes share the work.
    ///   Shards that were finished before are kept.
    public func pack(
        _ inputs: [String], into folder: String, onCheck: (Double) -> Void = { _ in },
        onProgress: (Progress) -> Void = { _ in },
        shouldStop: () -> Bool = { false }
    ) throws -> Report {
        let inputs = try share.together { try StorePart.inOrder(inputs) }
        var (opened, failure) = ([any FeatureInput](), (any Error)?.none)
        do {
            opened = try inputs.map { try openFeatureInput($0, naming) }
        } catch {
            failure = error
        }
        try share.together { if let failure { throw failure } }
        let feed = FeatureFeed(
            opened, precision: precision, FeedDivision(processCount: share.processCount, rank: share.rank))
        let store = try share.together {
            guard share.isWriting else { return nil as StoreConstruction? }
            return try StoreConstruction(
                in: folder, as: self, note: FeatureNote(inputs: inputs), onCheck: onCheck,
                shouldStop: shouldStop)
        }
        var report = Report()
        report.removedShards = store?.removed ?? []
        guard try !share.anyone(store?.isInterrupted ?? false) else {
            report.outcome = .interrupted
            return report
        }
        feed.kept = Set(try share.agreed(store.map { Array($0.images) } ?? []))
        let (byteCount, inputCount) = (feed.byteCount, feed.inputCount)
        let run = store.map { PackingRun($0, inputByteCount: byteCount, report: report) }
        let items = interpreted(feed)
        defer { items.cancel() }
        if let group = share.group {
            try SharedPacking(share, group, run, precision, items).readAll(inputCount, onProgress, shouldStop)
        } else {
            try run?.readAll(items, onProgress, shouldStop)
        }
        return try share.agreed(share.together { try finish(run, store, of: inputs, in: folder) })
    }

    /// What threads make of the input.
    private func interpreted(_ feed: sending FeatureFeed) -> Prefetcher<FeatureFeedItem> {
        Prefetcher(workers: workers) { feed.next() }
    }

    /// Closes the store, and makes it one where all input was read.
    private func finish(
        _ run: PackingRun?, _ store: StoreConstruction?, of inputs: [String], in folder: String
    ) throws -> Report {
        guard let run, let store else { return Report() }
        let report = run.report
        try store.closeShard()
        guard report.outcome == .complete else { return report }
        if store.width != nil { try run.checkWidths(folder: folder) }
        guard try store.complete(skipped: report.skipped) else {
            throw FeatureStoreError(
                path: inputs.joined(separator: ", "), expected: "features to pack",
                found: report.skipped.first.map { "none that can be stored: \($0)" } ?? "none")
        }
        return report
    }
}
