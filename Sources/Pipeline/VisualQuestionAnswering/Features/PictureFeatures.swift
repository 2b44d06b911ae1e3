import Foundation
import Synchronization
import VQAFeatures
import VQAVision

/// Features of images that are made of their pictures when they are asked for. Those of the last few images are kept, for
/// questions about one picture mostly follow one another, and for training the first ones that there is memory for.
final class PictureFeatures: FeatureSource {
    /// What an image's features come from.
    enum Origin: Hashable, Sendable {
        case picture(String)
        /// Features in the official form.
        case features(String)

        var isPicture: Bool {
            if case .picture = self { true } else { false }
        }
    }

    let place: String
    private let origins: [ImageID: Origin]
    private let extractor: (any PictureFeatureExtractor)?
    private let width: Int
    /// Whether an image without a picture is one whose picture cannot be read, as `--skip-damaged` has it.
    private let skipsMissing: Bool
    private let kept = Mutex(LastUsed())
    private let cache: Mutex<FeatureCache>
    /// Held while features are made, where only one thread may do so.
    private let turn = Mutex(())

    /// - Parameters:
    ///   - place: What to call all of them in an error.
    ///   - origins: Where the features of each image come from.
    ///   - width: How wide features have to be.
    ///   - skipsMissing: Whether an image without a picture is one whose picture cannot be read.
    ///   - cacheByteLimit: How many bytes of features are kept in memory besides those of the last images.
    ///   - extractor: Gives what makes them of pictures; asked only where there is a picture among them.
    init(
        _ place: String, _ origins: [ImageID: Origin], width: Int, skipsMissing: Bool = false,
        cacheByteLimit: Int = 0, _ extractor: () throws -> any PictureFeatureExtractor
    ) rethrows {
        self.width = width
        self.place = place
        self.origins = origins
        self.skipsMissing = skipsMissing
        cache = Mutex(FeatureCache(byteLimit: cacheByteLimit))
        self.extractor = try origins.values.contains(where: \.isPicture) ? extractor() : nil
    }

    func contains(_ image: ImageID) -> Bool { skipsMissing || origins[image] != nil }

    /// Makes sure that there is a picture of one of some images: leaving all of them out is nobody's wish.
    ///
    /// - Throws: `MissingFeaturesError` where there is none.
    func requireAny(of images: [ImageID]) throws(MissingFeaturesError) {
        guard skipsMissing, !images.isEmpty, !images.contains(where: { origins[$0] != nil }) else { return }
        let missing = Set(images).sorted()
        throw MissingFeaturesError(place: place, images: missing, imageCount: missing.count)
    }

    /// - Throws: ``MissingPictureError``; `PictureError` or `NPZError` where a file cannot be read; what making features
    ///   throws.
    func features(for image: ImageID) throws -> RegionFeatures {
        guard let origin = origins[image] else { throw MissingPictureError(place: place, image: image) }
        if let features = kept.withLock({ $0[image] }) ?? cache.withLock({ $0[image] }) { return features }
        let features = try features(of: origin)
        kept.withLock { $0.keep(features, of: image) }
        cache.withLock { $0.insert(features, for: image) }
        return features
    }

    private func features(of origin: Origin) throws -> RegionFeatures {
        switch (origin, extractor) {
        case (.features(let path), _), (.picture(let path), nil):
            let features = try RegionFeatures(officialFile: path)
            guard features.width == width else {
                throw OtherFeaturesError(path: path, expected: width, found: features.width)
            }
            return features
        case (.picture(let path), let extractor?):
            let picture = try Picture(
                contentsOf: URL(fileURLWithPath: path), reading: extractor.recipe.reading)
            guard extractor.isConcurrent else {
                return try turn.withLock { _ in try extractor.regions(of: picture, named: path) }
            }
            return try extractor.regions(of: picture, named: path)
        }
    }
}

/// The features of the images that were asked for last.
private struct LastUsed {
    /// Each has some megabytes.
    private static let limit = 32
    private var features: [ImageID: RegionFeatures] = [:]
    private var order: [ImageID] = []

    subscript(image: ImageID) -> RegionFeatures? { features[image] }

    mutating func keep(_ new: RegionFeatures, of image: ImageID) {
        if features.updateValue(new, forKey: image) == nil { order.append(image) }
        if order.count > Self.limit { features[order.removeFirst()] = nil }
    }
}

/// An image without a picture.
struct MissingPictureError: Error, CustomStringConvertible {
    /// Where it was looked for.
    let place: String
    /// The image.
    let image: ImageID
    /// One line.
    var description: String { "\(place): expected one of image \(image), found none" }
}

/// Features in a file that are not those which the model takes.
private struct OtherFeaturesError: Error, CustomStringConvertible {
    let path: String
    let expected: Int
    let found: Int
    var description: String {
        "\(path): expected features \(expected) wide, as the model takes them, found \(found)"
    }
}
