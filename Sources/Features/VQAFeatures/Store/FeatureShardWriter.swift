import Foundation
import Workers

/// Collects images to shards and writes each full one, while the next one is being filled.
///
/// It keeps no more than two shards in memory, however many there will be. Belongs to one thread.
final class FeatureShardWriter {
    private let folder: String
    private let precision: FeaturePrecision
    private let imageNaming: ImageNaming
    private let shardByteCount: Int
    private var contents: ShardContents
    /// Memory for the shard after that.
    private var spare: ShardContents?
    private var nextNumber: Int
    private let pending = PendingShard()

    /// - Parameters:
    ///   - folder: Where the shards go.
    ///   - precision: The type of their features.
    ///   - imageNaming: What says which image features are of.
    ///   - shardByteCount: At how many bytes of features a shard is full.
    ///   - firstNumber: The number in the name of the first one.
    init(
        folder: String, precision: FeaturePrecision, imageNaming: ImageNaming, shardByteCount: Int,
        firstNumber: Int
    ) {
        self.folder = folder
        self.imageNaming = imageNaming
        self.shardByteCount = shardByteCount
        self.precision = precision
        contents = ShardContents(
            precision: precision, imageNaming: imageNaming, byteCount: shardByteCount)
        nextNumber = firstNumber
    }

    /// The name of a shard.
    static func fileName(_ number: Int) -> String {
        let digits = String(number)
        return "shard-" + String(repeating: "0", count: max(0, 5 - digits.count)) + digits + ".safetensors"
    }

    /// Shards' numbers are smaller than this, so that there is always a next one.
    private static let numberLimit = 1_000_000_000

    /// The number in the name of a shard; nil where it is the name of something else.
    static func number(fileName: String) -> Int? {
        guard fileName.hasPrefix("shard-"), fileName.hasSuffix(".safetensors") else { return nil }
        guard let number = Int(fileName.dropFirst(6).dropLast(12)), (0..<numberLimit).contains(number) else {
            return nil
        }
        return self.fileName(number) == fileName ? number : nil
    }

    /// Adds an image; `width` is that of all images, and says so for one without regions too.
    ///
    /// - Returns: Whether a shard is full with it: the one before that is on the disk then.
    /// - Throws: What writing an earlier shard threw: `ArchiveError` on a full disk; `ThreadError` where the system
    ///   makes no thread to write on.
    @discardableResult
    func add(_ image: StorableImage, width: Int) throws -> Bool {
        contents.append(image, width: width)
        guard contents.byteCount >= shardByteCount else { return false }
        try startWriting()
        return true
    }

    /// Writes what is left and gives all shards that were written.
    ///
    /// - Throws: As `add`.
    func finish() throws -> [VerifiedShard] {
        if !contents.isEmpty { try startWriting() }
        return try pending.wait()
    }

    /// Waits until what is full has been written.
    ///
    /// - Throws: As `add`.
    func wait() throws { _ = try pending.wait() }

    private func startWriting() throws {
        // One at a time, or a slow disk would fill the memory.
        _ = try pending.wait()
        let path = folder + "/" + Self.fileName(nextNumber)
        let full = contents
        contents =
            spare
            ?? ShardContents(precision: precision, imageNaming: imageNaming, byteCount: shardByteCount)
        contents.removeAll()
        spare = full
        nextNumber += 1
        // What is being written is not touched before the next call has waited for its end.
        try pending.start { try full.write(to: path) }
    }
}

/// The shard that is being written, and those that have been. The condition guards all of it.
private final class PendingShard: @unchecked Sendable {
    private let condition = NSCondition()
    private var isUnderWay = false
    private var failure: (any Error)?
    private var written: [VerifiedShard] = []

    func start(_ write: @escaping @Sendable () throws -> VerifiedShard) throws {
        condition.withLock { isUnderWay = true }
        do {
            try ThreadMaker.current.start("feature shards") { [self] in end(with: Result { try write() }) }
        } catch {
            end(with: .failure(error))
            throw error
        }
    }

    private func end(with result: Result<VerifiedShard, any Error>) {
        condition.withLock {
            switch result {
            case .success(let shard): written.append(shard)
            case .failure(let error): failure = error
            }
            isUnderWay = false
            condition.broadcast()
        }
    }

    /// Waits for the shard at hand and gives all that are there.
    func wait() throws -> [VerifiedShard] {
        try condition.withLock {
            while isUnderWay { condition.wait() }
            if let failure { throw failure }
            return written
        }
    }
}
