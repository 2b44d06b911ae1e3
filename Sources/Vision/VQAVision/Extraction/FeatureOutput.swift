import Archives
import FileSystem
import Foundation
import VQAFeatures

/// A folder of features that an extractor made, and of none that were made otherwise.
struct FeatureOutputFolder: Sendable {
    /// The images whose features are elsewhere already, and how pictures' names say which these are.
    var stored: (images: Set<ImageID>, naming: ImageNaming) = ([], .number)
    private let folder: String
    private let extractor: any PictureFeatureExtractor

    private static let recordName = FeatureNote.fileName

    /// Makes the folder where it is missing.
    ///
    /// - Throws: `FeatureExtractionError` where that fails, or the folder has features of another kind.
    init(_ folder: String, for extractor: any PictureFeatureExtractor) throws {
        self.folder = folder
        self.extractor = extractor
        let record = extractor.recipe
        do {
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            if try Self.recorded(in: folder, expecting: record) { return }
        } catch let error as FeatureExtractionError {
            throw error
        } catch let error as FolderListingError {
            throw FeatureExtractionError.unusableFolder(folder, reason: error.reason)
        } catch {
            throw FeatureExtractionError.unusableFolder(folder, reason: systemReason(of: error))
        }
        let file = try AtomicFile(path: folder + "/" + Self.recordName)
        try file.write(record.json())
        try file.commit()
    }

    /// Whether the folder's features are known to be of this kind; else there are none.
    private static func recorded(in folder: String, expecting expected: FeatureRecipe) throws -> Bool {
        let names = try FolderListing(folder).names
        // Of pictures that may not be there any more, so that nothing else would take it over.
        for name in names where name.hasSuffix(".partial") && name.contains(".npz.") {
            AtomicFile.removeLeftOver(folder + "/" + name)
        }
        guard !StoreConstruction.hasBegun(among: names) else { throw FeatureExtractionError.store(folder) }
        guard names.contains(recordName) else {
            guard !names.contains(where: ImageNaming.isFeatureFile) else {
                throw FeatureExtractionError.otherFeatures(
                    folder, expected: "\(expected)", found: "without \(recordName)")
            }
            return false
        }
        let bytes = try Data(contentsOf: URL(fileURLWithPath: folder + "/" + recordName))
        let found = try? JSONDecoder().decode(FeatureRecipe.self, from: bytes)
        guard found == expected else {
            throw FeatureExtractionError.otherFeatures(
                folder, expected: "\(expected)",
                found: found.map { "\($0)" } ?? "with an unreadable \(recordName)")
        }
        return true
    }

    /// Where the features of a picture go.
    func path(for picture: FoundPicture) -> String { "\(folder)/\(picture.featureFileName)" }

    /// Whether a picture's features are there and whole.
    func hasFeatures(of picture: FoundPicture) -> Bool {
        if !stored.images.isEmpty, let image = stored.naming.image(fileName: picture.name),
            stored.images.contains(image)
        {
            return true
        }
        let path = path(for: picture)
        guard FileManager.default.fileExists(atPath: path),
            let features = try? RegionFeatures(officialFile: path)
        else { return false }
        return extractor.isComplete(features)
    }
}

extension FeatureRecipe {
    /// The recipe as extraction and checkpoints note it: UTF-8.
    package func json() throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        return try encoder.encode(self)
    }
}
