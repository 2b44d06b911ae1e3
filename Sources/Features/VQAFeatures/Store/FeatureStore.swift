import FileSystem
import Foundation

/// A feature store: the region features of many images in a few files.
///
/// `FeaturePacker` makes one; docs/formats.md describes its files. Opening one maps its files and reads its index
/// and the image numbers; features are read when they are asked for, from the system's cache of files, which
/// all processes share and the system empties as it needs to. The memory of a process does not grow with what it
/// has read.
///
/// Any number of threads may ask for features at once.
public final class FeatureStore: FeatureSource {
    /// The folder.
    public let path: String
    /// The type that features are stored in.
    public let precision: FeaturePrecision
    /// The length of a region's feature vector.
    public let width: Int
    /// How many regions all images have together.
    public let regionCount: Int
    /// How many bytes the shards take.
    public let byteCount: Int
    /// What was left out of the store when it was packed, and why.
    public let skipped: [SkippedInput]
    /// Which part of the pictures it is of; nil where it is of all.
    public let part: StorePart?

    let shards: [FeatureShard]
    private let places: [ImageID: Place]
    private let maximumRegions: Int

    private struct Place {
        let shard: Int32
        let position: Int32
    }

    /// The folder, for errors.
    public var place: String { path }

    /// Opens a store.
    ///
    /// - Parameters:
    ///   - path: The folder.
    ///   - maximumRegions: Keep only the first regions of an image, this many; nil keeps all.
    /// - Throws: `FeatureStoreError` where the folder is no store, or not a whole one; `FileAccessError` or
    ///   `SafetensorsError` where one of its files is damaged.
    public init(_ path: String, maximumRegions: Int? = nil) throws {
        let index = try FeatureStoreIndex(folder: path)
        self.path = path
        precision = index.dtype
        width = index.width
        regionCount = index.regionCount
        skipped = index.skipped
        part = try StorePart(in: path)
        self.maximumRegions = maximumRegions ?? .max
        shards = try index.shards.map { try Self.open($0, of: index, in: path) }
        byteCount = try shards.reduce(0) { $0 + (try fileByteCount($1.path)) }
        places = try Self.places(in: shards)
        guard places.count == index.imageCount else {
            throw FeatureStoreError(
                path: path, expected: "\(index.imageCount) images", found: "\(places.count)")
        }
    }

    /// Whether a folder holds a store that is finished; it may be damaged all the same.
    public static func isFinished(_ path: String) -> Bool {
        FileManager.default.fileExists(atPath: path + "/" + FeatureStoreIndex.fileName)
    }

    /// The images there are features for.
    public var imageIDs: some Collection<ImageID> { places.keys }

    /// How many files hold the features.
    public var shardCount: Int { shards.count }

    /// Whether there are features for an image.
    public func contains(_ image: ImageID) -> Bool { places[image] != nil }

    /// The features of one image, in arrays of their own.
    ///
    /// - Throws: `FeatureStoreError` where the image is not in the store.
    public func features(for image: ImageID) throws -> RegionFeatures { try stored(image).copied() }

    /// The regions of one image, which are read when they are copied.
    ///
    /// - Throws: `FeatureStoreError` where the image is not in the store.
    public func regions(of image: ImageID) throws -> any RegionRows { try stored(image) }

    /// What the regions of an image are thought to be; nil where the store does not say.
    ///
    /// - Throws: `FeatureStoreError` where the image is not in the store.
    public func labels(of image: ImageID) throws -> RegionLabels? { try stored(image).labels() }

    /// Whether it says of any region what object it is thought to be.
    public var hasObjects: Bool { shards.contains(where: \.labels.areThere) }

    /// Whether it says of any region what attribute that has.
    public var hasAttributes: Bool { shards.contains(where: \.labels.haveAttributes) }

    /// How many regions an image has.
    ///
    /// - Throws: `FeatureStoreError` where the image is not in the store.
    public func regionCount(of image: ImageID) throws -> Int? { try stored(image).count }

    /// The store itself.
    public var stores: [FeatureStore] { [self] }

    /// Reads the whole store and compares it with its checksums, on all cores.
    ///
    /// - Throws: `FeatureStoreError` that names the first file that differs.
    public func verify() throws { try verify(remembering: nil) }

    /// Reads the whole store and compares it with its checksums, on all cores, whatever has been verified before.
    ///
    /// - Parameters:
    ///   - memory: Where the files that are as they should be are remembered.
    ///   - onNotice: Told in one line where they cannot be.
    /// - Throws: As ``verify()``.
    package func verify(remembering memory: VerifiedFiles?, onNotice: (String) -> Void = { _ in }) throws {
        let check = StoreCheck(of: [self], memory: memory, isTrusting: false, onNotice: onNotice)
        if let first = try check.run(onNotice: onNotice).first { throw first.cause }
    }

    private func stored(_ image: ImageID) throws -> StoredRegions {
        guard let place = places[image] else {
            throw FeatureStoreError(path: path, expected: "image \(image)", found: "no such image")
        }
        let shard = shards[Int(place.shard)]
        try shard.requireUndamaged()
        return shard.regions(at: Int(place.position), maximumCount: maximumRegions)
    }

    private static func open(_ entry: FeatureStoreIndex.Shard, of index: FeatureStoreIndex, in folder: String)
        throws -> FeatureShard
    {
        let path = folder + "/" + entry.file
        let byteCount = try fileByteCount(path)
        guard byteCount == entry.byteCount else {
            throw FeatureStoreError(path: path, expected: "\(entry.byteCount) bytes", found: "\(byteCount)")
        }
        let shard = try FeatureShard(path: path)
        guard shard.precision == index.dtype, shard.width == index.width else {
            throw FeatureStoreError(
                path: path, expected: "features of \(index.dtype.rawValue), \(index.width) wide",
                found: "\(shard.precision.rawValue), \(shard.width) wide")
        }
        return shard
    }

    private static func places(in shards: [FeatureShard]) throws -> [ImageID: Place] {
        var places: [ImageID: Place] = [:]
        places.reserveCapacity(shards.reduce(0) { $0 + $1.imageIDs.count })
        for (number, shard) in shards.enumerated() {
            for (position, image) in shard.imageIDs.enumerated() {
                let place = Place(
                    shard: Int32(clamping: number), position: Int32(clamping: position))
                guard places.updateValue(place, forKey: image) == nil else {
                    throw FeatureStoreError(
                        path: shard.path, expected: "every image once",
                        found: "image \(image) a second time")
                }
            }
        }
        return places
    }
}
