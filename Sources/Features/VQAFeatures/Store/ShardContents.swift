import FileSystem
import Foundation
import Torch

/// What goes into one shard: images one behind the other, in memory that is used again for the next one.
///
/// One thread at a time may use it: the one that fills it or the one that writes it.
final class ShardContents: @unchecked Sendable {
    let precision: FeaturePrecision
    private let imageNaming: ImageNaming
    private var features: [UInt8] = []
    private var boxes: [Float] = []
    private var images: [ImageID] = []
    private var offsets: [Int64] = [0]
    private var sizes: [Int32] = []
    private var labels = ShardLabels()
    private var width = 0

    /// - Parameters:
    ///   - precision: The type of the features.
    ///   - imageNaming: What said which image features are of.
    ///   - byteCount: How many bytes of them there will be, and up to one image more.
    init(precision: FeaturePrecision, imageNaming: ImageNaming, byteCount: Int) {
        self.precision = precision
        self.imageNaming = imageNaming
        // Growing by itself, an array ends with up to twice the room, and copies all it has each time.
        features.reserveCapacity(byteCount + Self.usualImage)
    }

    /// A hundred regions, 2048 wide, in single precision.
    private static let usualImage = 100 * 2048 * 4

    /// How many bytes the features take.
    var byteCount: Int { features.count }
    /// Whether no image is in it.
    var isEmpty: Bool { images.isEmpty }

    /// Adds an image; `width` is that of all images, and says so for one without regions too.
    func append(_ image: StorableImage, width: Int) {
        image.withUnsafeFeatureBytes { features.append(contentsOf: $0) }
        boxes += image.boxes
        images.append(image.image)
        offsets.append((offsets.last ?? 0) + Int64(image.count))
        sizes += [image.imageHeight, image.imageWidth]
        labels.append(image.labels, count: image.count)
        self.width = width
    }

    /// Makes room for other images.
    func removeAll() {
        features.removeAll(keepingCapacity: true)
        boxes.removeAll(keepingCapacity: true)
        images.removeAll(keepingCapacity: true)
        offsets = [0]
        sizes.removeAll(keepingCapacity: true)
        labels.removeAll()
    }

    /// Writes the shard and reads it back.
    ///
    /// - Throws: `ArchiveError` where it cannot be written, a full disk included; `FeatureStoreError` where
    ///   something else comes back from the disk.
    func write(to path: String) throws -> VerifiedShard {
        let rows = Int(offsets.last ?? 0)
        try features.withUnsafeBytes { bytes in
            // The tensor is gone before the memory is.
            let naming = ShardImages(of: images)
            var tensors = [
                "features": try Tensor(
                    borrowing: bytes, shape: [rows, width], dtype: precision.dtype, owner: self),
                "boxes": try Tensor(boxes, shape: [rows, 4]),
                "offset": try Tensor(offsets),
                "size": try Tensor(sizes, shape: [images.count, 2]),
            ]
            tensors.merge(try naming.tensors(of: images)) { $1 }
            tensors.merge(try labels.tensors()) { $1 }
            var checksum = Checksum()
            for name in naming.checkedTensorNames + labels.checkedTensorNames {
                try tensors[name]?.withUnsafeBytes { checksum.add($0) }
            }
            var metadata = [
                FeatureShard.checksumKey: checksum.text,
                FeatureShard.formatKey: naming.format(isLabelled: !labels.isEmpty),
            ]
            // Shards of before there was a choice say nothing, and were named by numbers.
            if imageNaming != .number { metadata[FeatureShard.imageNamingKey] = imageNaming.rawValue }
            try saveSafetensors(tensors, metadata: metadata, to: path)
        }
        let shard = try FeatureShard(path: path)
        try shard.verify()
        return try VerifiedShard(shard)
    }
}
