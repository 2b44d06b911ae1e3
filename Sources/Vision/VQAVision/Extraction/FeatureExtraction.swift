import Foundation
import VQAFeatures
import Workers

/// Turns folders and archives of pictures into a folder of region features, in the official release's files.
///
/// `COCO_val2014_000000000042.png` becomes `COCO_val2014_000000000042.png.npz`. Files that are there and
/// whole are kept, so that extraction that was interrupted goes on where it was. Beside them lies
/// `extraction.json`, which says how they were made: extraction with other settings is refused there, because
/// features of two kinds in one folder would go unnoticed until a model fails to learn.
///
///     let extraction = FeatureExtraction(extractor)
///     let report = try extraction.run(pictures: ["images/val2014"], into: "coco_extract/val2014")
///
/// Pictures are decoded and seen by the network on several threads; files are written beside them. A picture's features
/// are the same to the bit whatever is extracted with it, after an interruption too.
public struct FeatureExtraction {
    /// Whether the first picture that cannot be read ends extraction; else it is left out and reported.
    public var stopsAtUnreadablePicture = false
    /// How many pictures are seen to between two calls of `progress`; one where they are seen one after another.
    public var batchSize = 16
    /// How many threads make features of pictures.
    public var threadCount = max(1, ProcessInfo.processInfo.activeProcessorCount)
    /// How the pictures' names say which image each is of.
    public var naming = ImageNaming.number
    private let extractor: any PictureFeatureExtractor

    /// What extraction has done.
    public struct Report: Sendable {
        /// How many pictures' features were written.
        public internal(set) var extractedCount = 0
        /// How many pictures had their features already.
        public internal(set) var keptCount = 0
        /// What is wrong with the pictures that were left out, in the order of their names.
        public internal(set) var unreadable: [PictureError] = []
        /// What was left out for its name, in the order of the names.
        public internal(set) var leftOut: [LeftOutPicture] = []
        /// Whether it was stopped before all pictures were seen to.
        public internal(set) var isInterrupted = false

        /// How many pictures have been seen to.
        var doneCount: Int { extractedCount + keptCount + unreadable.count }
    }

    /// - Parameter extractor: What makes features of pictures.
    public init(_ extractor: any PictureFeatureExtractor) {
        self.extractor = extractor
    }

