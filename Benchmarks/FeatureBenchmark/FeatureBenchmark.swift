import ArgumentParser
import Foundation
import Torch
import VQABatches
import VQADatasets
import VQAFeatures
import Workers

/// Times how fast batches of 64 images' features are put together, from a feature store or a folder of
/// `.npz` files.
///
/// It does what `peers/rwsan_torch.py load` does, and prints a line of the same form; `sum` is of all features of
/// the first 256 images, to compare.
@main
struct FeatureBenchmark: ParsableCommand {
    @Argument(help: "A feature store, or a folder of .npz files.") var folder: String
    @Option(help: "How many threads put batches together.") var workers = 2
    @Option(help: "How often all images are read; each time gives a line.") var rounds = 1

    func run() throws {
        TorchRuntime.keepFreedMemory()
        let (source, images) = try open()
        guard let first = images.first else {
            throw ValidationError("\(folder): expected images, found none")
        }
        let questions = try QuestionTable(
            images.map { Question(id: QuestionID(rawValue: $0.rawValue), imageID: $0, text: "what") })
        let builder = try BatchBuilder(
            examples: Examples(
                questions: questions, vocabulary: Vocabulary(questions: [questions]), maximumWords: 1),
            features: source, answerCount: 1, featureWidth: source.regions(of: first).width,
            maximumRegions: 100, maximumWords: 1)
        for _ in 0..<max(1, rounds) {
            let seconds = try ContinuousClock().measure { try readAll(builder) } / .seconds(1)
            let record: [String: Any] = [
                "what": "load", "images": builder.count, "seconds": seconds,
                "images_per_second": Double(builder.count) / seconds,
                "sum": try sum(of: images.prefix(256), source),
            ]
            let line = try JSONSerialization.data(withJSONObject: record, options: [.sortedKeys])
            print(String(decoding: line, as: UTF8.self))
        }
    }

    private func open() throws -> (source: any FeatureSource, images: [ImageID]) {
        if FeatureStore.isFinished(folder) {
            let store = try FeatureStore(folder)
            return (store, store.imageIDs.sorted())
        }
        let files = try FeatureFolder([folder])
        return (files, files.imageIDs.sorted())
    }

    /// The sum of all features of some images. It is not timed.
    private func sum(of images: ArraySlice<ImageID>, _ source: any FeatureSource) throws -> Double {
        try images.reduce(0) { sum, image in
            try source.features(for: image).features.reduce(sum) { $0 + Double($1) }
        }
    }

    private func readAll(_ builder: BatchBuilder) throws {
        let starts = Array(stride(from: 0, to: builder.count, by: 64))
        let batches = Prefetcher(0..<starts.count, workers: workers) { number in
            try builder.batch(rows: starts[number]..<min(starts[number] + 64, builder.count))
        }
        defer { batches.cancel() }
        while try batches.next() != nil {}
    }
}
