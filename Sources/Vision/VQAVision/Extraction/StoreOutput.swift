import FileSystem
import Foundation
import VQAFeatures

/// A feature store that extraction writes: as a folder of the same features would be packed, to the byte.
///
/// A picture's features lie as a file in a folder of the store until their shard is written, so that no more than the
/// pictures at hand are lost where the process is killed, and shards are cut where they would have been. Belongs to one
/// thread.
final class StoreOutput {
    /// Where features lie until their shard is written.
    let extracted: FeatureOutputFolder
    private let store: StoreConstruction
    private let folder: String
    private let packer: FeaturePacker
    /// The files whose images are in the shard at hand, and in the one before.
    private var (filling, writing): ([String], [String]) = ([], [])

    /// Where features lie until their shard is written, in the folder of a store.
    static func extractedFolder(of store: String) -> String {
        store + "/" + StoreConstruction.extractedFolder
    }

    /// Goes on with the store in a folder, which is made where it is missing.
    ///
    /// - Throws: `FeatureExtractionError` where the folder has features in files; `FeatureStoreError` where it has others,
    ///   or another part.
    init(
        _ folder: String, as packer: FeaturePacker, of places: [String],
        by extractor: any PictureFeatureExtractor,
        part: StorePart?, onCheck: (Double) -> Void, shouldStop: () -> Bool
    ) throws {
        if let listing = try? FolderListing(folder), listing.names.contains(where: ImageNaming.isFeatureFile)
        {
            throw FeatureExtractionError.featureFiles(folder)
        }
        self.folder = folder
        self.packer = packer
        store = try StoreConstruction(
            in: folder, as: packer,
            note: FeatureNote(extractor.recipe.json(), ofPicturesIn: places),
            part: part,
            onCheck: onCheck, shouldStop: shouldStop)
        var extracted = try FeatureOutputFolder(Self.extractedFolder(of: folder), for: extractor)
        extracted.stored = (store.images, packer.naming)
        self.extracted = extracted
    }

    /// Damaged shards that have been removed, and why.
    var removed: [String] { store.removed }
    /// Whether looking at what is there was asked to stop; then nothing can be done here.
    var isInterrupted: Bool { store.isInterrupted }

    /// Pictures whose features are there, and cannot be stored.
    struct Refused: Codable {
        var newCount = 0
        var keptCount = 0
        var errors: [PictureError] = []
    }

    /// Puts the features of a round's pictures into the store, in the order of the pictures. Where a process has stopped
    /// before it saw to all of its own, what comes behind them waits in its files until the next time.
    ///
    /// - Parameters:
    ///   - parts: What the processes have done.
    ///   - pictures: All pictures.
    ///   - first: The first of the round.
    ///   - isStrict: Whether features that cannot be stored are an error.
    /// - Returns: Those that cannot be stored.
    /// - Throws: `PictureError` for the first of them, where it is an error; what reading and writing files throws.
    func take(
        _ parts: [ExtractedPictures], of pictures: [FoundPicture], from first: Int, strictly isStrict: Bool
    ) throws -> Refused {
        let new = Set(parts.flatMap(\.new))
        let present = new.union(parts.flatMap(\.kept))
        let seen = present.union(parts.flatMap { Array($0.unreadable.keys) })
        var refused = Refused()
        for row in (first..<pictures.count).prefix(while: seen.contains) where present.contains(row) {
            do {
                try take(pictures[row])
            } catch let error as PictureError {
                if isStrict { throw error }
                if new.contains(row) { refused.newCount += 1 } else { refused.keptCount += 1 }
                refused.errors.append(error)
            }
        }
        return refused
    }

    /// Puts the features of a picture, which are there, into the store.
    ///
    /// - Throws: `PictureError` where they cannot be stored; what reading and writing files throws.
    private func take(_ picture: FoundPicture) throws {
        guard let image = packer.naming.image(fileName: picture.name), !store.images.contains(image) else {
            return
        }
        let path = extracted.path(for: picture)
        let isFull: Bool
        do {
            isFull = try store.add(officialFile: path, of: image, name: picture.path)
        } catch let error as FeatureStoreError where error.path == picture.path {
            throw PictureError(
                file: picture.path,
                problem: .withoutRegions(reason: "expected \(error.expected), found \(error.found)"))
        }
        filling.append(path)
        guard isFull else { return }
        for file in writing { unlink(file) }
        (writing, filling) = (filling, [])
    }

    /// Waits until what is full has been written, where no more is to come this time.
    ///
    /// - Throws: What writing a shard throws.
    func pause() throws { try store.pause() }

    /// Closes the last shard and makes the folder a store.
    ///
    /// - Throws: `FeatureExtractionError` where it would have no image, and is no part; what writing files throws.
    func finish() throws {
        try store.closeShard()
        guard try store.complete(skipped: []) else { throw FeatureExtractionError.nothingToStore(folder) }
        try FileManager.default.removeItem(atPath: Self.extractedFolder(of: folder))
    }
}
