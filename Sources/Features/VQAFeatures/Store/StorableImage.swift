import Torch

/// One image's regions in the type that a store keeps them in.
struct StorableImage: Sendable {
    let image: ImageID
    let count: Int
    let width: Int
    let imageHeight: Int32
    let imageWidth: Int32
    /// The corners of the boxes, [count, 4].
    let boxes: [Float]
    /// The feature vectors, [count, width]; empty where the store keeps them in single precision.
    let halves: [Float16]
    /// The feature vectors, [count, width]; empty where the store keeps them in half precision.
    let floats: [Float]
    /// What the regions are thought to be.
    let labels: RegionLabels?

    /// - Parameters: As the properties.
    init(
        image: ImageID, count: Int, width: Int, imageHeight: Int32, imageWidth: Int32, boxes: [Float],
        halves: [Float16], floats: [Float], labels: RegionLabels?
    ) {
        (self.image, self.count, self.width) = (image, count, width)
        (self.imageHeight, self.imageWidth, self.boxes) = (imageHeight, imageWidth, boxes)
        (self.halves, self.floats, self.labels) = (halves, floats, labels)
    }

    /// Converts an image's features.
    ///
    /// - Throws: `FeatureStoreError` with `name` where a number cannot be stored.
    init(
        _ regions: RegionFeatures, labels: RegionLabels? = nil, of image: ImageID,
        as precision: FeaturePrecision, name: String
    ) throws {
        let firstInfinite = precision == .float16 ? HalfPrecision.firstInfinite : .infinity
        guard HalfPrecision.largestMagnitude(regions.features) < firstInfinite else {
            let value = regions.features.first { !($0.magnitude < firstInfinite) } ?? .nan
            throw FeatureStoreError(
                path: name, expected: "features that \(precision.rawValue) can hold", found: "\(value)")
        }
        if let value = regions.boxes.first(where: { !$0.isFinite }) {
            throw FeatureStoreError(path: name, expected: "boxes of finite numbers", found: "\(value)")
        }
        guard let imageHeight = Int32(exactly: regions.imageHeight), imageHeight > 0,
            let imageWidth = Int32(exactly: regions.imageWidth), imageWidth > 0
        else {
            throw FeatureStoreError(
                path: name, expected: "an image's height and width in pixels",
                found: "\(regions.imageHeight) and \(regions.imageWidth)")
        }
        if let labels, labels.objects.ids.count != regions.count {
            throw FeatureStoreError(
                path: name, expected: "labels of \(regions.count) regions",
                found: "\(labels.objects.ids.count)")
        }
        self.image = image
        (count, width) = (regions.count, regions.width)
        (self.imageHeight, self.imageWidth) = (imageHeight, imageWidth)
        boxes = regions.boxes
        self.labels = labels
        halves = precision == .float16 ? HalfPrecision.narrowed(regions.features) : []
        floats = precision == .float32 ? regions.features : []
    }

    /// Lends the features as they are stored.
    func withUnsafeFeatureBytes(_ body: (UnsafeRawBufferPointer) -> Void) {
        halves.isEmpty ? floats.withUnsafeBytes(body) : halves.withUnsafeBytes(body)
    }
}
