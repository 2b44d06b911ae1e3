import FileSystem
import Foundation
import Synchronization
import Torch

/// The type that a feature store keeps features in.
public enum FeaturePrecision: String, Codable, CaseIterable, Sendable {
    /// Two bytes a number: half the disk, and 11 bits of each number.
    case float16
    /// Four bytes a number, all of them as they were.
    case float32

    /// How many bytes a number takes.
    var byteCount: Int { dtype.byteCount }

    var dtype: DType {
        switch self {
        case .float16: .float16
        case .float32: .float32
        }
    }
}

/// One file of a feature store: the regions of some images.
///
/// docs/formats.md describes its tensors. They are checked on opening, all but the numbers in the features
/// and boxes, so that no later access can go wrong. The regions are read through the system's cache of files,
/// which costs no more than touching mapped pages does, less the first time, and does not make them part of the
/// process's memory. A file that is cut off meanwhile is an error then, where touching its pages would end the
/// process.
final class FeatureShard: Sendable {
    let path: String
    let precision: FeaturePrecision
    let width: Int
    /// How many rows all images have together.
    let regionCount: Int
    /// The images, in the order of their rows.
    let imageIDs: [ImageID]

    /// How it says which images these are.
    let naming: ShardImages
    /// What it says of what regions are thought to be.
    let labels: StoredLabels

    /// The file before it was opened.
    let identity: FileIdentity
    /// How many bytes the file has.
    var byteCount: Int { Int(clamping: identity.byteCount ?? 0) }

    private let file: SafetensorsFile
    private let damage = Mutex<(any Error)?>(nil)
    private let offsets: [Int64]
    private let sizes: [Int32]

    /// Wider features are none: two million bytes for a region.
    static let largestWidth = 1 << 20
    /// Where the file's metadata has the checksum.
    static let checksumKey = "checksum"
    /// Where it has the format of the store that it was made for.
    static let formatKey = "format"

    /// Where it has what said which image features are of, for all but numbers.
    static let imageNamingKey = "image_naming"

    /// What said which image features are of: the word of `--image-ids`.
    var imageNaming: String { file.metadata[Self.imageNamingKey] ?? ImageNaming.number.rawValue }

    /// The format of the store that it was made for.
    var format: String { file.metadata[Self.formatKey] ?? "rwsan feature store 1" }

    /// Opens and checks a shard.
    ///
    /// - Throws: `FileAccessError` or `SafetensorsError` where it is no safetensors file, `FeatureStoreError`
    ///   where its tensors are not those of a shard.
    init(path: String) throws {
        identity = FileIdentity(URL(fileURLWithPath: path))
        let file = try SafetensorsFile(path: path)
        let checked = CheckedTensors(file: file)
        let info = try file.info(of: "features")
        guard let precision = FeaturePrecision.allCases.first(where: { $0.dtype == info.dtype }),
            info.shape.count == 2, (1...Self.largestWidth).contains(info.shape[1])
        else {
            throw FeatureStoreError(
                path: path, expected: "'features' of float16 or float32 [rows, width]",
                found: "\(info.dtype) \(info.shape)")
        }
        let rows = info.shape[0]
        naming = ShardImages(of: file)
        imageIDs = try naming.imageIDs(checked)
        let images = imageIDs.count
        self.file = file
        self.path = path
        self.precision = precision
        width = info.shape[1]
        regionCount = rows
        _ = try checked("boxes", of: Float.self, [rows, 4])
        labels = try StoredLabels(checked, rowCount: rows)
        offsets = try Array(checked("offset", of: Int64.self, [images + 1]))
        sizes = try Array(checked("size", of: Int32.self, [images, 2]))
        guard offsets.first == 0, offsets.last == Int64(rows),
            zip(offsets, offsets.dropFirst()).allSatisfy({ $0 <= $1 })
        else {
            throw FeatureStoreError(
                path: path, expected: "'offset' to rise from 0 to \(rows)", found: "other numbers")
        }
        guard sizes.allSatisfy({ $0 > 0 }) else {
            throw FeatureStoreError(path: path, expected: "'size' in pixels", found: "numbers below 1")
        }
    }

    /// The regions of the image at a position in `imageIDs`, the first `maximumCount` of them.
    func regions(at position: Int, maximumCount: Int) -> StoredRegions {
        let (first, end) = (Int(offsets[position]), Int(offsets[position + 1]))
        return StoredRegions(
            shard: self, firstRow: first, count: min(end - first, max(0, maximumCount)),
            imageHeight: Int(sizes[2 * position]), imageWidth: Int(sizes[2 * position + 1]))
    }

    /// Reads the features of consecutive rows, as many as `buffer` has room for, as they are stored.
    fileprivate func readFeatures(fromRow row: Int, into buffer: UnsafeMutableRawBufferPointer) throws {
        try file.read("features", at: row * width * precision.byteCount, into: buffer)
    }

    /// What consecutive rows are thought to be; nil where nothing is known of them.
    fileprivate func readLabels(of rows: Range<Int>) throws -> RegionLabels? {
        try labels.read(rows, from: file)
    }

    /// Reads the corners of consecutive rows, as many as `buffer` has room for.
    fileprivate func readBoxes(fromRow row: Int, into buffer: UnsafeMutableBufferPointer<Float>) throws {
        try file.read(
            "boxes", at: row * 4 * MemoryLayout<Float>.size, into: UnsafeMutableRawBufferPointer(buffer))
    }

