import Archives
import Foundation
import TextFiles

/// One of the five zip archives in which VQA-v2's questions and annotations are published.
package enum VQAv2Archive: String, CaseIterable, Sendable {
    /// The questions of train.
    case trainingQuestions = "v2_Questions_Train_mscoco.zip"
    /// The questions of val.
    case validationQuestions = "v2_Questions_Val_mscoco.zip"
    /// The questions of test, and those of test-dev, which are some of them.
    case testQuestions = "v2_Questions_Test_mscoco.zip"
    /// The annotations of train.
    case trainingAnnotations = "v2_Annotations_Train_mscoco.zip"
    /// The annotations of val.
    case validationAnnotations = "v2_Annotations_Val_mscoco.zip"

    /// Where the authors of VQA-v2 publish them; the name of an archive follows.
    package static let publicAddress = "https://s3.amazonaws.com/cvmlp/vqa/mscoco/vqa/"

    /// The name of the archive.
    package var fileName: String { rawValue }

    /// The files in it.
    package var files: [VQAv2File] {
        switch self {
        case .trainingQuestions: [VQAv2File(split: .train, records: .questions)]
        case .validationQuestions: [VQAv2File(split: .val, records: .questions)]
        case .testQuestions: [.test, .testDev].map { VQAv2File(split: $0, records: .questions) }
        case .trainingAnnotations: [VQAv2File(split: .train, records: .annotations)]
        case .validationAnnotations: [VQAv2File(split: .val, records: .annotations)]
        }
    }

    /// No file of VQA-v2 has more than a fifth of this.
    private static let largestFile = 2 << 30

    /// Unpacks the archive into a datasets folder.
    ///
    /// Every entry is read to its end and held against its CRC-32, every file is read as what it should be, and
    /// only then all of them appear under their names. Entries of other names are never written.
    ///
    /// - Parameters:
    ///   - zip: The path of the archive.
    ///   - layout: Where its files go; the folder must exist.
    ///   - wanted: The files to write; nil writes all.
    ///   - isOriginal: Whether a count of records that is not that of VQA-v2's own file is an error.
    ///   - shouldStop: Asked now and then.
    /// - Returns: How many records each written file has; nil where it was asked to stop, and then nothing is
    ///   written.
    /// - Throws: `DamagedDatasetArchive` where the archive is not what it should be; `ArchiveError` where a file
    ///   cannot be written, a full disk included.
    package func unpack(
        _ zip: String, into layout: OfficialLayout, only wanted: [VQAv2File]? = nil, isOriginal: Bool,
        shouldStop: () -> Bool = { false }
    ) throws -> [VQAv2File: Int]? {
        do {
            guard let written = try writeEntries(of: zip, layout, wanted ?? files, shouldStop) else {
                return nil
            }
            var counts: [VQAv2File: Int] = [:]
            for (file, content) in written {
                counts[file] = try check(content, of: file, in: zip, isOriginal: isOriginal)
            }
            for content in written.values { try content.commit() }
            return counts
        } catch let error as ArchiveError {
            if case .unwritable = error.reason { throw error }
            throw DamagedDatasetArchive(path: zip, problem: "\(error)")
        }
    }

    /// Reads every entry, and keeps what is wanted under temporary names.
    private func writeEntries(
        of zip: String, _ layout: OfficialLayout, _ wanted: [VQAv2File], _ shouldStop: () -> Bool
    ) throws -> [VQAv2File: AtomicFile]? {
        var missing: [String: (file: VQAv2File, location: URL)] = [:]
        for file in wanted {
            guard let location = file.location(in: layout) else { continue }
            missing[location.lastPathComponent] = (file, location)
        }
        var written: [VQAv2File: AtomicFile] = [:]
        let reader = try ArchiveReader(path: zip)
        while let entry = try reader.nextEntry() {
            let place = entry.isRegularFile ? missing.removeValue(forKey: entry.path) : nil
            let output = try place.map { try AtomicFile(path: $0.location.path) }
            var byteCount = 0
            while true {
                if shouldStop() { return nil }
                let chunk = try reader.readChunk(byteLimit: 1 << 20)
                guard !chunk.isEmpty else { break }
                byteCount += chunk.count
                guard byteCount <= Self.largestFile else {
                    throw DamagedDatasetArchive(
                        path: zip,
                        problem:
                            "\(zip): expected at most \(Self.largestFile) bytes in '\(entry.path)', found more"
                    )
                }
                try output?.write(chunk)
            }
            if let place { written[place.file] = output }
        }
        guard missing.isEmpty else {
            throw DamagedDatasetArchive(
                path: zip,
                problem: "\(zip): expected \(missing.keys.sorted().joined(separator: " and ")) in it, "
                    + "found no such file")
        }
        return written
    }

    private func check(
        _ content: AtomicFile, of file: VQAv2File, in zip: String, isOriginal: Bool
    ) throws -> Int {
        let name = URL(fileURLWithPath: content.path).lastPathComponent
        do {
            let count = try file.countRecords(in: URL(fileURLWithPath: content.writtenPath))
            guard !isOriginal || count == file.publishedCount else {
                throw DamagedDatasetArchive(
                    path: zip,
                    problem:
                        "\(zip), \(name): expected \(file.publishedCount ?? 0) \(file.records.rawValue), "
                        + "found \(count)")
            }
            return count
        } catch let error as DatasetFileError {
            // It knows the temporary name only, which says nothing to anybody.
            throw DamagedDatasetArchive(path: zip, problem: "\(zip), \(name): \(error.problem)")
        }
    }
}

/// An archive that is not the one it should be: damaged, something else, or with other files in it.
package struct DamagedDatasetArchive: Error, Sendable, Equatable, CustomStringConvertible {
    /// The path of the archive.
    package let path: String
    /// What was expected and found, and where.
    let problem: String
    /// The error in one line.
    package var description: String { problem }
}
