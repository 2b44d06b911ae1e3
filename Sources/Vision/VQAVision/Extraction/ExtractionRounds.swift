import VQAFeatures

/// How processes divide the pictures of an extraction: in rounds, in each of which every process has a block of pictures that
/// follow one another, and which all end together.
///
/// A process that is alone has a batch a round.
struct ExtractionRounds: Sendable {
    /// How many rounds there are.
    let count: Int
    private let pictureCount: Int
    private let batchSize: Int
    /// How many batches of pictures a block has, for all but the last.
    private let batchesEach: Int
    private let (processCount, rank): (Int, Int)

    /// So many pictures a block has where processes share the work: enough that one that takes long holds up few.
    private static let sharedBlock = 4

    /// - Parameters:
    ///   - pictureCount: How many pictures there are.
    ///   - batchSize: How many are seen to at a time.
    ///   - processCount: How many processes share the work.
    ///   - rank: Which of them this one is, from 0 on.
    init(pictureCount: Int, batchSize: Int, processCount: Int, rank: Int) {
        self.pictureCount = pictureCount
        self.batchSize = batchSize
        (self.processCount, self.rank) = (processCount, rank)
        batchesEach = processCount > 1 ? max(1, Self.sharedBlock / batchSize) : 1
        let round = processCount * batchesEach * batchSize
        count = pictureCount / round + (pictureCount.isMultiple(of: round) ? 0 : 1)
    }

    private func firstBatch(ofRound round: Int) -> Int { round * processCount * batchesEach }

    /// The first picture of a round.
    func firstRow(ofRound round: Int) -> Int { firstBatch(ofRound: round) * batchSize }

    /// How many batches this process has in all.
    var ownBatchCount: Int { (0..<count).reduce(0) { $0 + batchCount(ofRound: $1) } }

    /// How many batches this process has in a round.
    func batchCount(ofRound round: Int) -> Int {
        let first = firstBatch(ofRound: round) + rank * batchesEach
        let all = pictureCount / batchSize + (pictureCount.isMultiple(of: batchSize) ? 0 : 1)
        return min(batchesEach, max(0, all - first))
    }

    /// The pictures of one of this process's batches. Only the last may have fewer than others.
    func rows(ofOwnBatch batch: Int) -> Range<Int> {
        let (round, place) = batch.quotientAndRemainder(dividingBy: batchesEach)
        let first = (firstBatch(ofRound: round) + rank * batchesEach + place) * batchSize
        return min(pictureCount, first)..<min(pictureCount, first + batchSize)
    }
}

/// What processes tell each other of the pictures of a round, by row.
struct ExtractedPictures: Codable {
    /// Those that had their features already.
    var kept: [Int] = []
    /// Those whose features were written.
    var new: [Int] = []
    /// Those that were left out, and why.
    var unreadable: [Int: PictureError] = [:]
}

extension FeatureExtraction.Report {
    /// Counts what a process has done.
    mutating func add(_ pictures: ExtractedPictures) {
        extractedCount += pictures.new.count
        keptCount += pictures.kept.count
        unreadable += pictures.unreadable.values
    }

    /// Counts what could not be stored.
    mutating func add(_ refused: StoreOutput.Refused) {
        extractedCount -= refused.newCount
        keptCount -= refused.keptCount
        unreadable += refused.errors
    }
}

/// Features that are to be written.
struct MadeFile: Sendable {
    let path: String
    let regions: RegionFeatures
    let labels: RegionLabels?
}

/// A picture, and what has become of it.
struct SeenPicture<Input: Sendable>: Sendable {
    let row: Int
    /// Where its features go.
    let path: String
    let outcome: Outcome

    enum Outcome: Sendable {
        /// The picture's features are there.
        case done
        /// The picture is there, but nothing has seen it yet.
        case waiting(Input)
        case made(MadeFile)
        case unreadable(PictureError)

        init(_ features: ExtractedFeatures, path: String) {
            switch features {
            case .regions(let regions, let labels):
                self = .made(MadeFile(path: path, regions: regions, labels: labels))
            case .unfit(let error): self = .unreadable(error)
            }
        }

        /// What became of a picture after the network has seen it.
        func seen<Extractor: PictureFeatureExtractor>(by extractor: Extractor, as path: String) throws -> Self
        where Extractor.Input == Input {
            guard case .waiting(let input) = self, let features = try extractor.extract([input]).first else {
                return self
            }
            return Self(features, path: path)
        }
    }
}
