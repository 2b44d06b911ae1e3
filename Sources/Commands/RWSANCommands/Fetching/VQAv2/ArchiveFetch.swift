import Downloads
import Foundation
import VQADatasets

/// Brings the files of VQA-v2's archives into a datasets folder.
struct ArchiveFetch {
    let layout: OfficialLayout
    /// The address that the archives' names follow.
    let source: String
    /// Whether it is the authors' own address, whose files are known.
    var isOriginal: Bool { source == VQAv2Archive.publicAddress }
    /// Whether files that are there are fetched all the same.
    let isForced: Bool
    let downloader: Downloader
    /// Where archives lie until they are unpacked.
    let downloads: DownloadsFolder
    let interrupts: Interrupts

    /// The files of an archive that are there and whole, and how many records each has; none where all are to be fetched.
    func present(_ archive: VQAv2Archive) -> [VQAv2File: Int] { isForced ? [:] : countPresent(archive) }

    /// The archive, where it is to be fetched for want of some of its files.
    ///
    /// - Parameter counts: What `present` gave.
    func planned(_ archive: VQAv2Archive, _ counts: [VQAv2File: Int]) -> FetchPlan.File? {
        archive.files.allSatisfy { counts[$0] != nil } ? nil : unpacked(archive).planned
    }

    /// Sees to it that the files of an archive are there.
    ///
    /// - Parameter counts: What `present` gave.
    /// - Returns: How many records each has.
    /// - Throws: As `Downloader.fetchChecked`; `ArchiveError` where they cannot be written.
    func bring(_ archive: VQAv2Archive, _ counts: [VQAv2File: Int]) throws -> [VQAv2File: Int] {
        var counts = counts
        let missing = archive.files.filter { counts[$0] == nil }
        if !missing.isEmpty {
            let brought = try unpacked(archive).use { try unpack($0, archive, missing) }
            counts.merge(brought) { $1 }
        }
        noteOtherCounts(counts)
        return counts
    }

    private func unpacked(_ archive: VQAv2Archive) -> UnpackedArchive {
        UnpackedArchive(
            name: archive.fileName, source: source, expected: "an archive of VQA-v2",
            ownFolder: layout.questionsFolder, downloads: downloads, isForced: isForced,
            downloader: downloader,
            interrupts: interrupts)
    }

    /// The files that are there and whole.
    private func countPresent(_ archive: VQAv2Archive) -> [VQAv2File: Int] {
        var counts: [VQAv2File: Int] = [:]
        for file in archive.files {
            guard let location = file.location(in: layout),
                FileManager.default.fileExists(atPath: location.path)
            else { continue }
            do {
                counts[file] = try file.countRecords(in: location)
                Console.note("\(location.relativePath) is there already")
            } catch {
                Console.note("\(ErrorLine.text(for: error)): fetching it again")
            }
        }
        return counts
    }

    /// Another dataset may be wanted under these names, so this is told and no error.
    private func noteOtherCounts(_ counts: [VQAv2File: Int]) {
        for (file, count) in counts {
            guard let published = file.publishedCount, count != published,
                let location = file.location(in: layout)
            else { continue }
            Console.note(
                "\(location.relativePath) has \(count) \(file.records.rawValue); VQA-v2's own has \(published)"
            )
        }
    }

    private func unpack(_ zip: String, _ archive: VQAv2Archive, _ files: [VQAv2File]) throws -> [VQAv2File:
        Int]
    {
        Console.progress("unpacking and checking \(archive.fileName)")
        defer { Console.clearProgress() }
        guard
            let counts = try archive.unpack(
                zip, into: layout, only: files, isOriginal: isOriginal,
                shouldStop: { interrupts.isRequested })
        else { throw FetchStopped() }
        let names = files.compactMap { $0.location(in: layout)?.relativePath }
        Console.note("unpacked \(names.joined(separator: " and "))")
        return counts
    }
}
