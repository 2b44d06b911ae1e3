/// Where the region features of images come from.
public protocol FeatureSource: Sendable {
    /// Where they come from, for errors: the folders or the file.
    var place: String { get }

    /// Those of the images that there are no features for, each once, in ascending order.
    func missing(_ imageIDs: some Sequence<ImageID>) -> [ImageID]

    /// The features of one image. Any number of threads may ask at once.
    func features(for image: ImageID) throws -> RegionFeatures
}

extension FeatureFolder: FeatureSource {}

/// Images that questions are asked about and that there are no features for.
public struct MissingFeaturesError: Error, Sendable, CustomStringConvertible {
    /// Where they were looked for.
    public let place: String
    /// The images, in ascending order.
    public let images: [ImageID]
    /// How many images are asked about.
    public let imageCount: Int

    /// One line with the first few images.
    public var description: String {
        let shown = images.prefix(5).map { "\($0.rawValue)" }.joined(separator: ", ")
        return "\(place): \(images.count) of \(imageCount) images have no features: \(shown)"
            + (images.count > 5 ? ", …" : "")
    }
}
