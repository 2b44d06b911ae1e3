import Archives
import FileSystem
import Foundation
import VQADatasets

/// The folder in which archives lie until they are unpacked, `vqa/downloads`; one process at a time has it.
final class DownloadsFolder {
    let url: URL
    private let lock: FolderLock

    /// Makes the folder, and removes what a kill in the middle of unpacking has left beside it.
    ///
    /// - Throws: `UnwritableOutput` with the system's reason; `FolderInUse`.
    init(in layout: OfficialLayout) throws {
        url = layout.questionsFolder.appending(component: "downloads")
        // The first file that will come.
        let first = url.appending(component: VQAv2Archive.trainingQuestions.fileName)
        _ = try OutputPath(first.relativePath)
        lock = try FolderLock(url.path, shown: layout.questionsFolder.relativePath)
        Self.removeLeftovers(in: layout)
        for archive in VisualGenomeArchive.allCases {
            AtomicFile.removeLeftOver(url.path + "/" + archive.contentName + ".partial")
        }
    }

    /// Removes the folder where nothing is left in it.
    deinit { rmdir(url.path) }

    private static func removeLeftovers(in layout: OfficialLayout) {
        let genome = [layout.questions(of: .visualGenome), layout.annotations(of: .visualGenome)]
        let files = VQAv2Archive.allCases.flatMap(\.files).map { $0.location(in: layout) } + genome
        let names = (try? FolderListing(layout.questionsFolder.path))?.names ?? []
        for name in names where name.hasSuffix(".partial") {
            guard files.contains(where: { $0.map { name.hasPrefix($0.lastPathComponent + ".") } ?? false })
            else { continue }
            try? FileManager.default.removeItem(at: layout.questionsFolder.appending(component: name))
        }
    }
}
