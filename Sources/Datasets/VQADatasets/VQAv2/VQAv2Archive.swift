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
        var places: [String: String] = [:]
        var kinds: [String: VQAv2File] = [:]
        for file in wanted ?? files {
            guard let location = file.location(in: layout) else { continue }
            places[location.lastPathComponent] = location.path
            kinds[location.lastPathComponent] = file
        }
        guard
            let written = try DatasetArchive.unpack(
                zip, places, byteLimit: Self.largestFile, shouldStop: shouldStop)
        else { return nil }
        var counts: [VQAv2File: Int] = [:]
        for (name, content) in written {
            guard let file = kinds[name] else { continue }
            counts[file] = try check(content, of: file, in: zip, isOriginal: isOriginal)
        }
        for content in written.values { try content.commit() }
        return counts
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
