import FileSystem
import Foundation
import VQADatasets
import VQAFeatures
import VQAVision

/// The pictures of a dataset's images, for a model that looks at them.
struct DatasetPictures {
    let dataset: any VQADataset
    /// The folder that was named: of one split's pictures, or with a folder for each split as `images/` has them; nil for
    /// the dataset's own.
    let folder: URL?

    /// How many bytes of pictures in patches training keeps in memory once they have been made.
    static let trainingCacheBytes = 512 << 20

    /// What is made of the pictures of some splits, when it is asked for.
    ///
    /// - Parameters:
    ///   - splits: The splits.
    ///   - width: How wide features have to be.
    ///   - skipsDamaged: Whether a picture that is missing is one that cannot be read.
    ///   - cacheByteLimit: How many bytes of features are kept in memory.
    ///   - extractor: Gives what makes features.
    /// - Throws: ``NoPicturesError`` where a split has no pictures; `FolderListingError`; what `extractor` throws.
    func features(
        of splits: [String], width: Int, skipsDamaged: Bool, cacheByteLimit: Int = 0,
        _ extractor: () throws -> any PictureFeatureExtractor
    ) throws -> PictureFeatures {
        var (folders, origins): ([String], [ImageID: PictureFeatures.Origin]) = ([], [:])
        for split in splits {
            let folder = try folder(of: split)
            guard !folders.contains(folder.relativePath) else { continue }
            folders.append(folder.relativePath)
            origins.merge(try PictureFolder(folder).paths.mapValues { .picture($0) }) { first, _ in first }
        }
        return try PictureFeatures(
            "the pictures in \(folders.joined(separator: ", "))", origins, width: width,
            skipsMissing: skipsDamaged, cacheByteLimit: cacheByteLimit, extractor)
    }

    /// The folder of a split's pictures; nil where there is none.
    ///
    /// - Throws: ``DatasetFolderError`` where the split is none of the dataset's.
    func knownFolder(of split: String) throws -> URL? {
        let own = try dataset.pictures(of: split)
        guard let folder else { return own.flatMap { Self.isFolder($0) ? $0 : nil } }
        let part = own.map { folder.appending(component: $0.lastPathComponent) }
        return part.flatMap { Self.isFolder($0) ? $0 : nil } ?? folder
    }

    private func folder(of split: String) throws -> URL {
        guard let folder = try knownFolder(of: split) else {
            throw NoPicturesError(
                dataset: type(of: dataset).name, split: split,
                folder: try dataset.pictures(of: split)?.relativePath)
        }
        return folder
    }

    private static func isFolder(_ url: URL) -> Bool {
        var isFolder: ObjCBool = false
        return FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder) && isFolder.boolValue
    }
}

/// A model that looks at pictures was asked about a split whose pictures are not known.
public struct NoPicturesError: Error, Sendable, CustomStringConvertible {
    /// The name of the dataset.
    public let dataset: String
    /// The name of the split.
    public let split: String
    /// Where they would be; nil for a dataset that has none.
    public let folder: String?

    /// One line.
    public var description: String {
        "the model looks at pictures, and \(dataset) has none of \(split)\(folder.map { " in \($0)" } ?? ""): expected "
            + "--pictures with their folder"
    }
}
