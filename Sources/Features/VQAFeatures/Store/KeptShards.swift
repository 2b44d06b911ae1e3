import FileSystem
import Foundation

/// The shards that a packer left earlier in a folder.
struct KeptShards {
    /// The whole ones, in the order of their numbers.
    private(set) var shards: [VerifiedShard] = []
    /// The images in them.
    private(set) var images: Set<ImageID> = []
    /// The width of their features; nil where there are none.
    private(set) var width: Int?
    /// The number of the shard after them.
    private(set) var nextNumber = 0
    /// Damaged shards that have been removed, and why.
    private(set) var removed: [String] = []
    /// Whether the check was asked to stop; what is above is then not all.
    private(set) var isInterrupted = false

    private let folder: String
    private let precision: FeaturePrecision
    private let imageNaming: ImageNaming

    /// Compares all shards with their checksums. Damaged ones, and what a kill left half written, are removed.
    ///
    /// - Parameters:
    ///   - folder: The folder.
    ///   - precision: The type of features to go on with.
    ///   - imageNaming: What says from now on which image features are of.
    ///   - onProgress: Called with the share that has been read, from 0 to 1, at every megabyte.
    ///   - shouldStop: Asked as often.
    /// - Throws: `FeatureStoreError` where the shards have features of another type, or images named in another way, or
    ///   are of another format;   what removing a file throws.
    init(
        in folder: String, precision: FeaturePrecision, imageNaming: ImageNaming,
        onProgress: (Double) -> Void, shouldStop: () -> Bool
    ) throws {
        self.folder = folder
        self.imageNaming = imageNaming
        self.precision = precision
        var found: [(name: String, number: Int, byteCount: Int)] = []
        for name in try FolderListing(folder).names {
            let isOurs = name.hasPrefix("shard-") || name.hasPrefix(FeatureStoreIndex.fileName)
            if isOurs, name.hasSuffix(".partial") {
                try FileManager.default.removeItem(atPath: folder + "/" + name)
            }
            if let number = FeatureShardWriter.number(fileName: name) {
                found.append((name, number, (try? fileByteCount(folder + "/" + name)) ?? 0))
            }
        }
        let byteCount = max(1, found.reduce(0) { $0.addingClamped($1.byteCount) })
        var finishedByteCount = 0
        for (name, number, shardByteCount) in found {
            var readByteCount = 0
            do {
                try take(name, number) { count in
                    guard !shouldStop() else { throw Interruption() }
                    readByteCount += count
                    onProgress(Double(finishedByteCount.addingClamped(readByteCount)) / Double(byteCount))
                }
            } catch is Interruption {
                isInterrupted = true
                return
            }
            finishedByteCount = finishedByteCount.addingClamped(shardByteCount)
        }
    }

    private mutating func take(_ name: String, _ number: Int, onRead: (Int) throws -> Void) throws {
        let path = folder + "/" + name
        do {
            let shard = try FeatureShard(path: path)
            try checkKind(of: shard)
            try shard.verify(onRead: onRead)
            try check(shard)
            shards.append(try VerifiedShard(shard))
            images.formUnion(shard.imageIDs)
            width = shard.width
            nextNumber = max(nextNumber, number + 1)
        } catch let refusal as Refusal {
            throw refusal.error
        } catch let interruption as Interruption {
            throw interruption
        } catch {
            removed.append("\(error)")
            // The index first: with it, the folder would look like a store.
            try? FileManager.default.removeItem(atPath: folder + "/" + FeatureStoreIndex.fileName)
            try FileManager.default.removeItem(atPath: path)
        }
    }

    /// Features of another type or format are no damage, but what somebody asked for.
    private struct Refusal: Error {
        let error: FeatureStoreError
    }

    /// The check was asked to stop.
    private struct Interruption: Error {}

    private func checkKind(of shard: FeatureShard) throws {
        guard FeatureStoreIndex.formats.contains(shard.format) else {
            throw Refusal(
                error: FeatureStoreError(
                    path: shard.path, expected: FeatureStoreIndex.expectedFormats,
                    found: "'\(shard.format)': remove the folder and pack it again"))
        }
        guard shard.imageNaming == imageNaming.rawValue else {
            // Under two names, one image would be there twice.
            throw Refusal(
                error: FeatureStoreError(
                    path: shard.path,
                    expected: "images named by --image-ids \(imageNaming.rawValue), as asked for",
                    found: "images named by --image-ids \(shard.imageNaming)"))
        }
        guard shard.precision == precision else {
            throw Refusal(
                error: FeatureStoreError(
                    path: shard.path, expected: "features of \(precision.rawValue), as asked for",
                    found: shard.precision.rawValue))
        }
    }

    private func check(_ shard: FeatureShard) throws {
        if let width, width != shard.width {
            throw FeatureStoreError(
                path: shard.path, expected: "features \(width) wide, as in the other shards",
                found: "\(shard.width)")
        }
        guard images.isDisjoint(with: shard.imageIDs) else {
            throw FeatureStoreError(
                path: shard.path, expected: "images of its own", found: "images of another shard")
        }
    }
}
