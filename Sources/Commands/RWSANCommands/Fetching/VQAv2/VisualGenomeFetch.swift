import Downloads
import Foundation
import VQADatasets

/// Brings Visual Genome's questions, in VQA-v2's form, into a datasets folder.
struct VisualGenomeFetch {
    let layout: OfficialLayout
    let source: FetchSource
    /// Whether they are made anew where they are there.
    let isForced: Bool
    let downloads: DownloadsFolder
    let interrupts: Interrupts

    private static let files = [VQAv2File.Records.questions, .annotations].map {
        VQAv2File(split: .visualGenome, records: $0)
    }

    /// The files to fetch; none where the questions are there.
    var planned: [FetchPlan.File] {
        isPresent() ? [] : VisualGenomeArchive.allCases.compactMap { archive($0).planned }
    }

    /// Makes the two files where they are not there. VQA-v2's questions and annotations must be.
    ///
    /// - Throws: `FetchStopped`; `DatasetFileError` where VQA-v2's files cannot be read; `ArchiveError` where the disk is
    ///   full; as `Downloader.fetchChecked`.
    func bring() throws {
        let names = Self.files.compactMap { $0.location(in: layout)?.relativePath }.joined(separator: " and ")
        guard !isPresent() else {
            Console.note("\(names) are there already")
            return
        }
        Console.progress("reading VQA-v2's questions and answers")
        let conversion = try VisualGenomeConversion(layout, scratch: downloads.url)
        _ = try archive(.images).use { try finished(conversion.readImages($0, shouldStop: isToStop)) }
        let counts = try archive(.questions).use {
            Console.progress("choosing among Visual Genome's questions")
            defer { Console.clearProgress() }
            return try finished(conversion.convert($0, shouldStop: isToStop))
        }
        Console.note(
            "made \(names): of \(counts.all) questions \(counts.ofKnownImages) are about pictures of VQA-v2's train "
                + "and val, and of these \(counts.written) have an answer that is given often enough there")
    }

    private func isToStop() -> Bool { interrupts.isRequested }

    private func finished<Result>(_ result: Result?) throws -> Result {
        guard let result else { throw FetchStopped() }
        return result
    }

    private func archive(_ archive: VisualGenomeArchive) -> UnpackedArchive {
        UnpackedArchive(
            name: archive.fileName, source: source.mirror ?? VisualGenomeArchive.publicAddress,
            expected: "an archive of Visual Genome", ownFolder: layout.questionsFolder, downloads: downloads,
            isForced: isForced, downloader: source.downloader, interrupts: interrupts)
    }

    /// Whether both files are there, and of the same questions.
    private func isPresent() -> Bool {
        guard !isForced else { return false }
        let counts = Self.files.map { file in
            file.location(in: layout).flatMap { try? file.countRecords(in: $0) }
        }
        return counts[0] != nil && counts[0] == counts[1]
    }
}
