import Archives
import FileSystem
import Foundation
import Synchronization
import VQAFeatures

/// A folder of features that an extractor made, and of none that were made otherwise.
struct FeatureOutputFolder: Sendable {
    private let folder: String
    private let width: Int
    private let regionCount: Int

    private static let recordName = FeatureNote.fileName

    /// Makes the folder where it is missing.
    ///
    /// - Throws: `FeatureExtractionError` where that fails, or the folder has features of another kind.
    init(_ folder: String, for extractor: GridFeatures) throws {
        self.folder = folder
        width = extractor.width
        regionCount = extractor.regionCount
        let record = FeatureRecipe(of: extractor)
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
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        let file = try AtomicFile(path: folder + "/" + Self.recordName)
        try file.write(encoder.encode(record))
        try file.commit()
    }

    /// Whether the folder's features are known to be of this kind; else there are none.
    private static func recorded(in folder: String, expecting expected: FeatureRecipe) throws -> Bool {
        let names = try FolderListing(folder).names
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
    func path(for pictureName: String) -> String { "\(folder)/\(pictureName).npz" }

    /// Whether a picture's features are there and whole.
    func hasFeatures(of pictureName: String) -> Bool {
        let path = path(for: pictureName)
        guard FileManager.default.fileExists(atPath: path),
            let features = try? RegionFeatures(officialFile: path)
        else { return false }
        return features.width == width && features.count == regionCount
    }
}

/// Writes files of features on threads of its own while the next are being made.
final class FeatureWriter: Sendable {
    private let queue: OperationQueue
    /// Free places in the queue, so that features do not pile up in memory where the disk is slow.
    private let places: DispatchSemaphore
    private let failure = Mutex<(any Error)?>(nil)

    init(threadCount: Int) {
        queue = OperationQueue()
        queue.maxConcurrentOperationCount = threadCount
        places = DispatchSemaphore(value: threadCount * 2)
    }

    /// Takes over files to write, waiting while there are many in front.
    ///
    /// - Throws: What went wrong with a file taken over before.
    func write(_ files: [(path: String, features: RegionFeatures)]) throws {
        try throwFailure()
        places.wait()
        queue.addOperation { [self] in
            defer { places.signal() }
            do {
                // Waiting for the disk at each of thousands of small files would take minutes; those that a
                // power cut has spoilt are found and made again the next time.
                for file in files { try file.features.writeOfficialFile(to: file.path, durably: false) }
            } catch {
                failure.withLock { $0 = $0 ?? error }
            }
        }
    }

    /// Waits for all files.
    ///
    /// - Throws: What went wrong with one of them.
    func finish() throws {
        wait()
        try throwFailure()
    }

    /// Waits for all files, whatever becomes of them.
    func wait() { queue.waitUntilAllOperationsAreFinished() }

    private func throwFailure() throws {
        if let error = failure.withLock({ $0 }) { throw error }
    }
}
