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
    /// Which part of the pictures is extracted, in the order of the names of their features; nil for all.
    public var part: ExtractionPart?
    /// What the features are packed by, into a store; nil for files. Its naming is that of the extraction.
    public var packer: FeaturePacker?
    private let extractor: any PictureFeatureExtractor

    /// How far extraction has come.
    public struct Progress: Sendable {
        /// How many pictures have been seen to.
        public let doneCount: Int
        /// How many there are.
        public let totalCount: Int
        /// How long the rest will take at the pace so far; nil before the first has been extracted.
        public let secondsLeft: Double?
    }

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
        /// Shards of earlier times that were damaged and have been removed, and why.
        public internal(set) var removedShards: [String] = []
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
    ///   - featureFolder: The path of the folder for the files, or of the store, which is made where it is missing.
    ///   - onCheck: Called while the shards of a store that are there already are read, with the share from 0 to 1.
    ///   - progress: Called on the calling thread after some pictures.
    ///   - shouldStop: Asked between batches of pictures; where it says so, what is done is kept and extraction ends.
    /// - Throws: `FeatureExtractionError` where a folder or archive cannot be used; `PictureError` if that is to end the
    ///   run; `FeatureStoreError` where a store has other features, or another part; `ArchiveError` where an archive is damaged
    ///   or cut short, or a file cannot be written; `TorchError` where memory is short.
    public func run(
        pictures places: [String], into featureFolder: String, onCheck: (Double) -> Void = { _ in },
        progress: (Progress) -> Void = { _ in }, shouldStop: () -> Bool = { false }
    ) throws -> Report {
        try run(extractor, places, featureFolder, onCheck, progress, shouldStop)
    }

    private func run<Extractor: PictureFeatureExtractor>(
        _ extractor: Extractor, _ places: [String], _ featureFolder: String, _ onCheck: (Double) -> Void,
        _ progress: (Progress) -> Void, _ shouldStop: () -> Bool
    ) throws -> Report {
        let search = try PictureSearch(places, naming)
        let pictures =
            part.map { Array(search.pictures[$0.range(of: search.pictures.count)]) } ?? search.pictures
        var report = Report()
        report.leftOut = search.leftOut
        let store = try packer.map { packer in
            var packer = packer
            packer.naming = naming
            return try StoreOutput(
                featureFolder, as: packer, of: places, by: extractor,
                part: part.map {
                    StorePart(
                        number: $0.number, count: $0.count, pictures: search.pictures.count,
                        names: StorePart.fingerprint(of: search.pictures.map(\.name)))
                }, onCheck: onCheck, shouldStop: shouldStop)
        }
        report.removedShards = store?.removed ?? []
        guard store?.isInterrupted != true else {
            report.isInterrupted = true
            return report
        }
        let output = try store?.extracted ?? FeatureOutputFolder(featureFolder, for: extractor)
        let batches = batches(of: pictures, output, extractor)
        // However this ends, libtorch is at nothing after it.
        defer { batches.end() }

        var pace = ExtractionPace()
        while let outcomes = try batches.next() {
            try take(outcomes, extractor, store, into: &report)
            progress(
                Progress(
                    doneCount: report.doneCount, totalCount: pictures.count,
                    secondsLeft: pace.secondsLeft(
                        extracted: report.extractedCount, left: pictures.count - report.doneCount)))
            if shouldStop(), report.doneCount < pictures.count {
                report.isInterrupted = true
                break
            }
        }
        report.unreadable.sort { $0.file < $1.file }
        try report.isInterrupted ? store?.pause() : store?.finish()
        return report
    }

    /// Writes what became of some pictures, and counts it.
    private func take<Extractor: PictureFeatureExtractor>(
        _ outcomes: [Outcome<Extractor.Input>], _ extractor: Extractor, _ store: StoreOutput?,
        into report: inout Report
    ) throws {
        var made: [MadeFile] = []
        var present: [FoundPicture] = []
        func leaveOut(_ error: PictureError) throws {
            if stopsAtUnreadablePicture { throw error }
            report.unreadable.append(error)
        }
        for outcome in outcomes {
            switch try outcome.seen(by: extractor) {
            case .done(let picture):
                report.keptCount += 1
                present.append(picture)
            case .made(let file):
                made.append(file)
                present.append(file.picture)
            case .unreadable(let error): try leaveOut(error)
            case .waiting: break
            }
        }
        // Waiting for the disk at each of thousands of small files would take minutes; those that a power cut has
        // spoilt are found and made again the next time.
        _ = try ParallelWork.results(
            of: made.map { file in
                ParallelWork(cost: 1) {
                    try file.regions.writeOfficialFile(to: file.path, labels: file.labels, durably: false)
                }
            })
        report.extractedCount += made.count
        guard let store else { return }
        let isNew = Set(made.map(\.picture.path))
        for picture in present.sorted(by: { FoundPicture.areInOrder($0, $1) }) {
            do {
                try store.take(picture)
            } catch let error as PictureError {
                if isNew.contains(picture.path) { report.extractedCount -= 1 } else { report.keptCount -= 1 }
                try leaveOut(error)
            }
        }
    }

    private struct MadeFile: Sendable {
        let picture: FoundPicture
        let path: String
        let regions: RegionFeatures
        let labels: RegionLabels?
    }

    private enum Outcome<Input: Sendable>: Sendable {
        /// The picture's features are there.
        case done(FoundPicture)
        /// The picture is there, but nothing has seen it yet.
        case waiting(FoundPicture, path: String, Input)
        case made(MadeFile)
        case unreadable(PictureError)

        /// What became of a picture after the network has seen it.
        func seen<Extractor: PictureFeatureExtractor>(by extractor: Extractor) throws -> Self
        where Extractor.Input == Input {
            guard case .waiting(let picture, let path, let input) = self,
                let features = try extractor.extract([input]).first
            else { return self }
            return Self(picture, path: path, features)
        }

        init(_ picture: FoundPicture, path: String, _ features: ExtractedFeatures) {
            switch features {
            case .regions(let regions, let labels):
                self = .made(MadeFile(picture: picture, path: path, regions: regions, labels: labels))
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
            var pending: [(picture: FoundPicture, input: Extractor.Input)] = []
            for picture in pictures.dropFirst(index * batchSize).prefix(batchSize) {
                guard !output.hasFeatures(of: picture) else {
                    outcomes.append(.done(picture))
                    continue
                }
                do {
                    pending.append((picture, try memory.input(picture, for: extractor)))
                } catch let error as PictureError {
                    outcomes.append(.unreadable(error))
                }
            }
            guard extractor.isConcurrent else {
                return outcomes
                    + pending.map { .waiting($0.picture, path: output.path(for: $0.picture), $0.input) }
            }
            let features = try extractor.extract(pending.map(\.input))
            return outcomes
                + zip(pending, features).map { Outcome($0.picture, path: output.path(for: $0.picture), $1) }
        }
    }
}
