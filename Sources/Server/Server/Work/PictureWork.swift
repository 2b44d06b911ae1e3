import Foundation
import Hub
import ServerInput
import RegionDetector
import VQAVision
import VisualQuestionAnswering
import Workers

/// Bytes of an image that were sent, whose regions are wanted.
struct PictureJob: QueuedJob {
    enum Bytes: Sendable {
        /// A picture file.
        case picture([UInt8])
        /// A file of features in the official form.
        case features([UInt8])
    }

    let id: String
    let bytes: Bytes
    let arrival = ContinuousClock.now
    let result = Pending<KeptPicture>()

    var isEnded: Bool { result.isEnded }
}

/// Makes regions of what is sent, one image after another, on a thread of its own: so much memory is taken for one of them,
/// however many are sent.
final class PictureWork: Sendable {
    /// The images that wait.
    let queue: WorkQueue<PictureJob>
    fileprivate let extractor: Result<any PictureFeatureExtractor, any Error>
    private let description: ModelDescription
    private let names: DetectorNames?
    private let mostPixels: Int
    private let metrics: Metrics

    /// - Parameters:
    ///   - extractor: What makes regions of pictures, or why there is nothing that does.
    ///   - names: The names of objects and attributes; nil where they are not known.
    init(
        _ extractor: Result<any PictureFeatureExtractor, any Error>, _ description: ModelDescription,
        names: DetectorNames?, _ settings: ServerSettings, _ metrics: Metrics
    ) {
        queue = WorkQueue(limit: settings.pictureQueue)
        self.extractor = extractor
        self.description = description
        self.names = names
        mostPixels = settings.mostPixels
        self.metrics = metrics
    }

    /// Starts the thread, which ends when the queue is closed.
    ///
    /// - Throws: `ThreadError` where the system makes none.
    func start() throws {
        try ThreadMaker.current.start("pictures") {
            while let jobs = self.queue.next(upTo: 1, waiting: 0) {
                for job in jobs { self.work(on: job) }
            }
        }
    }

    private func work(on job: PictureJob) {
        metrics.note(.pictureWait, since: job.arrival)
        let start = ContinuousClock.now
        job.result.end(Result { try picture(of: job) })
        metrics.note(.picture, since: start)
    }

    private func picture(of job: PictureJob) throws -> KeptPicture {
        let labelled: LabelledRegions
        switch job.bytes {
        case .features(let bytes):
            guard description.takesFeatures else { throw Problem.featuresNotTaken }
            labelled = try LabelledRegions(officialBytes: bytes, named: "features")
        case .picture(let bytes): labelled = try regions(of: bytes)
        }
        let regions = labelled.regions.prefix(description.mostRegions)
        guard regions.width == description.featureWidth else {
            throw Problem.otherWidth(expected: description.featureWidth, found: regions.width)
        }
        return KeptPicture(
            id: job.id, regions: regions,
            names: labelled.labels.map {
                RegionName.all(
                    $0, count: regions.count, objects: names?.objects, attributes: names?.attributes)
            })
    }

    private func regions(of bytes: [UInt8]) throws -> LabelledRegions {
        guard case .success(let extractor) = extractor else { throw Problem.picturesNotTaken(extractor) }
        let bytes = Data(bytes)
        if let count = Picture.statedPixelCount(bytes), count > mostPixels {
            throw Problem.tooManyPixels(limit: mostPixels, found: count)
        }
        return try extractor.labelledRegions(
            of: Picture(decoding: bytes, named: "picture", reading: extractor.recipe.reading),
            named: "picture")
    }
}

extension PictureWork {
    /// Whether there is anything that makes regions of pictures.
    var areTaken: Bool { if case .success = extractor { true } else { false } }
}
