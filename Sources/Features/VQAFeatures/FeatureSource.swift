/// Where the region features of images come from.
public protocol FeatureSource: Sendable {
    /// Where they come from, for errors: the folders or the file.
    var place: String { get }

    /// Whether there are features for an image.
    func contains(_ image: ImageID) -> Bool

    /// The features of one image. Any number of threads may ask at once.
    func features(for image: ImageID) throws -> RegionFeatures

    /// The regions of one image where they lie, for whoever copies them anyway. Any number of threads may ask
    /// at once.
    func regions(of image: ImageID) throws -> any RegionRows

    /// How many regions an image has, rows of zeros included, or more; nil where only reading them tells.
    func regionCount(of image: ImageID) throws -> Int?

    /// The feature stores that it reads from, whose checksums tell ahead of reading whether they are damaged.
    var stores: [FeatureStore] { get }
}

extension FeatureSource {
    /// Not to be told without reading the regions.
    public func regionCount(of image: ImageID) throws -> Int? { nil }

    /// None.
    public var stores: [FeatureStore] { [] }

    /// Those of the images that there are no features for, each once, in ascending order.
    package func missing(_ imageIDs: some Sequence<ImageID>) -> [ImageID] {
        var missing: Set<ImageID> = []
        var previous: ImageID?
        // The questions about an image mostly follow one another.
        for image in imageIDs where image != previous {
            previous = image
            if !contains(image) { missing.insert(image) }
        }
        return missing.sorted()
    }

    /// The features, which are regions too.
    public func regions(of image: ImageID) throws -> any RegionRows { try features(for: image) }
}

extension FeatureFolder: FeatureSource {}

/// The regions of one image, wherever they lie: in arrays, or on the pages of a feature store.
public protocol RegionRows: Sendable {
    /// How many regions there are.
    var count: Int { get }
    /// The length of a region's feature vector.
    var width: Int { get }
    /// The height of the image in pixels.
    var imageHeight: Int { get }
    /// The width of the image in pixels.
    var imageWidth: Int { get }

    /// Copies the regions that have anything but zeros in their features, in their order.
    ///
    /// - Parameters:
    ///   - maximumCount: Regions behind the first ones, this many, are left out.
    ///   - features: Memory for `width` numbers for each of the first regions.
    ///   - boxes: Memory for the four corners x1, y1, x2, y2 of each, in pixels.
    /// - Returns: How many regions were copied.
    /// - Throws: Where they cannot be read.
    func copyRows(
        maximumCount: Int, features: UnsafeMutableBufferPointer<Float>,
        boxes: UnsafeMutableBufferPointer<Float>
    ) throws -> Int
}

extension RegionFeatures: RegionRows {
    /// Copies the regions that have anything but zeros in their features.
    public func copyRows(
        maximumCount: Int, features places: UnsafeMutableBufferPointer<Float>,
        boxes corners: UnsafeMutableBufferPointer<Float>
    ) -> Int {
        features.withUnsafeBufferPointer { features in
            let rows = readRegions(maximumCount: maximumCount)
            for (row, region) in rows.enumerated() {
                _ = places[row * width..<(row + 1) * width]
                    .update(fromContentsOf: features[region * width..<(region + 1) * width])
                _ = corners[row * 4..<(row + 1) * 4].update(
                    fromContentsOf: boxes[region * 4..<(region + 1) * 4])
            }
            return rows.count
        }
    }

    /// The regions that have anything but zeros in their features, which are those that a model is given.
    ///
    /// - Parameter maximumCount: Regions behind the first ones, this many, are left out.
    package func readRegions(maximumCount: Int) -> [Int] {
        features.withUnsafeBufferPointer { features in
            (0..<max(0, min(count, maximumCount))).filter { region in
                !features[region * width..<(region + 1) * width].allSatisfy { $0 == 0 }
            }
        }
    }
}

/// Several sources as one: the first one that has an image answers for it.
public struct CombinedFeatures: FeatureSource {
    /// The sources, in the order in which they are asked.
    public let sources: [any FeatureSource]

    /// - Parameter sources: The sources, in the order in which they are asked.
    public init(_ sources: [any FeatureSource]) { self.sources = sources }

    /// The places of all sources.
    public var place: String { sources.map(\.place).joined(separator: ", ") }

    /// The stores of all sources.
    public var stores: [FeatureStore] { sources.flatMap(\.stores) }

    /// Whether a source has an image.
    public func contains(_ image: ImageID) -> Bool { sources.contains { $0.contains(image) } }

    /// The features of an image.
    ///
    /// - Throws: ``MissingFeaturesError`` where no source has it; what reading them throws.
    public func features(for image: ImageID) throws -> RegionFeatures {
        try source(of: image).features(for: image)
    }

    /// The regions of an image where they lie.
    ///
    /// - Throws: As ``features(for:)``.
    public func regions(of image: ImageID) throws -> any RegionRows {
        try source(of: image).regions(of: image)
    }

    /// How many regions an image has, or more; nil where only reading them tells.
    ///
    /// - Throws: As ``features(for:)``.
    public func regionCount(of image: ImageID) throws -> Int? {
        try source(of: image).regionCount(of: image)
    }

    private func source(of image: ImageID) throws -> any FeatureSource {
        guard let source = sources.first(where: { $0.contains(image) }) else {
            throw MissingFeaturesError(place: place, images: [image], imageCount: 1)
        }
        return source
    }
}

/// Images that questions are asked about and that there are no features for.
public struct MissingFeaturesError: Error, Sendable, CustomStringConvertible {
    /// Where they were looked for.
    public let place: String
    /// The images, in ascending order.
    public let images: [ImageID]
    /// How many images are asked about.
    public let imageCount: Int

    /// - Parameters: as the properties.
    public init(place: String, images: [ImageID], imageCount: Int) {
        self.place = place
        self.images = images
        self.imageCount = imageCount
    }

    /// One line with the first few images.
    public var description: String {
        let shown = images.prefix(5).map(\.description).joined(separator: ", ")
        return "\(place): \(images.count) of \(imageCount) images have no features: \(shown)"
            + (images.count > 5 ? ", …" : "")
    }
}
