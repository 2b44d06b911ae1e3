/// Features kept in memory, up to a limit.
///
/// When it is full, nothing is put out for something new. Training goes over all images in a new
/// order every epoch, so that an image just read is the last to be needed again: putting out the
/// least recently used one would keep throwing away what comes next, while a full cache that stays
/// as it is answers its share of the images in every epoch.
package struct FeatureCache {
    private var features: [ImageID: RegionFeatures] = [:]
    private var remainingByteCount: Int

    /// - Parameter byteLimit: How many bytes of features are kept.
    package init(byteLimit: Int) {
        remainingByteCount = byteLimit
    }

    /// An image's features; nil where they are not kept.
    package subscript(image: ImageID) -> RegionFeatures? { features[image] }

    /// Keeps an image's features where there is room for them.
    package mutating func insert(_ new: RegionFeatures, for image: ImageID) {
        let byteCount = (new.features.count + new.boxes.count) * MemoryLayout<Float>.size
        guard byteCount <= remainingByteCount, features[image] == nil else { return }
        features[image] = new
        remainingByteCount -= byteCount
    }
}
