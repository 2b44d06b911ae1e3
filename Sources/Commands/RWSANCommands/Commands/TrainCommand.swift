import ArgumentParser
import Foundation
import Torch
import VQABatches
import VQADatasets
import VQAModels
import VQATraining

struct TrainCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "train", abstract: "Train a model, or go on training one.",
        discussion: """
            Checkpoints go to ckpts/ckpt_NAME/ below the working folder, one an epoch, with metrics.jsonl \
            beside them; the log goes to results/log/, and the latest answers to the val questions to \
            results/cache/. Ctrl-C finishes the step at hand, writes a checkpoint and says how to go on.
            """)

    @OptionGroup var dataset: DatasetOptions
    @Option(help: "The name of the run.") var name: String
    @OptionGroup var settings: ConfigurationOptions
    @Option(help: "An answer list in the official form; else it is built from the annotations.")
    var answers: String?
    @Option(
        help:
            "GloVe's vectors, which start the word embedding: a text or a zip with it; else glove.840B.300d.txt or .zip is looked for."
    )
    var glove: String?
    @Option(help: "A checkpoint to go on from, or a folder of them for the one that has come furthest.")
    var resume: String?
    @OptionGroup var devices: DevicesOption
    @OptionGroup var precision: PrecisionOption
    @OptionGroup var gpu: GPUOptions
    @Flag(help: "Show nothing between the ends of epochs.") var quiet = false
    @Option(
        help:
            "Record the third to fifth step, and write them to this .json file as a trace for Chrome's viewer or Perfetto."
    )
    var profile: String?

    func validate() throws {
        guard !name.isEmpty, !name.contains("/") else {
            throw ValidationError("--name: expected a name without /")
        }
    }

    func run() throws {
        let folder = RunFolder(name: name, in: URL(fileURLWithPath: FileManager.default.currentDirectoryPath))
        let source = try resume.flatMap { try resumeFile($0, of: folder) }
        let checkpoint = try source.map { try Checkpoint(contentsOf: $0) }
        let configuration = try settings.applied(to: checkpoint?.configuration ?? Configuration())
        let devices = try devices.resolve()
        let device = devices[0]
        let precision = try precision.resolve(for: .training, on: device)
        let profileFile = try profile.map(OutputPath.init)
        let dataset = try dataset.open()
        let splits = try DatasetSplit.trainingSplits(named: configuration.split)
        let seed = UInt64(configuration.seed ?? Int.random(in: 0...Int(Int32.max)))
        TorchRuntime.seed(seed)
        var setup = try makeSetup(dataset, splits, configuration, checkpoint, device, folder)
        setup.precision = precision
        try gpu.apply(to: &setup, devices)
        let trainer = try Trainer(setup, seed: seed)
        if let checkpoint, let source {
            try CheckpointError.naming(source) { try trainer.resume(from: checkpoint) }
        }
        if checkpoint != nil, try settings.sets("lr_base") {
            trainer.resetLearningRate()
        }
        let lock = try folder.lock()
        defer { withExtendedLifetime(lock) {} }
        if let old = try folder.setAsideEarlierRun(
            goingOnFrom: source.map { URL(fileURLWithPath: $0) }, step: trainer.state.step)
        {
            Console.note("what was there of an earlier run of this name lies in \(old.relativePath) now")
        }
        try trainer.prepare(gpu.loadFeatures)
        announce(trainer, setup, checkpoint, source)
        trainer.profile = profileFile.map { StepProfile(file: $0.url, device: device) }
        try run(trainer)
    }

    /// The checkpoint to go on from: a file, or of a folder the one that has come furthest.
    ///
    /// - Returns: Nil where the run was stopped before its first checkpoint, so that it has to start anew.
    private func resumeFile(_ path: String, of run: RunFolder) throws -> String? {
        let url = URL(fileURLWithPath: path)
        var isFolder: ObjCBool = false
        let isThere = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        if url.standardizedFileURL.path == run.checkpoints.standardizedFileURL.path, !run.hasCheckpoints {
            Console.note("\(path) has no checkpoint yet: starting from the beginning")
            return nil
        }
        guard isThere, isFolder.boolValue else { return path }
        return try RunFolder.latestCheckpoint(in: url) {
            Console.note("passing over \(ErrorLine.text(for: $0))")
        }.path
    }

    private func makeSetup(
        _ dataset: OfficialDataset, _ splits: [DatasetSplit], _ configuration: Configuration,
        _ checkpoint: Checkpoint?, _ device: Device, _ folder: RunFolder
    ) throws -> Trainer.Setup {
        let data = try prepare(dataset, splits, configuration, checkpoint)
        guard data.answers.count > 0 else { throw EmptyAnswerList() }
        let model = try ModelRegistry.standard.make(
            configuration, wordCount: data.vocabulary.count, answerCount: data.answers.count)
        if checkpoint == nil { try startEmbedding(of: model, data, configuration, dataset.layout) }
        try model.move(to: device)
        func builder(_ examples: Examples, _ splits: [DatasetSplit]) throws -> BatchBuilder {
            dataset.noteFeaturePlaces(splits)
            return try BatchBuilder(
                examples: examples,
                features: dataset.features(splits, maximumRegions: configuration.imgFeatPadSize),
                answerCount: data.answers.count, featureWidth: configuration.imgFeatSize,
                maximumRegions: configuration.imgFeatPadSize, maximumWords: configuration.maxToken)
        }
        let training = try builder(data.training, splits)
        let validation = try data.validation.map { (try builder($0.examples, [.val]), $0.metric) }
        return Trainer.Setup(
            model: model, configuration: configuration, device: device, training: training,
            validation: validation, vocabulary: data.vocabulary, answers: data.answers,
            featureRecipe: dataset.featureRecipe(.train) ?? checkpoint?.featureRecipe, folder: folder)
    }

    /// Words, answers, questions and metric, from the checkpoint as far as it has them and else from the files.
    private func prepare(
        _ dataset: OfficialDataset, _ splits: [DatasetSplit], _ configuration: Configuration,
        _ checkpoint: Checkpoint?
    ) throws -> TrainingData {
        let hasVal = dataset.hasQuestions(.val) && dataset.hasAnnotations(.val)
        let list = try AnswerListChoice.list(
            file: answers, checkpoint: checkpoint?.answers, of: resume ?? "")
        let data = try dataset.trainingData(
            TrainingData.Request(
                splits: splits,
                evaluatesVal: configuration.evalEveryEpoch && hasVal && !splits.contains(.val),
                maximumWords: configuration.maxToken, vocabulary: checkpoint?.vocabulary,
                answers: list),
            cache: PreparedCache(), onNotice: Console.note)
        if checkpoint?.vocabulary == nil { dataset.noteAbsentVocabulary() }
        if configuration.evalEveryEpoch, splits.contains(.val) {
            Console.note("val is trained on, so it is not evaluated after each epoch")
        } else if configuration.evalEveryEpoch, !hasVal {
            Console.note("there are no val questions with annotations, so no epoch is evaluated")
        }
        return data
    }

    /// Puts GloVe's vectors where they belong.
    private func startEmbedding(
        of model: any VQAModel, _ data: TrainingData, _ configuration: Configuration,
        _ layout: OfficialLayout
    ) throws {
        guard configuration.useGlove else { return }
        guard let embedding = model.wordEmbedding else {
            Console.note("\(configuration.model) has no word embedding, so GloVe is not used")
            return
        }
        guard let file = glove.map({ URL(fileURLWithPath: $0) }) ?? GloVeFile.find(for: layout) else {
            throw MissingGloVe()
        }
        let vectors = try WordVectors(
            glove: file, vocabulary: data.vocabulary, dimension: configuration.wordEmbedSize,
            cache: PreparedCache(), onNotice: Console.note)
        Console.note(GloVeFile.coverage(of: data, by: vectors, file))
        let values = try Tensor(
            vectors.values, shape: [data.vocabulary.count, configuration.wordEmbedSize])
        try withoutGradients { try embedding.weight.copy(from: values) }
    }

    private func announce(
        _ trainer: Trainer, _ setup: Trainer.Setup, _ checkpoint: Checkpoint?, _ source: String?
    ) {
        let parameters = setup.model.parameters().reduce(0) { $0 + $1.count }
        Console.note(
            "\(setup.configuration.model): \(parameters) parameters, \(setup.vocabulary.count) words, "
                + "\(setup.answers.count) answers; \(setup.training.count) questions to learn from, on "
                + "\(Device.list(setup.devices)) in \(setup.precision.rawValue) with \(TorchRuntime.threadCount) threads, seed \(trainer.state.seed)"
        )
        guard let source else { return }
        let state = trainer.state
        Console.note(
            "going on from \(source): epoch \(state.epoch + 1), after \(state.stepInEpoch) of its steps")
        if setup.device != .cpu, checkpoint?.deviceGeneratorStates.isEmpty ?? true {
            Console.note("the run was not on a GPU before: what dropout draws there starts anew")
        }
        if let threads = checkpoint?.training?.threadCount, threads != TorchRuntime.threadCount {
            Console.note(
                "the run had \(threads) threads before, and has \(TorchRuntime.threadCount) now: its weights "
                    + "will differ in their last bits")
        }
    }

    private static func explained<Result>(_ run: () throws -> Result) throws -> Result {
        do {
            return try run()
        } catch let error as RecordingError {
            throw UnrecordableModel(cause: error)
        }
    }

    private func run(_ trainer: Trainer) throws {
        let interrupts = Interrupts { Console.note("finishing the step at hand (again to end at once)") }
        let line = ProgressLine(showsSteps: !quiet)
        let outcome = try Self.explained {
            try trainer.run(onEvent: line.show, shouldStop: { interrupts.isRequested })
        }
        Console.clearProgress()
        if let profile = trainer.profile {
            Console.note(
                profile.isWritten
                    ? "a trace of steps \(profile.steps) is in \(profile.file.relativePath)"
                    : "the run ended before step \(profile.steps.lowerBound), so there is no trace")
        }
        switch outcome {
        case .finished(let checkpoint): try Console.result(checkpoint)
        case .interrupted(let checkpoint):
            let goingOn =
                ["rwsan", "train"] + dataset.arguments
                + ["--name", name, "--resume", checkpoint, "--device", Device.list(trainer.devices)]
                + precision.arguments + gpu.arguments
            Console.note("stopped; to go on: \(ShellQuoting.line(goingOn))")
            throw ExitCode(128 + SIGINT)
        }
    }
}

/// A model whose steps cannot be recorded.
struct UnrecordableModel: Error, CustomStringConvertible {
    let cause: RecordingError
    var description: String { "\(cause); --no-cuda-graphs trains the model without" }
}

struct EmptyAnswerList: Error, CustomStringConvertible {
    var description: String {
        "no answer is given more than 8 times in the annotations: --answers FILE names an answer list"
    }
}
