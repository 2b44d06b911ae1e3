import ArgumentParser
import Collectives
import Foundation
import Torch
import VQABatches
import VQADatasets
import VQAModels
import VQATraining

/// Times training steps and inference of a network at its official defaults on batches shaped like VQA-v2's.
///
/// `Benchmarks/bench` runs it and the PyTorch peer in turn. Processes that `mpirun` has started share the questions of training,
/// as those of `rwsan train` do; process 0 prints.
@main
struct StepBenchmark: ParsableCommand {
    /// What can be timed.
    enum Part: String, CaseIterable {
        case train, infer
        /// Inference with weights of 8 bits, where the processor has the instructions.
        case inferInt8 = "infer_int8"
        /// The matrix products of a training step and nothing else.
        case trainProducts = "train_products"
        /// The matrix products of inference and nothing else.
        case inferProducts = "infer_products"
        /// Adding up as many numbers of several processes as the network learns, and of a few, and nothing else.
        case exchange
    }

    @Option(help: "Regions of each picture, separated by commas.") var regions: String
    @Option(help: "Words of each question, separated by commas.") var words: String
    @Option(help: "The network, as a configuration names it.") var model = "rwsan"
    @Option(
        help: "Only some of train, infer, infer_int8, train_products, infer_products, exchange, with commas.")
    var only: String?
    @Option(help: "Steps that are timed.") var steps = 5
    @Option(help: "Steps before those.") var warmup = 2
    @Option(help: "cpu or cuda:N.") var device = "cpu"
    @Option(help: "float32, bfloat16 or float16.") var precision = "float32"
    @Option(help: "How many threads an operator may use; libtorch's choice where it is left out.")
    var threads: Int?
    @Option(help: "Write a trace of a training step, on a GPU of 20, to this .json file.") var profile:
        String?
    @Option(help: "Time nothing, and compare logits with those of the peer in this file.") var check: String?
    @Flag(help: "Do without TorchRuntime.keepFreedMemory.") var handBackMemory = false
    @Option(help: "Whether linear layers use our own products: true or false; else as the processor has it.")
    var ownProducts: Bool?

    func run() throws {
        guard let ownProducts else { return try measure() }
        try TorchRuntime.withOwnProducts(ownProducts) { try measure() }
    }

    private func measure() throws {
        if !handBackMemory { TorchRuntime.keepFreedMemory() }
        let device = try Device(parsing: device)
        try device.requireAvailable()
        if let threads { TorchRuntime.threadCount = threads }
        TorchRuntime.seed(0)
        let models = ModelRegistry.published.names.contains(model) ? ModelRegistry.published : .standard
        let choice = try ModelConfiguration(models.entry(named: model))
        let share = try WorkShare(joinedProcesses())
        let run = StepRun(
            model: try choice.make(ModelInputs(wordCount: 20573, answerCount: 3129)),
            options: choice.options, device: device,
            precision: try chosenPrecision(), batch: try makeBatch(share).moved(to: device),
            share: share)
        try run.model.move(to: device)
        if let check { return try compare(run, LogitCheck(file: check)) }
        for part in try parts(on: device) { try time(part, run) }
        try share.group?.leave()
    }

    /// The processes that a launcher has started; nil where this one is alone.
    private func joinedProcesses() throws -> ProcessGroup? {
        let environment = ProcessInfo.processInfo.environment
        return try Launch(environment).flatMap {
            try ProcessGroup.join(
                $0, timeout: .seconds(60), isBeingKilled: { false }, environment: environment)
        }
    }

    private func chosenPrecision() throws -> Precision {
        guard let chosen = Precision(rawValue: precision), chosen != .int8 else {
            throw ValidationError("--precision: expected float32, bfloat16 or float16, found '\(precision)'")
        }
        return chosen
    }

    private func parts(on device: Device) throws -> [Part] {
        guard let only else {
            let hasInt8 = device == .cpu && (try? TorchRuntime.requireInt8Products()) != nil
            return Part.allCases.filter { $0 != .exchange && ($0 != .inferInt8 || hasInt8) }
        }
        return try only.split(separator: ",").map { name in
            guard let part = Part(rawValue: String(name)) else {
                let names = Part.allCases.map(\.rawValue).joined(separator: ", ")
                throw ValidationError("--only: expected some of \(names), found '\(name)'")
            }
            return part
        }
    }

    private func time(_ part: Part, _ run: StepRun) throws {
        switch part {
        case .train:
            let isRecorded = Stepping.best(on: run.device) == .recorded
            let batches = isRecorded ? [try makeFilledBatch(), try makeFilledBatch()] : [run.batch]
            let (count, makeSteps) = try run.trainingSteps(on: batches.map { try $0.moved(to: run.device) })
            try report(part.rawValue, run, stepsAtOnce: count, makeSteps)
            if let profile {
                try Profiler.start(on: run.device)
                try makeSteps()
                try Profiler.stop(writingTo: URL(fileURLWithPath: profile))
            }
        case .infer:
            run.model.setTraining(false)
            try report(part.rawValue, run) { _ = try run.infer() }
        case .inferInt8:
            try TorchRuntime.requireInt8Products()
            run.model.setTraining(false)
            try run.model.roundToInt8()
            try report(part.rawValue, run) { _ = try run.infer() }
        case .trainProducts:
            let products = try run.products()
            try report(part.rawValue, run) {
                try products.train()
                try run.device.synchronize()
            }
        case .inferProducts:
            let products = try run.products()
            try report(part.rawValue, run) {
                try products.infer()
                try run.device.synchronize()
            }
        case .exchange:
            for count in [nil, run.share.processCount] {
                let (byteCount, exchange) = try run.exchange(count)
                try report(part.rawValue, run, byteCount: byteCount, exchange)
            }
        }
    }

