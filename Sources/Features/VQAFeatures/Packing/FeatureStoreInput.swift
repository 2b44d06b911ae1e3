import FileSystem

/// A feature store, whose images come in its order.
final class FeatureStoreInput: FeatureInput {
    let byteCount: Int
    private(set) var position = 0
    private let store: FeatureStore
    private var shardNumber = 0
    private var nextImage = 0

    /// - Throws: `FeatureStoreError` where its images are named in another way than now, or it cannot be opened.
    init(_ path: String, _ naming: ImageNaming) throws {
        store = try FeatureStore(path)
        byteCount = store.byteCount
        for shard in store.shards where shard.imageNaming != naming.rawValue {
            throw FeatureStoreError(
                path: shard.path, expected: "images named by --image-ids \(naming.rawValue), as asked for",
                found: "images named by --image-ids \(shard.imageNaming)")
        }
    }

    func next(isWanted: (ImageID) -> Bool) throws -> FeatureInputItem? {
        while shardNumber < store.shards.count {
            let shard = store.shards[shardNumber]
            // What a file of features has in checksums, a shard has as a whole.
            if nextImage == 0 { try shard.verify() }
            guard nextImage < shard.imageIDs.count else {
                (shardNumber, nextImage) = (shardNumber + 1, 0)
                position = position.addingClamped(shard.byteCount)
                continue
            }
            let image = shard.imageIDs[nextImage]
            let stored = shard.regions(at: nextImage, maximumCount: .max)
            nextImage += 1
            return FeatureInputItem(
                name: "\(shard.path), image \(image)",
                byteCount: stored.count * (stored.width + 4) * MemoryLayout<Float>.size,
                content: isWanted(image)
                    ? .wanted(image) {
                        LabelledRegions(regions: try stored.copied(), labels: try stored.labels())
                    }
                    : .unwanted(image))
        }
        return nil
    }
}
