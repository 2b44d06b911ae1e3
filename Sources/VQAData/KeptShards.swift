import Foundation

/// The shards that earlier runs of a packer left in a folder.
struct KeptShards {
    /// The whole ones, in the order of their numbers.
    private(set) var shards: [FeatureStoreIndex.Shard] = []
    /// The images in them.
    private(set) var images: Set<ImageID> = []
    /// The width of their features; nil where there are none.
    private(set) var width: Int?
    /// The number of the shard after them.
    private(set) var nextNumber = 0
    /// Damaged shards that have been removed, and why.
    private(set) var removed: [String] = []

    private let folder: String
    private let precision: FeaturePrecision

    /// Compares all shards with their checksums. Damaged ones, and what a kill left half written, are removed.
    ///
    /// - Throws: `FeatureStoreError` where the shards have features of another type; what removing a file throws.
    init(in folder: String, precision: FeaturePrecision) throws {
        self.folder = folder
        self.precision = precision
        for name in try FileManager.default.contentsOfDirectory(atPath: folder).sorted() {
            let isOurs = name.hasPrefix("shard-") || name.hasPrefix(FeatureStoreIndex.fileName)
            if isOurs, name.hasSuffix(".partial") {
                try FileManager.default.removeItem(atPath: folder + "/" + name)
            }
            if let number = FeatureShardWriter.number(fileName: name) { try take(name, number) }
        }
    }

    private mutating func take(_ name: String, _ number: Int) throws {
        let path = folder + "/" + name
        do {
            let shard = try FeatureShard(path: path)
            try shard.verify()
            try check(shard)
            shards.append(try FeatureStoreIndex.Shard(shard))
            images.formUnion(shard.imageIDs)
            width = shard.width
            nextNumber = max(nextNumber, number + 1)
        } catch let mismatch as PrecisionMismatch {
            throw mismatch.error
        } catch {
            removed.append("\(error)")
            // The index first: with it, the folder would look like a store.
            try? FileManager.default.removeItem(atPath: folder + "/" + FeatureStoreIndex.fileName)
            try FileManager.default.removeItem(atPath: path)
        }
    }

    /// Features of another type are no damage, but what somebody asked for.
    private struct PrecisionMismatch: Error {
        let error: FeatureStoreError
    }

    private func check(_ shard: FeatureShard) throws {
        guard shard.precision == precision else {
            throw PrecisionMismatch(
                error: FeatureStoreError(
                    path: shard.path, expected: "features of \(precision.rawValue), as asked for",
                    found: shard.precision.rawValue))
        }
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
