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

/// One file of a feature store: the regions of some images, on the file's own pages.
///
/// docs/formats.md describes its tensors. They are checked on opening, all but the numbers in the features
/// and boxes, so that no later access can go wrong. The pages are only ever read, which is what makes sharing
/// the addresses safe.
final class FeatureShard: @unchecked Sendable {
    let path: String
    let precision: FeaturePrecision
    let width: Int
    /// How many rows all images have together.
    let regionCount: Int
    /// The images, in the order of their rows.
    let imageIDs: [ImageID]

    private let file: SafetensorsFile
    private let features: UnsafeRawBufferPointer
    private let boxes: UnsafeBufferPointer<Float>
    private let offsets: UnsafeBufferPointer<Int64>
    private let sizes: UnsafeBufferPointer<Int32>

    /// The tensors in the order in which the checksum goes over them.
    static let tensorNames = ["features", "boxes", "image_id", "offset", "size"]
    /// Where the file's metadata has the checksum.
    static let checksumKey = "checksum"

    /// Opens and checks a shard.
    ///
    /// - Throws: `FileAccessError` or `SafetensorsError` where it is no safetensors file, `FeatureStoreError`
    ///   where its tensors are not those of a shard.
    init(path: String) throws {
        let file = try SafetensorsFile(path: path)
        let checked = CheckedTensors(file: file)
        let info = try file.info(of: "features")
        guard let precision = FeaturePrecision.allCases.first(where: { $0.dtype == info.dtype }),
            info.shape.count == 2, info.shape[1] > 0
        else {
            throw FeatureStoreError(
                path: path, expected: "'features' of float16 or float32 [rows, width]",
                found: "\(info.dtype) \(info.shape)")
        }
        let rows = info.shape[0]
        let imageShape = try file.info(of: "image_id").shape
        guard imageShape.count == 1, let images = imageShape.first else {
            throw FeatureStoreError(
                path: path, expected: "'image_id' of int64 [images]", found: "\(imageShape)")
        }
        self.file = file
        self.path = path
        self.precision = precision
        width = info.shape[1]
        regionCount = rows
        features =
            switch precision {
            case .float16: UnsafeRawBufferPointer(try checked("features", of: Float16.self, info.shape))
            case .float32: UnsafeRawBufferPointer(try checked("features", of: Float.self, info.shape))
            }
        boxes = try checked("boxes", of: Float.self, [rows, 4])
        offsets = try checked("offset", of: Int64.self, [images + 1])
        sizes = try checked("size", of: Int32.self, [images, 2])
        imageIDs = try checked("image_id", of: Int64.self, [images]).map(ImageID.init)
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

    /// Whether nothing but zeros, of either sign, is in a row's features.
    fileprivate func isZero(row: Int) -> Bool {
        let byteCount = width * precision.byteCount
        let bytes = UnsafeRawBufferPointer(rebasing: features[row * byteCount..<(row + 1) * byteCount])
        // A shift drops the sign bit.
        return switch precision {
        case .float16: bytes.assumingMemoryBound(to: UInt16.self).allSatisfy { $0 << 1 == 0 }
        case .float32: bytes.assumingMemoryBound(to: UInt32.self).allSatisfy { $0 << 1 == 0 }
        }
    }

    /// Converts consecutive rows to Float, as many as `destination` has room for.
    fileprivate func copyFeatures(fromRow row: Int, to destination: UnsafeMutableBufferPointer<Float>) {
        let byteCount = destination.count * precision.byteCount
        let start = row * width * precision.byteCount
        let bytes = UnsafeRawBufferPointer(rebasing: features[start..<start + byteCount])
        switch precision {
        case .float16: HalfPrecision.widen(bytes.assumingMemoryBound(to: Float16.self), into: destination)
        case .float32: _ = destination.update(fromContentsOf: bytes.assumingMemoryBound(to: Float.self))
        }
    }

    /// Copies the corners of consecutive rows, as many as `destination` has room for.
    fileprivate func copyBoxes(fromRow row: Int, to destination: UnsafeMutableBufferPointer<Float>) {
        _ = destination.update(fromContentsOf: boxes[row * 4..<row * 4 + destination.count])
    }

    /// Reads the whole shard and compares it with the checksum in it.
    ///
    /// - Throws: `FeatureStoreError` where they differ.
    func verify() throws {
        let stated = file.metadata[Self.checksumKey] ?? "none"
        var computed = FeatureChecksum()
        for name in Self.tensorNames { computed.add(try file.bytes(of: name)) }
        guard stated == computed.text else {
            throw FeatureStoreError(path: path, expected: "the checksum \(stated)", found: computed.text)
        }
    }
}

/// Lends a shard's tensors once their types, shapes and places are known to be right.
private struct CheckedTensors {
    let file: SafetensorsFile

    func callAsFunction<Element: TensorElement>(
        _ name: String, of type: Element.Type, _ shape: [Int]
    ) throws -> UnsafeBufferPointer<Element> {
        let info = try file.info(of: name)
        guard info.dtype == Element.dtype, info.shape == shape else {
            throw FeatureStoreError(
                path: file.path, expected: "'\(name)' of \(Element.dtype) \(shape)",
                found: "\(info.dtype) \(info.shape)")
        }
        let bytes = try file.bytes(of: name)
        guard Int(bitPattern: bytes.baseAddress).isMultiple(of: MemoryLayout<Element>.alignment) else {
            throw FeatureStoreError(
                path: file.path, expected: "'\(name)' at a multiple of its elements' size",
                found: "another place")
        }
        return bytes.assumingMemoryBound(to: Element.self)
    }
}

/// The regions of one image on the pages of a shard.
struct StoredRegions: RegionRows {
    fileprivate let shard: FeatureShard
    fileprivate let firstRow: Int
    let count: Int
    let imageHeight: Int
    let imageWidth: Int

    var width: Int { shard.width }

    func isZero(_ region: Int) -> Bool { shard.isZero(row: firstRow + region) }

    func copyFeatures(of region: Int, to row: UnsafeMutableBufferPointer<Float>) {
        shard.copyFeatures(fromRow: firstRow + region, to: row)
    }

    func copyBox(of region: Int, to corners: UnsafeMutableBufferPointer<Float>) {
        shard.copyBoxes(fromRow: firstRow + region, to: corners)
    }

    /// The regions in arrays of their own.
    func copied() throws -> RegionFeatures {
        let features = [Float](unsafeUninitializedCapacity: count * width) { buffer, initializedCount in
            let place = UnsafeMutableBufferPointer(rebasing: buffer[..<(count * width)])
            shard.copyFeatures(fromRow: firstRow, to: place)
            initializedCount = count * width
        }
        let corners = [Float](unsafeUninitializedCapacity: count * 4) { buffer, initializedCount in
            let place = UnsafeMutableBufferPointer(rebasing: buffer[..<(count * 4)])
            shard.copyBoxes(fromRow: firstRow, to: place)
            initializedCount = count * 4
        }
        return try RegionFeatures(
            width: width, features: features, boxes: corners, imageHeight: imageHeight, imageWidth: imageWidth
        )
    }
}