    /// Notes that the shard is damaged: from then on, asking for its regions throws `error`.
    func markDamaged(_ error: any Error) { damage.withLock { $0 = error } }

    /// Makes sure that the shard is not known to be damaged.
    func requireUndamaged() throws {
        if let error = damage.withLock({ $0 }) { throw error }
    }

    /// Reads the whole shard and compares it with the checksum in it.
    ///
    /// - Parameter onRead: Called with the number of bytes in each part that has been read; what it throws ends
    ///   the reading.
    /// - Throws: `FeatureStoreError` where they differ, `FileAccessError` where it cannot be read.
    func verify(onRead: (Int) throws -> Void = { _ in }) throws {
        let stated = file.metadata[Self.checksumKey] ?? "none"
        var computed = Checksum()
        // The checksum goes on over parts that are multiples of its words of eight bytes.
        let part = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 8)
        defer { part.deallocate() }
        for name in naming.checkedTensorNames + labels.checkedTensorNames {
            let byteCount = try file.info(of: name).byteRange.count
            for start in stride(from: 0, to: byteCount, by: part.count) {
                let bytes = UnsafeMutableRawBufferPointer(
                    rebasing: part[..<min(part.count, byteCount - start)])
                try file.read(name, at: start, into: bytes)
                computed.add(UnsafeRawBufferPointer(bytes))
                try onRead(bytes.count)
            }
        }
        guard stated == computed.text else {
            throw FeatureStoreError(path: path, expected: "the checksum \(stated)", found: computed.text)
        }
    }
}

/// The regions of one image in a shard.
struct StoredRegions: RegionRows {
    fileprivate let shard: FeatureShard
    fileprivate let firstRow: Int
    let count: Int
    let imageHeight: Int
    let imageWidth: Int

    var width: Int { shard.width }

    private var rowByteCount: Int { width * shard.precision.byteCount }

    func copyRows(
        maximumCount: Int, features: UnsafeMutableBufferPointer<Float>,
        boxes: UnsafeMutableBufferPointer<Float>
    ) throws -> Int {
        let count = min(count, maximumCount)
        return try withStoredRows(count) { stored in
            var copiedCount = 0
            var row = 0
            while row < count {
                let isZero = isZero(stored, row: row)
                var end = row + 1
                while end < count, self.isZero(stored, row: end) == isZero { end += 1 }
                if !isZero {
                    let places = copiedCount..<copiedCount + end - row
                    convert(stored, rows: row..<end, to: features.rows(places, width: width))
                    try shard.readBoxes(fromRow: firstRow + row, into: boxes.rows(places, width: 4))
                    copiedCount = places.upperBound
                }
                row = end
            }
            return copiedCount
        }
    }

    /// The regions in arrays of their own, rows of zeros too.
    func copied() throws -> RegionFeatures {
        let features = try [Float](unsafeUninitializedCapacity: count * width) { buffer, initializedCount in
            try withStoredRows(count) {
                convert($0, rows: 0..<count, to: buffer.rows(0..<count, width: width))
            }
            initializedCount = count * width
        }
        let corners = try [Float](unsafeUninitializedCapacity: count * 4) { buffer, initializedCount in
            try shard.readBoxes(fromRow: firstRow, into: buffer.rows(0..<count, width: 4))
            initializedCount = count * 4
        }
        return try RegionFeatures(
            width: width, features: features, boxes: corners, imageHeight: imageHeight, imageWidth: imageWidth
        )
    }

    /// What the regions are thought to be; nil where nothing is known of them.
    func labels() throws -> RegionLabels? { try shard.readLabels(of: firstRow..<firstRow + count) }

    /// Lends the first rows as they are stored, in memory small enough to stay in the cache.
    private func withStoredRows<Result>(
        _ count: Int, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        try withUnsafeTemporaryAllocation(byteCount: count * rowByteCount, alignment: 16) { buffer in
            try shard.readFeatures(fromRow: firstRow, into: buffer)
            return try body(UnsafeRawBufferPointer(buffer))
        }
    }

    /// Whether nothing but zeros, of either sign, is in a row.
    private func isZero(_ stored: UnsafeRawBufferPointer, row: Int) -> Bool {
        let bytes = UnsafeRawBufferPointer(rebasing: stored[row * rowByteCount..<(row + 1) * rowByteCount])
        // A shift drops the sign bit.
        return switch shard.precision {
        case .float16: bytes.assumingMemoryBound(to: UInt16.self).allSatisfy { $0 << 1 == 0 }
        case .float32: bytes.assumingMemoryBound(to: UInt32.self).allSatisfy { $0 << 1 == 0 }
        }
    }

    private func convert(
        _ stored: UnsafeRawBufferPointer, rows: Range<Int>, to floats: UnsafeMutableBufferPointer<Float>
    ) {
        let bytes = UnsafeRawBufferPointer(
            rebasing: stored[rows.lowerBound * rowByteCount..<rows.upperBound * rowByteCount])
        switch shard.precision {
        case .float16: HalfPrecision.widen(bytes.assumingMemoryBound(to: Float16.self), into: floats)
        case .float32: _ = floats.update(fromContentsOf: bytes.assumingMemoryBound(to: Float.self))
        }
    }
}

extension UnsafeMutableBufferPointer {
    /// Consecutive rows of a matrix.
    fileprivate func rows(_ rows: Range<Int>, width: Int) -> UnsafeMutableBufferPointer {
        UnsafeMutableBufferPointer(rebasing: self[rows.lowerBound * width..<rows.upperBound * width])
    }
}
