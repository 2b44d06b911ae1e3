import ArgumentParser
import Foundation
import Torch
import VQAData
import VQAModels

/// Times training steps and inference of RWSAN at the official defaults on batches shaped like VQA-v2's.
///
/// `Benchmarks/compare` runs it and the PyTorch peer in turn.
@main
struct StepBenchmark: ParsableCommand {
    @Option(help: "Regions of each picture, separated by commas.") var regions: String
    @Option(help: "Words of each question, separated by commas.") var words: String
    @Option(help: "Steps that are timed.") var steps = 5
    @Option(help: "Steps before those.") var warmup = 2
    @Option(help: "cpu or cuda:N.") var device = "cpu"
    @Option(help: "How many threads an operator may use; libtorch's choice where it is left out.")
    var threads: Int?
    @Option(help: "Write a trace of one training step to this .json file.") var profile: String?
    @Flag(help: "Do without TorchRuntime.keepFreedMemory.") var handBackMemory = false

    func run() throws {
        if !handBackMemory { TorchRuntime.keepFreedMemory() }
        let device = try Device(parsing: device)
        try device.requireAvailable()
        if let threads { TorchRuntime.threadCount = threads }
        let configuration = Configuration()
        TorchRuntime.seed(0)
        let model = try RWSAN(configuration, wordCount: 20573, answerCount: 3129)
        try model.move(to: device)
        let batch = try makeBatch(configuration).moved(to: device)
        let optimizer = try Adam(
            model.namedParameters(), learningRate: 1e-4, betas: (0.9, 0.98), epsilon: 1e-9)

        model.setTraining(true)
        let trainingStep = {
            try model.dropGradients()
            guard let targets = batch.targets else { return }
            let loss = try Loss.binaryCrossEntropy(logits: model(batch), targets: targets)
            try loss.backward()
            try optimizer.step()
            _ = try loss.item()
        }
        try report("train", batch, trainingStep)
        if let profile {
            try Profiler.start(on: device)
            try trainingStep()
            try Profiler.stop(writingTo: URL(fileURLWithPath: profile))
        }
        model.setTraining(false)
        try report("infer", batch) {
            try withoutGradients { _ = try model(batch) }
            try device.synchronize()
        }
        if (try? TorchRuntime.requireInt8Products()) != nil, device == .cpu {
            try model.roundToInt8()
            try report("infer_int8", batch) { try withoutGradients { _ = try model(batch) } }
        }
        let products = try ProductsAlone(
            configuration, regions: batch.regionSegments.rowCount, words: batch.wordSegments.rowCount,
            questions: batch.count, answers: 3129, device: device)
        try report("train_products", batch) {
            try products.train()
            try device.synchronize()
        }
        try report("infer_products", batch) {
            try products.infer()
            try device.synchronize()
        }
    }

    private func report(_ what: String, _ batch: Batch, _ step: () throws -> Void) throws {
        for _ in 0..<warmup { try step() }
        let clock = ContinuousClock()
        var seconds: [Double] = []
        for _ in 0..<max(1, steps) {
            seconds.append(try clock.measure(step) / .seconds(1))
        }
        seconds.sort()
        let median = seconds[seconds.count / 2]
        let record: [String: Any] = [
            "what": what, "seconds_per_step": median, "fastest": seconds[0],
            "slowest": seconds[seconds.count - 1], "questions_per_second": Double(batch.count) / median,
            "threads": TorchRuntime.threadCount, "peak_rss_mib": peakMemory(),
        ]
        let line = try JSONSerialization.data(withJSONObject: record, options: [.sortedKeys])
        print(String(decoding: line, as: UTF8.self))
    }

    private func makeBatch(_ configuration: Configuration) throws -> Batch {
        let regionCounts = regions.split(separator: ",").compactMap { Int($0) }
        let wordCounts = words.split(separator: ",").compactMap { Int($0) }
        guard regionCounts.count == wordCounts.count, !wordCounts.isEmpty else {
            throw ValidationError("--regions and --words need the same number of numbers")
        }
        let rows = regionCounts.reduce(0, +)
        let wordNumbers = (0..<wordCounts.reduce(0, +)).map { Int64($0 * 7919 % 20571 + 2) }
        var targets = [Float](repeating: 0, count: wordCounts.count * 3129)
        for question in wordCounts.indices { targets[question * 3129 + question * 47 % 3129] = 1 }
        return Batch(
            questionIDs: wordCounts.indices.map { QuestionID(rawValue: Int64($0)) },
            regions: try Tensor.uniform([rows, configuration.imgFeatSize]),
            boxes: try Tensor.zeros([rows, 4]), regionSegments: try Segments(lengths: regionCounts),
            words: try Tensor(wordNumbers), wordSegments: try Segments(lengths: wordCounts),
            targets: try Tensor(targets, shape: [wordCounts.count, 3129]))
    }

    /// The most memory the process has had, in MiB.
    private func peakMemory() -> Int {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss / 1024
    }
}
