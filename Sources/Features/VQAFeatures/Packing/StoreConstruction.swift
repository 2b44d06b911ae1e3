import Archives
import FileSystem
import Foundation

/// A feature store that is being made in a folder: what was finished there earlier is kept, and images go behind it.
///
/// Nobody else makes one in the folder meanwhile. It belongs to one thread.
package final class StoreConstruction {
    /// The images that are in the folder already.
    package var images: Set<ImageID> { kept.images }
    /// Damaged shards that have been removed, and why.
    package var removed: [String] { kept.removed }
    /// Whether looking at what is there was asked to stop; then nothing can be done here.
    package var isInterrupted: Bool { kept.isInterrupted }
    /// The width of features; nil where there are none yet.
    private(set) package var width: Int?

    private let folder: String
    private let packer: FeaturePacker
    private let part: StorePart?
    private let lock: FileLock
    private let kept: KeptShards
    private let writer: FeatureShardWriter
    private var shards: [VerifiedShard] = []

    /// Makes the folder where it is missing, and looks at what is there.
    ///
    /// - Parameters:
    ///   - folder: The folder of the store.
    ///   - packer: What the store is to be like.
    ///   - note: How the features are made.
    ///   - part: Which part of the pictures it is of; nil for all.
    ///   - onCheck: Called while the shards that are there already are read, with the share from 0 to 1.
    ///   - shouldStop: Asked as often.
    /// - Throws: `FeatureStoreError` where there is no memory for two shards, where what is in the folder is of another
    ///   kind or part, or where another process is making a store there; `ArchiveError` where it cannot be written.
    package init(
        in folder: String, as packer: FeaturePacker, note: FeatureNote, part: StorePart? = nil,
        onCheck: (Double) -> Void, shouldStop: () -> Bool
    ) throws {
        try Self.requireMemory(packer, for: folder)
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        guard let lock = try FileLock(path: folder + "/.packing") else {
            throw FeatureStoreError(
                path: folder, expected: "a folder that nobody else is packing to", found: "one in use")
        }
        self.lock = lock
        self.folder = folder
        self.packer = packer
        self.part = part
        kept = try KeptShards(
            in: folder, precision: packer.precision, imageNaming: packer.naming, onProgress: onCheck,
            shouldStop: shouldStop)
        width = kept.width
        writer = FeatureShardWriter(
            folder: folder, precision: packer.precision, imageNaming: packer.naming,
            shardByteCount: packer.shardByteCount, firstNumber: kept.nextNumber)
        guard !kept.isInterrupted else { return }
        try StorePart.install(part, in: folder, hasImages: !kept.images.isEmpty)
        try note.install(in: folder, hasImages: !kept.images.isEmpty)
    }

    /// The folder in a store's folder for features that no shard has yet.
    package static let extractedFolder = "extracted"

    /// Whether names are those of the files of a store, as it was begun.
    package static func hasBegun(among names: [String]) -> Bool {
        names.contains { name in
            name == extractedFolder || name == StorePart.fileName || name == FeatureStoreIndex.fileName
                || FeatureShardWriter.number(fileName: name) != nil
        }
    }

    /// Adds an image, which is none of those that are there; `width` is that of all images.
    ///
    /// - Returns: Whether a shard was full with it: the one before that is on the disk then.
    /// - Throws: As `FeatureShardWriter.add(_:width:)`.
    @discardableResult
    func add(_ image: StorableImage, width: Int) throws -> Bool {
        self.width = width
        return try writer.add(image, width: width)
    }

    /// Adds the regions of an image, which is none of those that are there, out of an official file.
    ///
    /// - Parameter name: What the image is called in an error about its numbers.
    /// - Returns: Whether a shard was full with them: the one before that is on the disk then.
    /// - Throws: `FeatureStoreError` where they cannot be stored; what reading the file and writing a shard throws.
    package func add(officialFile path: String, of image: ImageID, name: String) throws -> Bool {
        let found = try LabelledRegions(of: NPZFile(path: path))
        return try add(
            StorableImage(
                found.regions, labels: found.labels, of: image, as: packer.precision, name: name),
            width: found.regions.width)
    }

    /// Waits until what is full has been written, where no more is to come this time.
    ///
    /// - Throws: As `FeatureShardWriter.add(_:width:)`.
    package func pause() throws { try writer.wait() }

    /// Writes what is left to a shard, however full.
    ///
    /// - Throws: As `FeatureShardWriter.finish()`.
    package func closeShard() throws { shards = kept.shards + (try writer.finish()) }

    /// Makes the folder a store, once the last shard is closed. A part may be of no image; all else is refused.
    ///
    /// - Parameter skipped: What was left out, and why.
    /// - Returns: Whether it is a store now, which takes an image.
    /// - Throws: `ArchiveError` where it cannot be written.
    package func complete(skipped: [SkippedInput]) throws -> Bool {
        guard let width = width ?? part.map({ _ in 0 }) else { return false }
        try FeatureStoreIndex(
            shards.map(\.entry), precision: packer.precision, width: width, skipped: skipped
        )
        .write(to: folder)
        packer.memory?.remember(shards.map(\.identity), onNotice: packer.onNotice)
        return true
    }

    /// Asks for the memory of two shards and gives it back: where an array finds none, the process ends.
    private static func requireMemory(_ packer: FeaturePacker, for folder: String) throws(FeatureStoreError) {
        let (byteCount, overflows) = packer.shardByteCount.multipliedReportingOverflow(by: 2)
        guard !overflows, let memory = malloc(max(1, byteCount)) else {
            throw FeatureStoreError(
                path: folder, expected: "memory for two shards of \(packer.shardByteCount >> 20) MB",
                found: "less than that: --shard-size can be smaller")
        }
        free(memory)
    }
}
