import FileSystem
import Foundation
import Synchronization

/// The region features of a data set's images, in folders of official `.npz` files, one for each image.
///
/// An image's number is the last run of digits in its file's name, before the extensions:
/// `COCO_train2014_000000039318.jpg.npz` is image 39318, `12.png.npz` is image 12. `.npz` files
/// without a number are left out.
///
/// Any number of threads may ask for features at once.
public final class FeatureFolder: Sendable {
    private let folders: [String]
    private let maximumRegions: Int?
    private let files: [ImageID: String]
    private let cache: Mutex<FeatureCache>

    /// Lists the folders' files; none is opened yet.
    ///
    /// - Parameters:
    ///   - folders: the paths; where two folders have an image, the first one's file counts.
    ///   - maximumRegions: keep only the first regions of an image, this many; nil keeps all.
    ///   - cacheByteLimit: how many bytes of features to keep in memory once they have been read.
    /// - Throws: `FeatureFolderError` when a folder cannot be listed or has two files for one image.
    public init(_ folders: [String], maximumRegions: Int? = nil, cacheByteLimit: Int = 0) throws {
        self.folders = folders
        self.maximumRegions = maximumRegions
        files = try folders.map(Self.files(in:)).reduce(into: [:]) { all, files in
            all.merge(files) { first, _ in first }
        }
        cache = Mutex(FeatureCache(byteLimit: cacheByteLimit))
    }

    /// The folders, for errors.
    public var place: String { folders.joined(separator: ", ") }

    /// The images there are features for.
    public var imageIDs: some Collection<ImageID> { files.keys }

    /// Whether there is a file for an image.
    public func contains(_ image: ImageID) -> Bool { files[image] != nil }

    /// The features of one image, from memory or from its file.
    ///
    /// - Throws: `FeatureFolderError` when there is no file for the image; `ArchiveError` or `NPZError`
    ///   when the file is damaged or of another form.
    public func features(for image: ImageID) throws -> RegionFeatures {
        let file = try path(of: image)
        if let features = cache.withLock({ $0[image] }) { return features }
        // Outside the lock, so that threads decompress side by side.
        let features = try RegionFeatures(officialFile: file, maximumCount: maximumRegions)
        cache.withLock { $0.insert(features, for: image) }
        return features
    }

    /// How many regions an image's file says that it has; nil where it does not say so. The features stay packed.
    ///
    /// - Throws: As ``features(for:)``.
    public func regionCount(of image: ImageID) throws -> Int? {
        let file = try NPZFile(path: try path(of: image))
        guard file.arrayNames.contains("num_bbox") else { return nil }
        return Int(clamping: try file.integer("num_bbox"))
    }

    private func path(of image: ImageID) throws(FeatureFolderError) -> String {
        guard let file = files[image] else { throw FeatureFolderError.noFeatures(image, folders: folders) }
        return file
    }

    /// The image that a file's name stands for; nil when there is no number in it.
    public static func imageID(fileName: String) -> ImageID? {
        var name = fileName[...]
        if name.hasSuffix(".npz") { name = name.dropLast(4) }
        // The picture's own extension: it may hold digits (jp2), but a number alone is no extension.
        if let dot = name.lastIndex(of: "."), name[dot...].contains(where: \.isLetter) { name = name[..<dot] }
        guard let last = name.lastIndex(where: isDigit) else { return nil }
        let digits = name[...last].reversed().prefix(while: isDigit).reversed()
        return Int64(String(digits)).map(ImageID.init)
    }

    private static func isDigit(_ character: Character) -> Bool { character.isASCII && character.isNumber }

    private static func files(in folder: String) throws -> [ImageID: String] {
        let names: [String]
        do {
            names = try FileManager.default.contentsOfDirectory(atPath: folder)
        } catch {
            throw FeatureFolderError.unreadableFolder(folder, reason: systemReason(of: error))
        }
        var files: [ImageID: String] = [:]
        for name in names where name.hasSuffix(".npz") {
            guard let image = imageID(fileName: name) else { continue }
            let file = folder + "/" + name
            if let other = files.updateValue(file, forKey: image) {
                throw FeatureFolderError.duplicate(image, files: [other, file].sorted())
            }
        }
        return files
    }
}

/// There are no features for an image, or it is not clear which.
public enum FeatureFolderError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A folder's files cannot be listed.
    case unreadableFolder(String, reason: String)
    /// Two files of one folder are named after the same image.
    case duplicate(ImageID, files: [String])
    /// No folder has a file for the image.
    case noFeatures(ImageID, folders: [String])

    /// One line for the user.
    public var description: String {
        switch self {
        case .unreadableFolder(let folder, let reason): "\(folder): cannot list the feature files: \(reason)"
        case .duplicate(let image, let files):
            "expected one file for image \(image), found \(files.joined(separator: " and "))"
        case .noFeatures(let image, let folders):
            "image \(image): expected a .npz file of its features, found none in "
                + folders.joined(separator: ", ")
        }
    }
}

/// Features kept in memory, up to a limit.
///
/// When it is full, nothing is put out for something new. Training goes over all images in a new
/// order every epoch, so that an image just read is the last to be needed again: putting out the
/// least recently used one would keep throwing away what comes next, while a full cache that stays
/// as it is answers its share of the images in every epoch.
private struct FeatureCache {
    private var features: [ImageID: RegionFeatures] = [:]
    private var remainingByteCount: Int

    init(byteLimit: Int) {
        remainingByteCount = byteLimit
    }

    subscript(image: ImageID) -> RegionFeatures? { features[image] }

    mutating func insert(_ new: RegionFeatures, for image: ImageID) {
        let byteCount = (new.features.count + new.boxes.count) * MemoryLayout<Float>.size
        guard byteCount <= remainingByteCount, features[image] == nil else { return }
        features[image] = new
        remainingByteCount -= byteCount
    }
}
