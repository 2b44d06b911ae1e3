import Archives
import FileSystem
import Foundation

/// What an input of a feature store lost on the way, and why.
public struct SkippedInput: Codable, Equatable, Sendable, CustomStringConvertible {
    /// Why an input was left out.
    public enum Reason: String, Codable, Sendable {
        /// It cannot be read, or not be stored.
        case damaged
        /// Its image was stored before.
        case duplicate
    }

    /// The file, with the entry of an archive or the line of a table where it is one.
    public let input: String
    /// The kind of the reason.
    public let reason: Reason
    /// The reason in one line that names the input.
    public let message: String

    /// The reason in one line.
    public var description: String { message }
}

/// The file that makes a folder of shards a feature store: it is written last.
struct FeatureStoreIndex: Codable, Equatable, Sendable {
    /// One of the store's files.
    struct Shard: Codable, Equatable, Sendable {
        let file: String
        let byteCount: Int
        let imageCount: Int
        let regionCount: Int
        /// The shard's format where it is another than that of stores of numbers without labels.
        var format: String?
    }

    static let fileName = "index.json"
    /// Half a million inputs that were left out take as much.
    private static let byteLimit = 128 << 20
    /// The format of stores whose images are numbers, of those where some are texts, and of those that say what regions
    /// are thought to be.
    static let formats = ["rwsan feature store 2", "rwsan feature store 3", "rwsan feature store 4"]
    static let expectedFormats = formats.map { "'\($0)'" }.joined(separator: " or ")

    let format: String
    let dtype: FeaturePrecision
    let width: Int
    let imageCount: Int
    let regionCount: Int
    let shards: [Shard]
    /// What was left out when the store was finished.
    let skipped: [SkippedInput]

    /// Reads the index of a store.
    ///
    /// - Throws: `FeatureStoreError`.
    init(folder: String) throws {
        let path = folder + "/" + Self.fileName
        let data: Data
        do {
            data = try SmallFile.contents(of: path, byteLimit: Self.byteLimit)
        } catch let error as SmallFileError {
            throw FeatureStoreError(
                path: path, expected: "an index of at most \(error.byteLimit) bytes", found: "more")
        } catch {
            throw FeatureStoreError(
                path: folder, expected: "a feature store", found: "no \(Self.fileName) that can be read in it"
            )
        }
        do {
            self = try JSONDecoder().decode(Self.self, from: data)
        } catch {
            throw FeatureStoreError(path: path, expected: "the index of a feature store", found: "other text")
        }
        guard Self.formats.contains(format) else {
            throw FeatureStoreError(
                path: path, expected: Self.expectedFormats,
                found: "'\(format)': remove the folder and pack it again")
        }
        // A file of another folder is none of the store's.
        if let stray = shards.first(where: { $0.file.hasSlash }) {
            throw FeatureStoreError(path: path, expected: "names of files", found: "'\(stray.file)'")
        }
    }

    init(_ shards: [Shard], precision: FeaturePrecision, width: Int, skipped: [SkippedInput]) {
        format = shards.compactMap(\.format).max() ?? Self.formats[0]
        dtype = precision
        self.width = width
        imageCount = shards.reduce(0) { $0 + $1.imageCount }
        regionCount = shards.reduce(0) { $0 + $1.regionCount }
        self.shards = shards
        self.skipped = skipped
    }

    /// Puts the index in its place, which makes the store whole.
    ///
    /// - Throws: `ArchiveError` where it cannot be written.
    func write(to folder: String) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let file = try AtomicFile(path: folder + "/" + Self.fileName)
        try file.write(encoder.encode(self))
        try file.commit()
    }
}

extension FeatureStoreIndex.Shard {
    /// The entry of a shard.
    ///
    /// - Throws: `FeatureStoreError` where its file cannot be examined.
    init(_ shard: FeatureShard) throws {
        self.init(
            file: URL(fileURLWithPath: shard.path).lastPathComponent,
            byteCount: try fileByteCount(shard.path), imageCount: shard.imageIDs.count,
            regionCount: shard.regionCount,
            format: shard.format == FeatureStoreIndex.formats[0] ? nil : shard.format)
    }
}

/// A shard that has been compared with its checksum.
struct VerifiedShard: Sendable {
    let entry: FeatureStoreIndex.Shard
    /// The file before it was read.
    let identity: FileIdentity

    /// - Throws: As the entry's initializer.
    init(_ shard: FeatureShard) throws {
        entry = try FeatureStoreIndex.Shard(shard)
        identity = shard.identity
    }
}

/// A feature store that cannot be read or added to, and why.
public struct FeatureStoreError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The folder or file.
    public let path: String
    /// What should have been there.
    public let expected: String
    /// What was there instead.
    public let found: String

    /// One line.
    public var description: String { "\(path): expected \(expected), found \(found)" }
}

/// How many bytes a file has.
///
/// - Throws: `FeatureStoreError` where it cannot be examined.
func fileByteCount(_ path: String) throws -> Int {
    var status = stat()
    guard stat(path, &status) == 0 else {
        throw FeatureStoreError(
            path: path, expected: "a file", found: String(cString: strerror(errno)))
    }
    return Int(status.st_size)
}
