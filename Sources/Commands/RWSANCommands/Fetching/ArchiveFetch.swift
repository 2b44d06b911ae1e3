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

    /// Somebody asked to stop.
    struct Stopped: Error {}

    /// Sees to it that the files of an archive are there.
    ///
    /// - Returns: How many records each has.
    /// - Throws: `Stopped`; `DownloadError`, `DamagedDatasetArchive` or `ArchiveError` where they cannot be had.
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
            if !FileManager.default.fileExists(atPath: zip.path) { try download(archive, to: zip) }
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
        else { throw Stopped() }
        let names = files.compactMap { $0.location(in: layout)?.relativePath }
        Console.note("unpacked \(names.joined(separator: " and "))")
        return counts
    }

    private func download(_ archive: VQAv2Archive, to zip: URL) throws {
        let address = source + archive.fileName
        Console.note("fetching \(address)")
        let line = ProgressLine()
        let interrupts = interrupts
        let outcome = try downloader.fetch(
            address, to: zip.path,
            onEvent: { event in
                switch event {
                case .received(let progress): line.show { "\(archive.fileName): \(progress.text)" }
                case .resuming(let byteCount): Console.note("going on at \(megabytes(byteCount))")
                case .startingAgain(let why): Console.note("starting again: \(why)")
                case .retrying(let cause, let pause):
                    Console.note("\(cause); trying again in \(decimal(pause / .seconds(1), 1)) s")
                }
            }, shouldStop: { interrupts.isRequested })
        Console.clearProgress()
        if outcome == .interrupted { throw Stopped() }
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

extension Downloader.Progress {
    /// `45.2 %, 12.3 MB/s, 12 s left`
    fileprivate var text: String {
        var parts = [megabytes(byteCount), "\(decimal(bytesPerSecond / 1e6, 1)) MB/s"]
        if let totalByteCount, totalByteCount > 0 {
            parts[0] = "\(decimal(Double(byteCount) / Double(totalByteCount) * 100, 1)) %"
        }
        if let secondsLeft { parts.append("\(readable(seconds: secondsLeft)) left") }
        return parts.joined(separator: ", ")
    }
}

private func megabytes(_ byteCount: Int) -> String { "\(decimal(Double(byteCount) / 1e6, 1)) MB" }
