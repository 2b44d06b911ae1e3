import Torch

/// What a vision model saw in one image: a feature vector and a box for each of its regions.
public struct RegionFeatures: Sendable, Equatable {
    /// How many regions there are: n below. An image may have none.
    public let count: Int
    /// The length of a region's feature vector: 2048 for the official ones.
    public let width: Int
    /// The feature vectors, [n, width] in row-major order.
    public let features: [Float]
    /// The regions' corners x1, y1, x2, y2 in pixels of the image, [n, 4] in row-major order.
    public let boxes: [Float]
    /// The height of the image in pixels.
    public let imageHeight: Int
    /// The width of the image in pixels.
    public let imageWidth: Int

    /// Puts together the regions of one image.
    ///
    /// - Throws: `RegionFeaturesError` when the numbers of features and boxes do not agree.
    public init(width: Int, features: [Float], boxes: [Float], imageHeight: Int, imageWidth: Int) throws {
        let count = boxes.count / 4
        let (featureCount, overflows) = count.multipliedReportingOverflow(by: width)
        guard width > 0, boxes.count == count * 4, !overflows, features.count == featureCount else {
            throw RegionFeaturesError(
                width: width, featureValueCount: features.count, boxValueCount: boxes.count)
        }
        self.count = count
        self.width = width
        self.features = features
        self.boxes = boxes
        self.imageHeight = imageHeight
        self.imageWidth = imageWidth
    }

    /// These features with only the first `maximumCount` regions, of which the official release, too,
    /// keeps the first.
    public func prefix(_ maximumCount: Int) -> RegionFeatures {
        guard maximumCount < count else { return self }
        return RegionFeatures(prefix: max(0, maximumCount), of: self)
    }

    /// These features without one of the regions, which is there.
    package func removing(_ region: Int) -> RegionFeatures { RegionFeatures(without: region, of: self) }

    private init(without region: Int, of all: RegionFeatures) {
        count = all.count - 1
        width = all.width
        var (features, boxes) = (all.features, all.boxes)
        features.removeSubrange(region * width..<(region + 1) * width)
        boxes.removeSubrange(region * 4..<(region + 1) * 4)
        (self.features, self.boxes) = (features, boxes)
        imageHeight = all.imageHeight
        imageWidth = all.imageWidth
    }

    private init(prefix count: Int, of all: RegionFeatures) {
        self.count = count
        width = all.width
        features = Array(all.features.prefix(count * all.width))
        boxes = Array(all.boxes.prefix(count * 4))
        imageHeight = all.imageHeight
        imageWidth = all.imageWidth
    }
}

/// Numbers of features and boxes that cannot belong to the same regions.
public struct RegionFeaturesError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The length of one region's feature vector.
    public let width: Int
    /// How many numbers the feature vectors have together.
    public let featureValueCount: Int
    /// How many numbers the boxes have together.
    public let boxValueCount: Int

    /// One line for the user.
    public var description: String {
        "region features: expected n x \(width) feature values and n x 4 box values, "
            + "found \(featureValueCount) and \(boxValueCount)"
    }
}

// MARK: - The official release's files

extension RegionFeatures {
    /// Reads the official release's form: a `.npz` with `x` [width, n] (transposed), `bbox` [n, 4],
    /// `image_h`, `image_w` and, where it is there, `num_bbox`, which is n. Where `x` is not transposed, [n, width],
    /// `bbox` tells so; where n is the width, it is taken to be.
    ///
    /// Rows of zeros stay as they are.
    ///
    /// - Parameters:
    ///   - path: The file's path.
    ///   - maximumCount: Keep only the first regions, this many; nil keeps all.
    /// - Throws: `ArchiveError` or `NPZError` when the file is missing, damaged, or of another form.
    public init(officialFile path: String, maximumCount: Int? = nil) throws {
        try self.init(official: NPZFile(path: path), maximumCount: maximumCount)
    }

    /// Takes the arrays of the official release's form; see ``init(officialFile:maximumCount:)``.
    ///
    /// - Throws: `NPZError` when an array is missing or of another form.
    init(official file: NPZFile, maximumCount: Int? = nil) throws {
        let x = try file.array("x")
        guard x.shape.count == 2 else {
            throw file.mismatch("x", expected: "shape [width, n]", found: "\(x.shape)")
        }
        let bbox = try file.array("bbox")
        // MILVLG's extractor does not transpose.
        let isTransposed = bbox.shape != [x.shape[0], 4] || x.shape[0] == x.shape[1]
        let (width, count) = isTransposed ? (x.shape[0], x.shape[1]) : (x.shape[1], x.shape[0])
        guard width > 0 else {
            throw file.mismatch("x", expected: "shape [width, n]", found: "\(x.shape)")
        }
        guard bbox.shape == [count, 4] else {
            throw file.mismatch(
                "bbox", expected: "shape [\(x.shape[1]), 4], as x is \(x.shape)", found: "\(bbox.shape)")
        }
        if file.arrayNames.contains("num_bbox"), case let stated = try file.integer("num_bbox"),
            stated != count
        {
            throw file.mismatch("num_bbox", expected: "\(count), as x is \(x.shape)", found: "\(stated)")
        }
        let all = try RegionFeatures(
            width: width,
            features: file.finiteFloats(of: isTransposed ? x.transposedFloats() : x.floats(), name: "x"),
            boxes: file.finiteFloats(of: bbox.floats(), name: "bbox"),
            imageHeight: file.pixelCount("image_h"), imageWidth: file.pixelCount("image_w"))
        self = maximumCount.map(all.prefix) ?? all
    }

    /// Writes the official release's form, which `init(officialFile:)`, numpy and the official code read.
    /// The file appears only when it is complete.
    ///
    /// - Parameters:
    ///   - path: The file's path.
    ///   - labels: What the regions are thought to be, to be written beside them.
    ///   - durably: wait until the disk holds the file; see `AtomicFile.commit(durably:)`.
    /// - Throws: `ArchiveError` when it cannot be written.
    public func writeOfficialFile(
        to path: String, labels: RegionLabels? = nil, durably: Bool = true
    ) throws {
        try NPZFile.write(
            [
                "x": NPYArray(transposing: features, rows: width, columns: count),
                "bbox": NPYArray(boxes, shape: [count, 4]),
                "num_bbox": NPYArray([Int64(count)], shape: []),
                "image_h": NPYArray([Int64(imageHeight)], shape: []),
                "image_w": NPYArray([Int64(imageWidth)], shape: []),
            ], adding: labels?.arrays ?? [:], to: path, durably: durably)
    }
}

extension NPZFile {
    /// Values that training can bear: one NaN in a batch would silently ruin all weights.
    fileprivate func finiteFloats(of values: [Float], name: String) throws -> [Float] {
        // A search for the number itself would take far longer than this.
        guard HalfPrecision.largestMagnitude(values).isFinite else {
            let value = values.first { !$0.isFinite } ?? .nan
            throw mismatch(name, expected: "finite numbers", found: "\(value)")
        }
        return values
    }

    /// A height or width of an image.
    fileprivate func pixelCount(_ name: String) throws -> Int {
        let value = try integer(name)
        guard value > 0, let pixelCount = Int(exactly: value) else {
            throw mismatch(name, expected: "a number of pixels", found: "\(value)")
        }
        return pixelCount
    }
}
