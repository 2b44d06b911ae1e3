import FileSystem
import Foundation
import Synchronization

/// The region features of a dataset's images, in folders of official `.npz` files, one for each image.
///
/// `ImageNaming` tells which image a file's name stands for: `COCO_train2014_000000039318.jpg.npz` is image
/// 39318, `12.png.npz` is image 12. Files of whose names that is not certain are taken for no image that has a
/// number. An image whose id is a text is found by the whole name: `n116329.npz`.
///
/// Any number of threads may ask for features at once.
public final class FeatureFolder: Sendable {
    private let folders: [String]
    private let maximumRegions: Int?
    private let naming: ImageNaming
    private let files: [ImageID: String]
    /// Files by the whole name, for images that have names and no numbers; nil until one is asked for.
    private let filesOfNames = Mutex<[ImageID: [String]]?>(nil)
    private let names: [(folder: String, names: [String])]
    /// Files of features whose names are not UTF-8, so that they cannot be opened.
    private let invalidNames: [String]
    private let cache: Mutex<FeatureCache>

    /// Lists the folders' files; none is opened yet.
    ///
    /// - Parameters:
    ///   - folders: the paths; where two folders have an image, the first one's file counts.
    ///   - naming: how the files' names say which image each is of.
    ///   - maximumRegions: keep only the first regions of an image, this many; nil keeps all.
    ///   - cacheByteLimit: how many bytes of features to keep in memory once they have been read.
    /// - Throws: `FeatureFolderError` when a folder cannot be listed or has two files for one image.
    public init(
        _ folders: [String], naming: ImageNaming = .number, maximumRegions: Int? = nil,
        cacheByteLimit: Int = 0
    ) throws {
        self.folders = folders
        self.maximumRegions = maximumRegions
        let listings = try folders.map { ($0, try FolderListing(features: $0)) }
        self.naming = naming
        names = listings.map { ($0.0, $0.1.names) }
        files = try listings.reduce(into: [:]) { all, listing in
            all.merge(try Self.files(listing.1.names, in: listing.0, naming)) { first, _ in first }
        }
        invalidNames = listings.flatMap(\.1.visibleInvalidNames).filter(ImageNaming.isFeatureFile)
        cache = Mutex(FeatureCache(byteLimit: cacheByteLimit))
    }

    /// The folders, for errors, with the files in them whose names are not UTF-8.
    public var place: String {
        let place = folders.joined(separator: ", ")
        guard let first = invalidNames.first else { return place }
        let others = invalidNames.count > 1 ? " and \(invalidNames.count - 1) more" : ""
        return place + " (passed over, for its name is not UTF-8: \(first)\(others))"
    }

    /// The images there are features for.
    public var imageIDs: some Collection<ImageID> { files.keys }

    /// Whether there is a file for an image.
    public func contains(_ image: ImageID) -> Bool {
        isNamed(image) ? filesByName(of: image) != nil : files[image] != nil
    }

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
        let found = isNamed(image) ? filesByName(of: image) : files[image].map { [$0] }
        guard let found, let file = found.first else {
            throw FeatureFolderError.noFeatures(image, folders: folders)
        }
        guard found.count == 1 else { throw FeatureFolderError.duplicate(image, files: found.sorted()) }
        return file
    }

    /// Whether an image is found by the whole name of its file, whatever the number in it.
    private func isNamed(_ image: ImageID) -> Bool { image.isText && naming == .number }

    /// The files of a named image in the first folder that has any.
    private func filesByName(of image: ImageID) -> [String]? {
        filesOfNames.withLock { known in
            let files =
                known
                ?? names.reduce(into: [:]) { all, listing in
                    all.merge(Self.filesByName(listing.names, in: listing.folder)) { first, _ in first }
                }
            known = files
            return files[image]
        }
    }

    private static func filesByName(_ names: [String], in folder: String) -> [ImageID: [String]] {
        names.reduce(into: [:]) { files, name in
            guard ImageNaming.isFeatureFile(name), let image = ImageNaming.name.image(fileName: name) else {
                return
            }
            files[image, default: []].append(folder + "/" + name)
        }
    }

    private static func files(
        _ names: [String], in folder: String, _ naming: ImageNaming
    ) throws(FeatureFolderError) -> [ImageID: String] {
        var files: [ImageID: String] = [:]
        for name in names where ImageNaming.isFeatureFile(name) {
            guard let image = naming.image(fileName: name) else { continue }
            let file = folder + "/" + name
            if let other = files.updateValue(file, forKey: image) {
                throw FeatureFolderError.duplicate(image, files: [other, file].sorted())
            }
        }
        return files
    }
}

extension FolderListing {
    /// Lists a folder of features.
    ///
    /// - Throws: `FeatureFolderError` where the system refuses.
    init(features folder: String) throws(FeatureFolderError) {
        do {
            try self.init(folder)
        } catch {
            throw FeatureFolderError.unreadableFolder(folder, reason: error.reason)
        }
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
            "expected one file for image \(image), found \(files.joined(separator: " and ")); where names and not numbers "
                + "say which image it is, pack them with --image-ids name"
        case .noFeatures(let image, let folders):
            "image \(image): expected a .npz file of its features, found none in "
                + folders.joined(separator: ", ")
        }
    }
}
