import Downloads
import Foundation
import Hub
import RegionDetector
import Torch

/// Brings a detector's weights, and the names of what it sees, into a folder.
struct DetectorFetch {
    let detector: PublishedDetector
    let folder: String
    /// Another address that the names of files follow; nil for their authors'.
    let mirror: String?
    /// Whether files that are there are fetched all the same.
    let isForced: Bool
    let downloader: Downloader
    let interrupts: Interrupts

    /// What there is now.
    struct Fetched {
        /// The path of the weights.
        let path: String
        /// What network they are of.
        let shape: DetectorShape
        /// The folder of the names of objects and attributes; nil where these could not be had.
        let names: String?
    }

    /// Where the weights go.
    var path: String { folder + "/" + detector.fileName }
    /// Weights whose content has not been looked at yet.
    private var uncheckedPath: String { path + ".unchecked" }

    /// No published file of weights has a tenth of that.
    private static let mostWeightBytes = 4 << 30
    /// Twenty times the longer one.
    private static let mostNameBytes = 1 << 20

    /// Brings what is not there.
    ///
    /// - Throws: `FetchStopped`; `FolderInUse`, `UnwritableOutput`; `DownloadError`, `HubError` or `WrongWeights` where
    ///   the weights cannot be had; what their reader throws where memory is short.
    func run() throws -> Fetched {
        _ = try OutputPath(path)
        let lock = try FolderLock(folder, shown: folder)
        defer { withExtendedLifetime(lock) {} }
        let weights = try presentWeights() ?? (detector == .hub ? fetchFromHub() : fetchFromAuthors())
        Console.note(
            "\(relativeToWorkingFolder(path)): a detector of \(weights.shape.classes - 1) objects and "
                + "\(max(0, weights.shape.attributes - 1)) attributes")
        return Fetched(path: path, shape: weights.shape, names: try fetchNames(weights.shape))
    }

    // MARK: - Weights

    /// The weights that are there, and whole.
    private func presentWeights() throws -> DetectorWeights? {
        guard !isForced, access(path, F_OK) == 0 else { return nil }
        do {
            let weights = try read(path)
            Console.note("\(relativeToWorkingFolder(path)) is there already")
            return weights
        } catch let damage as WrongContent {
            Console.note("\(ErrorLine.text(for: damage.cause)): fetching it again")
            return nil
        }
    }

    /// A file that was read, and does not hold a whole detector.
    private struct WrongContent: Error {
        let cause: any Error
    }

    /// - Throws: `WrongContent`; what else keeps the file from being read.
    private func read(_ path: String) throws -> DetectorWeights {
        Console.progress("reading \(relativeToWorkingFolder(path))")
        defer { Console.clearProgress() }
        do {
            return try DetectorWeights(contentsOf: path)
        } catch  where error is FileAccessError || error is TorchError {
            // Neither says anything of the content.
            throw error
        } catch {
            throw WrongContent(cause: error)
        }
    }

    private func fetchFromAuthors() throws -> DetectorWeights {
        let address = (mirror ?? detector.source ?? "") + detector.fileName
        var downloader = downloader
        downloader.byteLimit = Self.mostWeightBytes
        if isForced { unlink(uncheckedPath) }
        var isSecond = false
        while true {
            // A run that was killed while it read has left the file.
            if access(uncheckedPath, F_OK) != 0 {
                try downloader.fetchShowing(address, to: uncheckedPath, interrupts)
            }
            do {
                let weights = try read(uncheckedPath)
                try put(uncheckedPath)
                Console.note(
                    "no checksum of \(detector.fileName) is published: what was checked is that it is as long as the server "
                        + "says, and that all of a detector is in it")
                return weights
            } catch let damage as WrongContent {
                unlink(uncheckedPath)
                guard !isSecond else { throw WrongWeights(address: address, cause: damage.cause) }
                isSecond = true
                Console.note("\(ErrorLine.text(for: damage.cause)): fetching it again")
            }
        }
    }

    /// Fetches the weights into the hub's own cache, and gives them a second name in the folder.
    private func fetchFromHub() throws -> DetectorWeights {
        var hub = Hub()
        hub.downloader = downloader
        hub.downloader.byteLimit = Self.mostWeightBytes
        let file = try hub.fetchShowing(
            detector.fileName, of: HubRepository(PublishedDetector.repository), interrupts)
        do {
            let weights = try read(file.path)
            let blob = URL(fileURLWithPath: file.path).resolvingSymlinksInPath().path
            unlink(uncheckedPath)
            // Where the two are on one disk, it takes no room.
            if link(blob, uncheckedPath) != 0 {
                try FileManager.default.copyItem(atPath: blob, toPath: uncheckedPath)
            }
            try put(uncheckedPath)
            return weights
        } catch let damage as WrongContent {
            throw WrongWeights(address: file.path, cause: damage.cause)
        }
    }

    /// Puts weights that were looked at in their place.
    private func put(_ checked: String) throws {
        guard rename(checked, path) == 0 else {
            throw UnwritableOutput(path: path, reason: String(cString: strerror(errno)))
        }
        // Where both were names of one file, renaming does nothing.
        unlink(checked)
    }

    // MARK: - Names

    /// Brings the names of objects and attributes. Regions do without: what keeps them away is told, and no error.
    ///
    /// - Returns: The folder of the names; nil where they are not there.
    /// - Throws: `FetchStopped`.
    private func fetchNames(_ shape: DetectorShape) throws -> String? {
        let files = PublishedDetector.nameFiles
        let (objects, attributes) = (folder + "/" + files.objects, folder + "/" + files.attributes)
        func areWhole() throws(DetectorNamesError) {
            _ = try DetectorNames(objects: objects, attributes: attributes, for: shape)
        }
        if !isForced, (try? areWhole()) != nil { return folder }
        do {
            guard detector != .hub || !HubEnvironment().isOffline else {
                throw NamesLeftOut(folder: folder)
            }
            for name in shape.hasAttributes ? [files.objects, files.attributes] : [files.objects] {
                var downloader = downloader
                downloader.byteLimit = Self.mostNameBytes
                try downloader.fetchShowing(
                    (mirror ?? PublishedDetector.namesSource) + name, to: folder + "/" + name, interrupts)
            }
            try areWhole()
            return folder
        } catch let stop as FetchStopped {
            throw stop
        } catch {
            if error is DetectorNamesError { for path in [objects, attributes] { unlink(path) } }
            Console.note("\(ErrorLine.text(for: error)); without names, regions have numbers")
            return nil
        }
    }
}

/// What a server gives is no detector.
private struct WrongWeights: Error, CustomStringConvertible {
    let address: String
    let cause: any Error
    var description: String {
        "\(address): expected the weights of a detector, found something else: \(ErrorLine.text(for: cause))"
    }
}

/// Names that are not asked for.
private struct NamesLeftOut: Error, CustomStringConvertible {
    let folder: String
    var description: String {
        "\(folder): expected \(PublishedDetector.nameFiles.objects) and \(PublishedDetector.nameFiles.attributes), found "
            + "none; HF_HUB_OFFLINE keeps from fetching them"
    }
}
