import Archives
import Downloads
import FileSystem
import Foundation
import VQADatasets

/// An archive that is kept as it came, for other commands read it without unpacking it.
struct KeptArchive {
    /// What is in it.
    enum Content {
        /// The pictures of a split.
        case pictures(DatasetSplit)
        /// A text of word vectors.
        case vectors
    }

    let content: Content
    /// The address of the archive.
    let address: String
    /// Where it is kept.
    let path: String
    /// Whether one that is there is fetched all the same.
    let isForced: Bool
    let downloader: Downloader
    let interrupts: Interrupts

    /// Where COCO's authors publish the pictures; the name of an archive follows.
    static let picturesAddress = "http://images.cocodataset.org/zips/"
    /// Where GloVe's authors publish the vectors.
    static let vectorsAddress = "https://nlp.stanford.edu/data/"

    /// An archive lies there until all of it was read.
    private var uncheckedPath: String { path + ".unchecked" }
    private var isPresent: Bool { !isForced && access(path, F_OK) == 0 && problem(of: path) == nil }

    /// The file to fetch; nil where it is there.
    var planned: FetchPlan.File? {
        isPresent ? nil : FetchPlan.File(address: address, path: uncheckedPath)
    }

    /// Brings the archive where it is not there.
    ///
    /// - Throws: As `Downloader.fetchChecked`; `UnwritableOutput`.
    func bring() throws {
        if !isForced, access(path, F_OK) == 0 {
            guard let problem = problem(of: path) else {
                Console.note("\(relativeToWorkingFolder(path)) is there already")
                return
            }
            Console.note("\(ErrorLine.text(for: problem)): fetching it again")
        }
        if isForced { unlink(uncheckedPath) }
        let count = try downloader.fetchChecked(
            address, to: uncheckedPath, expected: expected, interrupts, use: { try check(uncheckedPath) })
        guard rename(uncheckedPath, path) == 0 else {
            throw UnwritableOutput(path: path, reason: String(cString: strerror(errno)))
        }
        tell(count)
    }

    /// What keeps a file from being an archive that is not cut short, as far as that can be said in no time.
    private func problem(of path: String) -> (any Error)? {
        do {
            guard try ArchiveReader(path: path).nextEntry() == nil else { return nil }
            return DamagedDatasetArchive(path: path, problem: "\(path): expected files in it, found none")
        } catch {
            return error
        }
    }

    /// Reads all of an archive, and counts the files that it is for.
    private func check(_ path: String) throws -> Int {
        Console.progress("checking \(relativeToWorkingFolder(self.path))")
        defer { Console.clearProgress() }
        guard
            let count = try DatasetArchive.countEntries(
                of: path, where: isContent, shouldStop: { interrupts.isRequested })
        else { throw FetchStopped() }
        guard count > 0 else {
            throw DamagedDatasetArchive(
                path: path, problem: "\(path): expected \(expected), found none in it")
        }
        return count
    }

    private func isContent(_ entry: String) -> Bool {
        guard !FolderListing.isHidden(entry) else { return false }
        return switch content {
        case .pictures: entry.lowercased().hasSuffix(".jpg")
        case .vectors: entry.hasSuffix(".txt")
        }
    }

    private var expected: String {
        switch content {
        case .pictures: "an archive of .jpg pictures"
        case .vectors: "an archive with word vectors, a .txt"
        }
    }

    private func tell(_ count: Int) {
        guard case .pictures(let split) = content else {
            Console.note("\(relativeToWorkingFolder(path)): whole, with word vectors")
            return
        }
        let published = split.pictureCount
        Console.note(
            "\(relativeToWorkingFolder(path)): whole, with \(count) pictures"
                + (count == published ? "" : "; COCO's own has \(published)"))
    }
}

extension KeptArchive {
    /// COCO's three archives of pictures.
    static func pictures(
        _ layout: OfficialLayout, _ source: FetchSource, isForced: Bool, _ interrupts: Interrupts
    )
        -> [KeptArchive]
    {
        [DatasetSplit.train, .val, .test].map { split in
            let archive = layout.pictureArchive(of: split)
            return KeptArchive(
                content: .pictures(split),
                address: (source.mirror ?? picturesAddress) + archive.lastPathComponent, path: archive.path,
                isForced: isForced, downloader: source.downloader, interrupts: interrupts)
        }
    }

    /// GloVe's vectors.
    static func vectors(
        in folder: URL, _ source: FetchSource, isForced: Bool, _ interrupts: Interrupts
    ) -> KeptArchive {
        let name = "glove.840B.300d.zip"
        return KeptArchive(
            content: .vectors, address: (source.mirror ?? vectorsAddress) + name,
            path: folder.appending(component: name).path, isForced: isForced, downloader: source.downloader,
            interrupts: interrupts)
    }
}
