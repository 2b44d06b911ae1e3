import Collectives
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
    public var threadCount = Processors.count
    /// How the pictures' names say which image each is of.
    public var naming = ImageNaming.number
    /// Which part of the pictures is extracted, in the order of the names of their features; nil for all.
    public var part: ExtractionPart?
    /// What the features are packed by, into a store; nil for files. Its naming is that of the extraction.
    public var packer: FeaturePacker?
    /// This process's share in the work; all processes write into the same folder.
    package var share = WorkShare()
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
    ///   or cut short, or a file cannot be written; `TorchError` where memory is short; `ProcessError` and `PartnerFailure` where
    ///   several processes share the work.
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
        let search = try share.together { try PictureSearch(places, naming) }
        let pictures =
            part.map { Array(search.pictures[$0.range(of: search.pictures.count)]) } ?? search.pictures
        try requireSame(pictures, in: places)
        var report = Report()
        report.leftOut = search.leftOut
        let store = try share.together {
            share.isWriting
                ? try openStore(in: featureFolder, of: places, search, by: extractor, onCheck, shouldStop)
                : nil
        }
        report.removedShards = store?.removed ?? []
        guard try !share.anyone(store?.isInterrupted ?? false) else {
            report.isInterrupted = true
            return report
        }
        let output = try openOutput(featureFolder, store, of: pictures, for: extractor)
        let rounds = ExtractionRounds(
            pictureCount: pictures.count, batchSize: extractor.isConcurrent ? max(1, batchSize) : 1,
            processCount: share.processCount, rank: share.rank)
        let batches = batches(of: pictures, rounds, output, extractor)
        // However this ends, libtorch is at nothing after it.
        defer { batches.end() }

        var pace = ExtractionPace()
        for round in 0..<rounds.count {
            let own = try share.together { try seeTo(round, of: rounds, batches, extractor, shouldStop) }
            let all = try share.all(own)
            for part in all { report.add(part) }
            let refused = try share.together {
                try store?.take(
                    all, of: pictures, from: rounds.firstRow(ofRound: round),
                    strictly: stopsAtUnreadablePicture)
            }
            if let refused = try share.agreed(refused) { report.add(refused) }
            progress(
                Progress(
                    doneCount: report.doneCount, totalCount: pictures.count,
                    secondsLeft: pace.secondsLeft(
                        extracted: report.extractedCount, left: pictures.count - report.doneCount)))
            if try share.anyone(shouldStop()), report.doneCount < pictures.count {
                report.isInterrupted = true
                break
            }
        }
        report.unreadable.sort { $0.file < $1.file }
        try share.together { try report.isInterrupted ? store?.pause() : store?.finish() }
        return report
    }

    /// Makes sure that all processes are about to divide the same pictures.
    ///
    /// - Throws: `FeatureExtractionError` where they are not.
    private func requireSame(_ pictures: [FoundPicture], in places: [String]) throws {
        guard share.processCount > 1 else { return }
        let found = try share.all(StorePart.fingerprint(of: pictures.map(\.name)))
        guard Set(found).count == 1 else {
            throw FeatureExtractionError.otherPictures(places.joined(separator: ", "))
        }
    }

    /// The store to write; nil where files are written.
    private func openStore(
        in folder: String, of places: [String], _ search: PictureSearch,
        by extractor: any PictureFeatureExtractor,
        _ onCheck: (Double) -> Void, _ shouldStop: () -> Bool
    ) throws -> StoreOutput? {
        guard var packer else { return nil }
        packer.naming = naming
        return try StoreOutput(
            folder, as: packer, of: places, by: extractor,
            part: part.map {
                StorePart(
                    number: $0.number, count: $0.count, pictures: search.pictures.count,
                    names: StorePart.fingerprint(of: search.pictures.map(\.name)))
            }, onCheck: onCheck, shouldStop: shouldStop)
    }

    /// Where the files of features go. The process that has the store knows which pictures are in it, and tells the others.
    private func openOutput(
        _ folder: String, _ store: StoreOutput?, of pictures: [FoundPicture],
        for extractor: any PictureFeatureExtractor
    ) throws -> FeatureOutputFolder {
        guard packer != nil else {
            // The first makes what the others find.
            let first = try share.together {
                share.isWriting ? try FeatureOutputFolder(folder, for: extractor) : nil
            }
            return try share.together { try first ?? FeatureOutputFolder(folder, for: extractor) }
        }
        func image(_ row: Int) -> ImageID? { naming.image(fileName: pictures[row].name) }
        let stored = store?.extracted.stored.images ?? []
        let rows = try share.agreed(
            stored.isEmpty ? [] : pictures.indices.filter { image($0).map(stored.contains) ?? false })
        return try share.together {
            if let store { return store.extracted }
            var output = try FeatureOutputFolder(StoreOutput.extractedFolder(of: folder), for: extractor)
            output.stored = (Set(rows.filter(pictures.indices.contains).compactMap(image)), naming)
            return output
        }
    }

    /// Sees to this process's pictures of a round: writes the features of those that have none yet.
    private func seeTo<Extractor: PictureFeatureExtractor>(
        _ round: Int, of rounds: ExtractionRounds, _ batches: Prefetcher<[SeenPicture<Extractor.Input>]>,
        _ extractor: Extractor, _ shouldStop: () -> Bool
    ) throws -> ExtractedPictures {
        var extracted = ExtractedPictures()
        for number in 0..<rounds.batchCount(ofRound: round) {
            // What is asked for behind the last batch, all are told.
            if number > 0, shouldStop() { break }
            guard let batch = try batches.next() else { break }
            try write(batch, extractor, into: &extracted)
        }
        return extracted
    }

    /// Writes what became of some pictures.
    private func write<Extractor: PictureFeatureExtractor>(
        _ batch: [SeenPicture<Extractor.Input>], _ extractor: Extractor,
        into extracted: inout ExtractedPictures
    ) throws {
        var made: [MadeFile] = []
        for picture in batch {
            switch try picture.outcome.seen(by: extractor, as: picture.path) {
            case .done: extracted.kept.append(picture.row)
            case .made(let file):
                made.append(file)
                extracted.new.append(picture.row)
            case .unreadable(let error):
                if stopsAtUnreadablePicture { throw error }
                extracted.unreadable[picture.row] = error
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
    }

    /// What becomes of this process's pictures, in batches, made ahead of their use.
    private func batches<Extractor: PictureFeatureExtractor>(
        of pictures: [FoundPicture], _ rounds: ExtractionRounds, _ output: FeatureOutputFolder,
        _ extractor: Extractor
    ) -> Prefetcher<[SeenPicture<Extractor.Input>]> {
        let memory = PictureMemory()
        return Prefetcher(0..<rounds.ownBatchCount, workers: threadCount) { batch in
            var seen: [SeenPicture<Extractor.Input>] = []
            var pending: [(row: Int, path: String, input: Extractor.Input)] = []
            for row in rounds.rows(ofOwnBatch: batch) {
                let (picture, path) = (pictures[row], output.path(for: pictures[row]))
                guard !output.hasFeatures(of: picture) else {
                    seen.append(SeenPicture(row: row, path: path, outcome: .done))
                    continue
                }
                do {
                    pending.append((row, path, try memory.input(picture, for: extractor)))
                } catch let error as PictureError {
                    seen.append(SeenPicture(row: row, path: path, outcome: .unreadable(error)))
                }
            }
            guard extractor.isConcurrent else {
                return seen
                    + pending.map { SeenPicture(row: $0.row, path: $0.path, outcome: .waiting($0.input)) }
            }
            let features = try extractor.extract(pending.map(\.input))
            return seen
                + zip(pending, features).map {
                    SeenPicture(row: $0.row, path: $0.path, outcome: .init($1, path: $0.path))
                }
        }
    }
}
