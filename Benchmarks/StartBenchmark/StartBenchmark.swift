import ArgumentParser
import Foundation
import Torch
import VQABatches
import VQADatasets
import VQAFeatures

/// Times what `rwsan train` does with a dataset's question and annotation files before its first batch.
///
/// It needs no features: pictures are taken to have one region each.
@main
struct StartBenchmark: ParsableCommand {
    @Argument(help: "A datasets folder in the official layout.") var data: String
    @Option(help: "The splits to train on: train, train+val or train+val+vg.") var splits = "train"
    @Option(help: "A folder for what was prepared; none where it is left out.") var cache: String?
    @Flag(help: "Use the folder that rwsan itself uses.") var userCache = false

    func run() throws {
        TorchRuntime.keepFreedMemory()
        let clock = ContinuousClock()
        let start = clock.now
        let dataset = try OfficialDataset(URL(fileURLWithPath: data))
        let splits = try DatasetSplit.trainingSplits(named: splits)
        let request = TrainingData.Request(
            splits: splits, evaluatesVal: !splits.contains(.val), maximumWords: 16)
        let prepared = try dataset.trainingData(
            request, cache: userCache ? PreparedCache() : cache.map { PreparedCache(folder: $0) },
            onNotice: { FileHandle.standardError.write(Data(($0 + "\n").utf8)) })
        let read = clock.now
        func builder(_ examples: Examples) throws -> BatchBuilder {
            try BatchBuilder(
                examples: examples, features: OneRegion(), answerCount: prepared.answers.count,
                featureWidth: 8, maximumRegions: 100, maximumWords: 16)
        }
        let training = try builder(prepared.training)
        let validation = try prepared.validation.map { try builder($0.examples) }
        let batch = try training.batch(rows: (0..<min(64, training.count)).map { $0 * 7919 % training.count })
        let end = clock.now
        let record: [String: Any] = [
            "what": "start", "splits": self.splits, "seconds": (end - start) / .seconds(1),
            "seconds_reading": (read - start) / .seconds(1), "questions": training.count,
            "val_questions": validation?.count ?? 0, "words": prepared.vocabulary.count,
            "answers": prepared.answers.count, "batch": batch.count, "peak_rss_mib": peakMemory(),
        ]
        let line = try JSONSerialization.data(withJSONObject: record, options: [.sortedKeys])
        print(String(decoding: line, as: UTF8.self))
    }

    /// The most memory the process has had, in MiB.
    private func peakMemory() -> Int {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss / 1024
    }
}

/// Features for every picture there could be.
private struct OneRegion: FeatureSource {
    let place = "nowhere"

    func contains(_ image: ImageID) -> Bool { true }

    func features(for image: ImageID) throws -> RegionFeatures {
        try RegionFeatures(
            width: 8, features: Array(repeating: 1, count: 8), boxes: [0, 0, 1, 1], imageHeight: 1,
            imageWidth: 1)
    }
}