    /// Prints how far the logits are from the peer's, in single precision those of weights of 8 bits too.
    private func compare(_ run: StepRun, _ check: LogitCheck) throws {
        try check.load(into: run.model)
        run.model.setTraining(false)
        var same = run
        same.batch = try check.batch(like: run.batch).moved(to: run.device)
        var record: [String: Any] = ["what": "check", "difference": try check.difference(same.infer())]
        let isPlain = run.device == .cpu && run.precision == .float32
        if isPlain, (try? TorchRuntime.requireInt8Products()) != nil {
            try run.model.roundToInt8()
            record["difference_int8"] = try check.difference(same.infer())
        }
        try show(record)
    }

    private func report(
        _ what: String, _ run: StepRun, stepsAtOnce: Int = 1, byteCount: Int? = nil, _ step: () throws -> Void
    ) throws {
        for _ in 0..<warmup { try step() }
        let clock = ContinuousClock()
        var seconds: [Double] = []
        for _ in 0..<max(1, steps) {
            seconds.append(try clock.measure(step) / .seconds(1) / Double(stepsAtOnce))
        }
        seconds.sort()
        let median = seconds[seconds.count / 2]
        guard run.share.rank == 0 else { return }
        var record: [String: Any] = [
            "what": what, "seconds_per_step": median, "fastest": seconds[0],
            "slowest": seconds[seconds.count - 1], "questions_per_second": Double(run.batch.count) / median,
            "threads": TorchRuntime.threadCount, "peak_rss_mib": peakMemory(),
            "processes": run.share.processCount,
            "parameters": run.model.parameters().reduce(0) { $0 + $1.count },
        ]
        record["bytes"] = byteCount
        try show(record)
    }

    private func show(_ record: [String: Any]) throws {
        let line = try JSONSerialization.data(withJSONObject: record, options: [.sortedKeys])
        print(String(decoding: line, as: UTF8.self))
    }

    /// A process's share of the questions, as the trainer divides them.
    private func makeBatch(_ share: WorkShare) throws -> Batch {
        let (regionCounts, wordCounts) = try counts()
        let (rank, count) = (share.rank, share.processCount)
        let own = wordCounts.count * rank / count..<wordCounts.count * (rank + 1) / count
        guard !own.isEmpty else {
            throw ValidationError(
                "expected a question for each of \(count) processes, found \(wordCounts.count)")
        }
        return try makeBatch(Array(regionCounts[own]), Array(wordCounts[own]), questions: own.count)
    }

    /// A batch filled up to one of few shapes, as training takes it where steps are recorded.
    private func makeFilledBatch() throws -> Batch {
        let sizes = VQAv2Dataset.Options()
        let (regionCounts, wordCounts) = try counts()
        let shapes = try BatchShapes(
            questions: wordCounts.count, maximumRegions: sizes.imgFeatPadSize,
            maximumWords: sizes.maxToken)
        let fillers = try shapes.fillers(
            questions: wordCounts.count, regionRows: regionCounts.reduce(0, +),
            wordRows: wordCounts.reduce(0, +))
        return try makeBatch(
            regionCounts + fillers.regions, wordCounts + fillers.words,
            questions: wordCounts.count, shapes)
    }

    private func counts() throws -> (regions: [Int], words: [Int]) {
        let regionCounts = regions.split(separator: ",").compactMap { Int($0) }
        let wordCounts = words.split(separator: ",").compactMap { Int($0) }
        guard regionCounts.count == wordCounts.count, !wordCounts.isEmpty else {
            throw ValidationError("--regions and --words need the same number of numbers")
        }
        return (regionCounts, wordCounts)
    }

    private func makeBatch(
        _ regionCounts: [Int], _ wordCounts: [Int], questions: Int,
        _ shapes: BatchShapes? = nil
    ) throws -> Batch {
        let rows = regionCounts.reduce(0, +)
        let wordNumbers = (0..<wordCounts.reduce(0, +)).map { Int64($0 * 7919 % 20571 + 2) }
        var targets = [Float](repeating: 0, count: questions * 3129)
        for question in 0..<questions { targets[question * 3129 + question * 47 % 3129] = 1 }
        return Batch(
            questionIDs: (0..<questions).map { QuestionID(rawValue: Int64($0)) },
            fillerCount: wordCounts.count - questions,
            regions: try Tensor.uniform([rows, model == "vilt" ? 3072 : 2048]),
            boxes: try Tensor.zeros([rows, 4]),
            regionSegments: try Segments(lengths: regionCounts, maximumLength: shapes?.maximumRegions),
            words: try Tensor(wordNumbers),
            wordSegments: try Segments(lengths: wordCounts, maximumLength: shapes?.maximumWords),
            targets: try Tensor(targets, shape: [questions, 3129]))
    }

    /// The most memory the process has had, in MiB.
    private func peakMemory() -> Int {
        var usage = rusage()
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        return usage.ru_maxrss / 1024
    }
}
