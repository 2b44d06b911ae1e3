import Dispatch
import Foundation
import Torch

/// Collects images to shards and writes each full one, while the next one is being filled.
///
/// Belongs to one thread.
final class FeatureShardWriter {
    private let folder: String
    private let precision: FeaturePrecision
    private let shardByteCount: Int
    private var images: [StorableImage] = []
    private var byteCount = 0
    private var nextNumber: Int
    private let queue = DispatchQueue(label: "feature shards")
    private let pending = PendingShard()

    /// - Parameters:
    ///   - folder: Where the shards go.
    ///   - precision: The type of their features.
    ///   - shardByteCount: At how many bytes of features a shard is full.
    ///   - firstNumber: The number in the name of the first one.
    init(folder: String, precision: FeaturePrecision, shardByteCount: Int, firstNumber: Int) {
        self.folder = folder
        self.precision = precision
        self.shardByteCount = shardByteCount
        nextNumber = firstNumber
    }

    /// The name of a shard.
    static func fileName(_ number: Int) -> String {
        let digits = String(number)
        return "shard-" + String(repeating: "0", count: max(0, 5 - digits.count)) + digits + ".safetensors"
    }

    /// The number in the name of a shard; nil where it is the name of something else.
    static func number(fileName: String) -> Int? {
        guard fileName.hasPrefix("shard-"), fileName.hasSuffix(".safetensors") else { return nil }
        return Int(fileName.dropFirst(6).dropLast(12)).flatMap { self.fileName($0) == fileName ? $0 : nil }
    }

    /// Adds an image, of the width of all others.
    ///
    /// - Throws: What writing an earlier shard threw: `ArchiveError` on a full disk.
    func add(_ image: StorableImage) throws {
        images.append(image)
        byteCount += image.byteCount
        if byteCount >= shardByteCount { try startWriting() }
    }

    /// Writes what is left and gives all shards that were written.
    ///
    /// - Throws: As `add`.
    func finish() throws -> [FeatureShard] {
        if !images.isEmpty { try startWriting() }
        return try pending.wait()
    }

    private func startWriting() throws {
        // One at a time, or a slow disk would fill the memory.
        _ = try pending.wait()
        let (images, precision) = (images, precision)
        let path = folder + "/" + Self.fileName(nextNumber)
        (self.images, byteCount) = ([], 0)
        nextNumber += 1
        pending.start(on: queue) { try Self.write(images, as: precision, to: path) }
    }

    /// Writes a shard and reads it back.
    private static func write(_ images: [StorableImage], as precision: FeaturePrecision, to path: String)
        throws -> FeatureShard
    {
        let rows = images.reduce(0) { $0 + $1.count }
        let shape = [rows, images.first?.width ?? 1]
        let offsets = images.reduce(into: [Int64(0)]) { $0.append(($0.last ?? 0) + Int64($1.count)) }
        let features =
            switch precision {
            case .float16: try joined(images, shape, \.halves)
            case .float32: try joined(images, shape, \.floats)
            }
        let tensors = [
            "features": features,
            "boxes": try joined(images, [rows, 4], \.boxes),
            "image_id": try Tensor(images.map(\.image.rawValue)),
            "offset": try Tensor(offsets),
            "size": try Tensor(
                images.flatMap { [$0.imageHeight, $0.imageWidth] }, shape: [images.count, 2]),
        ]
        var checksum = FeatureChecksum()
        for name in FeatureShard.tensorNames { try tensors[name]?.withUnsafeBytes { checksum.add($0) } }
        try saveSafetensors(tensors, metadata: [FeatureShard.checksumKey: checksum.text], to: path)
        let shard = try FeatureShard(path: path)
        try shard.verify()
        return shard
    }

    private static func joined<Element: TensorElement>(
        _ images: [StorableImage], _ shape: [Int], _ values: (StorableImage) -> [Element]
    ) throws -> Tensor {
        try Tensor(uninitialized: shape, of: Element.self) { memory in
            var start = 0
            for image in images {
                let values = values(image)
                let place = UnsafeMutableBufferPointer(rebasing: memory[start..<start + values.count])
                _ = place.update(fromContentsOf: values)
                start += values.count
            }
        }
    }
}

/// The shard that is being written, and those that have been. The condition guards all of it.
private final class PendingShard: @unchecked Sendable {
    private let condition = NSCondition()
    private var isUnderWay = false
    private var failure: (any Error)?
    private var written: [FeatureShard] = []

    func start(on queue: DispatchQueue, _ write: @escaping @Sendable () throws -> FeatureShard) {
        condition.withLock { isUnderWay = true }
        queue.async { [self] in
            let result = Result { try write() }
            condition.withLock {
                switch result {
                case .success(let shard): written.append(shard)
                case .failure(let error): failure = error
                }
                isUnderWay = false
                condition.broadcast()
            }
        }
    }

    /// Waits for the shard at hand and gives all that are there.
    func wait() throws -> [FeatureShard] {
        try condition.withLock {
            while isUnderWay { condition.wait() }
            if let failure { throw failure }
            return written
        }
    }
}