    /// Extracts the features of every picture in folders, in the folders in them, and in archives, which are not unpacked
    /// to disk.
    ///
    /// Content says which files are pictures of a format that is read. Pictures of other formats, those of whose names
    /// it is not certain which image they are, and all but the first of an image, in the order of their names, are
    /// reported and left out. Hidden files are passed over.
    ///
    /// - Parameters:
    ///   - places: The paths of folders, and of zip, tar and tar.gz archives, of pictures.
    ///   - featureFolder: The path of the folder for the files, which is made where it is missing.
    ///   - progress: Called on the calling thread with the number of pictures seen to and that of all.
    ///   - shouldStop: Asked between batches of pictures; where it says so, what is done is kept and extraction ends.
    /// - Throws: `FeatureExtractionError` where a folder or archive cannot be used; `PictureError` if that is to end the
    ///   run; `ArchiveError` where an archive is damaged or cut short, or a file cannot be written; `TorchError` where memory is short.
    public func run(
        pictures places: [String], into featureFolder: String,
        progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }, shouldStop: () -> Bool = { false }
    ) throws -> Report {
        try run(extractor, places, featureFolder, progress, shouldStop)
    }

    private func run<Extractor: PictureFeatureExtractor>(
        _ extractor: Extractor, _ places: [String], _ featureFolder: String,
        _ progress: (_ done: Int, _ total: Int) -> Void, _ shouldStop: () -> Bool
    ) throws -> Report {
        let search = try PictureSearch(places, naming)
        let pictures = search.pictures
        let output = try FeatureOutputFolder(featureFolder, for: extractor)
        let batches = batches(of: pictures, output, extractor)
        // However this ends, libtorch is at nothing after it.
        defer { batches.end() }

        var report = Report()
        report.leftOut = search.leftOut
        while let outcomes = try batches.next() {
            try take(outcomes, extractor, into: &report)
            progress(report.doneCount, pictures.count)
            if shouldStop(), report.doneCount < pictures.count {
                report.isInterrupted = true
                break
            }
        }
        report.unreadable.sort { $0.file < $1.file }
        return report
    }

    /// Writes what became of some pictures, and counts it.
    private func take<Extractor: PictureFeatureExtractor>(
        _ pictures: [Outcome<Extractor.Input>], _ extractor: Extractor, into report: inout Report
    ) throws {
        var made: [MadeFile] = []
        for picture in pictures {
            switch try picture.seen(by: extractor) {
            case .done: report.keptCount += 1
            case .made(let file): made.append(file)
            case .unreadable(let error):
                if stopsAtUnreadablePicture { throw error }
                report.unreadable.append(error)
            case .waiting: break
            }
        }
        // Waiting for the disk at each of thousands of small files would take minutes; those that a power cut has
        // spoilt are found and made again the next time.
        _ = try ParallelWork.results(
            of: made.map { file in
                ParallelWork(cost: 1) {
                    try file.regions.writeOfficialFile(to: file.path, adding: file.more, durably: false)
                }
            })
        report.extractedCount += made.count
    }

    private struct MadeFile: Sendable {
        let path: String
        let regions: RegionFeatures
        let more: KeyValuePairs<String, NPYArray>
    }

    private enum Outcome<Input: Sendable>: Sendable {
        /// The picture's features are there.
        case done
        /// The picture is there, but nothing has seen it yet.
        case waiting(path: String, Input)
        case made(MadeFile)
        case unreadable(PictureError)

        /// What became of a picture after the network has seen it.
        func seen<Extractor: PictureFeatureExtractor>(by extractor: Extractor) throws -> Self
        where Extractor.Input == Input {
            guard case .waiting(let path, let input) = self,
                let features = try extractor.extract([input]).first
            else { return self }
            return Self(path: path, features)
        }

        init(path: String, _ features: ExtractedFeatures) {
            switch features {
            case .regions(let regions, let more):
                self = .made(MadeFile(path: path, regions: regions, more: more))
            case .unfit(let error): self = .unreadable(error)
            }
        }
    }

    /// What becomes of the pictures, in batches, made ahead of their use.
    private func batches<Extractor: PictureFeatureExtractor>(
        of pictures: [FoundPicture], _ output: FeatureOutputFolder, _ extractor: Extractor
    ) -> Prefetcher<[Outcome<Extractor.Input>]> {
        let batchSize = extractor.isConcurrent ? max(1, batchSize) : 1
        let memory = PictureMemory()
        let count = pictures.count / batchSize + (pictures.count.isMultiple(of: batchSize) ? 0 : 1)
        return Prefetcher(0..<count, workers: threadCount) { index in
            var outcomes: [Outcome<Extractor.Input>] = []
            var pending: [(path: String, input: Extractor.Input)] = []
            for picture in pictures.dropFirst(index * batchSize).prefix(batchSize) {
                guard !output.hasFeatures(of: picture) else {
                    outcomes.append(.done)
                    continue
                }
                do {
                    pending.append((output.path(for: picture), try memory.input(picture, for: extractor)))
                } catch let error as PictureError {
                    outcomes.append(.unreadable(error))
                }
            }
            guard extractor.isConcurrent else {
                return outcomes + pending.map { .waiting(path: $0.path, $0.input) }
            }
            let features = try extractor.extract(pending.map(\.input))
            return outcomes + zip(pending, features).map { Outcome(path: $0.path, $1) }
        }
    }
}

/// Why there can be no extraction between two folders.
public enum FeatureExtractionError: Error, Sendable, Equatable, CustomStringConvertible {
    /// A folder cannot be listed or made.
    case unusableFolder(String, reason: String)
    /// Something else than a folder or an archive of pictures.
    case neitherFolderNorArchive(String, found: String)
    /// An archive with a password.
    case encrypted(String)
    /// A folder or archive without pictures.
    case noPictures(String)
    /// A folder whose features were made in another way.
    case otherFeatures(String, expected: String, found: String)

    /// One line for the user.
    public var description: String {
        switch self {
        case .unusableFolder(let folder, let reason): "\(folder): cannot use the folder: \(reason)"
        case .neitherFolderNorArchive(let path, let found):
            "\(path): expected a folder of pictures, or a zip, tar or tar.gz of them, found \(found)"
        case .encrypted(let archive):
            "\(archive): expected pictures that can be read, found encrypted ones: unpack the archive with its password"
        case .noPictures(let folder): "\(folder): expected \(PictureFormat.choices) pictures, found none"
        case .otherFeatures(let folder, let expected, let found):
            "\(folder): expected an empty folder or one of features \(expected), found features \(found)"
        }
    }
}
