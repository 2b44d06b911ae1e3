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

    /// Sees to it that the files of an archive are there.
    ///
    /// - Returns: How many records each has.
    /// - Throws: `FetchStopped`; `DownloadError`, `DamagedDatasetArchive` or `ArchiveError` where they cannot be had.
    func bring(_ archive: VQAv2Archive) throws -> [VQAv2File: Int] {
        var counts = isForced ? [:] : countPresent(archive)
        let missing = archive.files.filter { counts[$0] == nil }
        if !missing.isEmpty {
            let brought = try (isForced ? nil : unpackOwn(archive, missing)) ?? download(archive, missing)
            counts.merge(brought) { $1 }
        }
        noteOtherCounts(counts)
        return counts
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

    /// Unpacks an archive that the user has put beside the files; it stays.
    private func unpackOwn(_ archive: VQAv2Archive, _ files: [VQAv2File]) throws -> [VQAv2File: Int]? {
        let zip = layout.questionsFolder.appending(component: archive.fileName)
        guard FileManager.default.fileExists(atPath: zip.path) else { return nil }
        do {
            return try unpack(zip, archive, files)
        } catch let damage as DamagedDatasetArchive {
            Console.note("passing over \(damage)")
            return nil
        }
    }

    private func download(_ archive: VQAv2Archive, _ files: [VQAv2File]) throws -> [VQAv2File: Int] {
        let zip = downloads.url.appending(component: archive.fileName)
        if isForced { try? FileManager.default.removeItem(at: zip) }
        var isSecond = false
        while true {
            // A run that was killed while it unpacked has left the archive.
            if !FileManager.default.fileExists(atPath: zip.path) {
                try downloader.fetchShowing(source + archive.fileName, to: zip.path, interrupts)
            }
            do {
                let counts = try unpack(zip, archive, files)
                try? FileManager.default.removeItem(at: zip)
                return counts
            } catch let damage as DamagedDatasetArchive {
                try? FileManager.default.removeItem(at: zip)
                guard !isSecond else {
                    throw WrongArchive(address: source + archive.fileName, damage: damage)
                }
                isSecond = true
                Console.note("\(damage): fetching it again")
            }
        }
    }

    private func unpack(_ zip: URL, _ archive: VQAv2Archive, _ files: [VQAv2File]) throws -> [VQAv2File: Int]
    {
        Console.progress("unpacking and checking \(archive.fileName)")
        defer { Console.clearProgress() }
        guard
            let counts = try archive.unpack(
                zip.path, into: layout, only: files, isOriginal: isOriginal,
                shouldStop: { interrupts.isRequested })
        else { throw FetchStopped() }
        let names = files.compactMap { $0.location(in: layout)?.relativePath }
        Console.note("unpacked \(names.joined(separator: " and "))")
        return counts
    }
}

/// What a server gives is not the archive, and was not the second time either.
private struct WrongArchive: Error, CustomStringConvertible {
    let address: String
    let damage: DamagedDatasetArchive
    var description: String {
        "\(address): expected an archive of VQA-v2, twice found something else: \(damage)"
    }
}
