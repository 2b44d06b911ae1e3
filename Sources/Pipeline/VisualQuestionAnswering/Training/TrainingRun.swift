import Archives
import Collectives
import FileSystem
import Foundation
import Torch
import VQADatasets
import VQATraining

/// A run that trains a model on a dataset: made ready, then run, stopped and gone on with at any time.
///
///     var request = TrainingRun.Request(name: "mine", place: .folder("datasets"))
///     try request.configuration.set("use_glove", to: false)
///     let run = try TrainingRun(request)
///     let outcome = try run.train { event in
///         if case .epoch(let record, _) = event { print(record.epoch, record.loss, record.overall ?? 0) }
///     }
///
/// Checkpoints, metrics and the log go to the places of a `RunFolder`.
public final class TrainingRun {
    /// What is trained, on what, and how.
    public struct Request {
        /// The run's name.
        public var name: String
        /// Where the dataset is.
        public var place: DatasetPlace
        /// The settings of a new run; of one that goes on, what its checkpoint lacks.
        public var configuration: Configuration
        /// Changes settings, those of a checkpoint too; nil leaves them as they are.
        public var changeSettings: ((inout Configuration) throws -> Void)?
        /// A checkpoint to go on from, or a folder of them for the one that has come furthest; nil starts anew.
        public var resume: String?
        /// A checkpoint whose weights a new run starts with, as far as they fit its words and answers; nil for none.
        public var startFrom: String?
        /// A published model whose weights, words, and way of taking pictures a new run starts with; nil for none. Its
        /// answers count where all of the dataset's own are among them, else those, of which it knows some.
        public var startFromModel: PublishedModel.Source?
        /// The folder of the pictures, or one with a folder for each split in it, for a model that looks at pictures; nil
        /// for the dataset's own.
        public var pictures: URL?
        /// The working folder, below which the run's files go.
        public var workingFolder = URL(fileURLWithPath: FileManager.default.currentDirectoryPath)
        /// A file with the answer list; nil has it built from the annotations.
        public var answerFile: String?
        /// GloVe's vectors, a text or a zip with it; nil has it looked for.
        public var glove: URL?
        /// Which metric the answers to the val questions are held against.
        public var metric = MetricVersion.release
        /// Where to compute. Several GPUs share the questions of each step.
        public var devices = [Device.best]
        /// In what precision to compute; nil for what suits the device.
        public var precision: Precision?
        /// How GPUs are used.
        public var gpu = GPUUse()
        /// Whether questions about images whose features cannot be read are left out, of val too; else a damaged
        /// feature store is an error before the first step, and the first damaged file of others stops the run, which
        /// can be gone on with.
        public var skipsDamaged = false
        /// Where a trace of some steps goes; nil for nowhere.
        public var profile: URL?
        /// Whether event files for TensorBoard are written beside the checkpoints.
        public var writesEvents = true
        /// Where what is made of the question files is kept for the next time; nil for nowhere.
        public var cache: PreparedCache? = PreparedCache()
        /// Told in one line of what is done otherwise than one would expect.
        public var onNotice: @Sendable (String) -> Void = { _ in }
        /// Told before the first step what the run is made of; nil has `onNotice` told.
        public var onStart: ((Summary) -> Void)?
        /// Told, while the run is made, how far feature stores have been compared with their checksums.
        public var onProgress: (FeatureCheckProgress) -> Void = { _ in }
        /// Asked meanwhile; where it says so, making the run ends with `InterruptedError`.
        public var shouldStop: () -> Bool = { false }
        /// This process's share in the run, where several were started for it: which of each step's questions it learns
        /// from, and whether it writes files.
        package var share = WorkShare()
        /// The feature stores that were compared before, and where that is remembered; nil for nowhere.
        package var verifiedFiles: VerifiedFiles? = VerifiedFiles()

        /// A new run with the defaults of the properties.
        public init(name: String, place: DatasetPlace, configuration: Configuration = Configuration()) {
            self.name = name
            self.place = place
            self.configuration = configuration
        }
    }

    /// The settings of the run.
    public let configuration: Configuration
    /// Where its files go.
    public let folder: RunFolder
    /// The checkpoint that it goes on from; nil where it starts anew.
    public let source: String?
    /// What trains the model.
    package let trainer: Trainer
    /// The question files' part of it.
    let setup: Trainer.Setup

    private let request: Request
    private let dataset: any VQADataset
    private let checkpoint: Checkpoint?
    /// Whether batches are made of pictures, and not of features that were made before.
    private let readsPictures: Bool
    private let lock: FileLock?

    /// Reads what the run needs, and makes its folder ready.
    ///
    /// - Throws: `CheckpointError`, `ConfigurationError`, `DatasetFileError`, ``DamagedFeaturesError`` and others of their
    ///   kind where something is missing, damaged or does not fit; `InterruptedError` where the request's `shouldStop`
    ///   ended it; `RunInUseError` where another process trains a run of this name.
    public init(_ request: Request) throws {
        self.request = request
        folder = RunFolder(name: request.name, in: request.workingFolder)
        if let error = StartAndResumeError(request) { throw error }
        source = try Self.resumeFile(request, folder)
        checkpoint = try source.map { try Checkpoint(contentsOf: $0) }
        let start = try StartingPoint(request)
        configuration = try Self.configuration(request, checkpoint, source, start)
        dataset = try configuration.datasetType.init(at: request.place)
        let seed = UInt64(
            clamping: try configuration.training.seed
                ?? request.share.agreed(Int.random(in: 0...Int(Int32.max))))
        TorchRuntime.seed(seed)
        let preparation = RunPreparation(request, configuration, dataset, checkpoint, source, start)
        readsPictures = preparation.patches != nil
        var setup = try preparation.setup(folder)
        try request.gpu.apply(to: &setup, request.devices, onNotice: request.onNotice)
        self.setup = setup
        trainer = try Trainer(setup, seed: seed)
        if let checkpoint, let source {
            let trainer = trainer
            let settings = ResumedSettings(
                configuration: configuration, checkpoint: checkpoint, request: request)
            try CheckpointError.naming(source) {
                try settings.explaining { try trainer.resume(from: checkpoint) }
            }
            settings.withoutEffect.forEach(request.onNotice)
            settings.movedSchedule(ofQuestions: setup.training.count).map(request.onNotice)
            settings.movedEnd.map(request.onNotice)
        }
        if checkpoint != nil, configuration.changedKeys.contains("lr_base") {
            trainer.resetLearningRate()
        }
        // From here on the folder changes: all have read what they need of it.
        try request.share.requireSameState(trainer.checkpoint(), "before the first step")
        guard request.share.isWriting else {
            lock = nil
            return
        }
        lock = try folder.lock()
        if let old = try folder.setAsideEarlierRun(
            goingOnFrom: source.map { URL(fileURLWithPath: $0) }, step: trainer.state.step)
        {
            request.onNotice("what was there of an earlier run of this name lies in \(old.relativePath) now")
        }
    }

    /// Trains until the last epoch is done.
    ///
    /// - Parameters:
    ///   - shouldStop: Asked after each step; where it says so, a checkpoint is written and the run ends.
    ///   - onEvent: Called after each step, during evaluation and after each epoch.
    /// - Throws: As `Trainer.run(onEvent:shouldStop:)`; what reading features throws.
    public func train(
        onEvent: (TrainingEvent) throws -> Void = { _ in }, shouldStop: () -> Bool = { false }
    ) throws -> Trainer.Outcome {
        defer { withExtendedLifetime(lock) {} }
        guard trainer.state.epoch < configuration.training.maxEpoch else {
            request.onNotice(
                "the run is finished: all \(configuration.training.maxEpoch) epochs are done; "
                    + "--set max_epoch=N goes on")
            return try trainer.run(onEvent: onEvent, shouldStop: shouldStop)
        }
        if !readsPictures {
            try trainer.prepare { try request.gpu.loadFeatures(for: &$0, onNotice: request.onNotice) }
        }
        try trainer.prepare { try request.gpu.agreeOnRecording(&$0, onNotice: request.onNotice) }
        announce()
        trainer.profile = (request.share.isWriting ? request.profile : nil).map {
            StepProfile(file: $0, device: setup.device)
        }
        defer { tellUnreadable() }
        guard request.writesEvents, request.share.isWriting else {
            return try trainer.run(onEvent: onEvent, shouldStop: shouldStop)
        }
        return try trainWithCurves(onEvent, shouldStop)
    }

    private func trainWithCurves(_ onEvent: (TrainingEvent) throws -> Void, _ shouldStop: () -> Bool) throws
        -> Trainer.Outcome
    {
        let curves = TrainingCurves(
            folder, summary, afterStep: trainer.state.step,
            questions: { [setup, configuration, dataset, pictures = readsPictures ? request.pictures : nil] in
                guard setup.validation != nil else { return nil }
                let answerer = try Answerer(of: setup, configuration, dataset, pictures: pictures)
                return try ShownQuestions(of: answerer, dataset)
            }, onNotice: request.onNotice)
        let outcome = try trainer.run(
            onEvent: { event in
                curves.add(event, step: trainer.state.step)
                try onEvent(event)
            }, shouldStop: shouldStop)
        if case .finished = outcome { curves.finish() }
        return outcome
    }

    /// Tells which questions were left out.
    private func tellUnreadable() {
        LeftOutQuestions(of: setup.training)?.tell(request.onNotice)
        guard let validation = setup.validation?.questions else { return }
        LeftOutQuestions(of: validation)?.tell(
            outOf: "the val questions", consequence: ": the accuracies are those of the others",
            request.onNotice)
    }

    /// The checkpoint to go on from: a file, or of a folder the one that has come furthest.
    ///
    /// - Returns: Nil where the run was stopped before its first checkpoint, so that it has to start anew.
    private static func resumeFile(_ request: Request, _ run: RunFolder) throws -> String? {
        guard let path = request.resume else { return nil }
        let url = URL(fileURLWithPath: path)
        var isFolder: ObjCBool = false
        let isThere = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        if url.standardizedFileURL.path == run.checkpoints.standardizedFileURL.path, !run.hasCheckpoints,
            !RunFolder.hasOfficialCheckpoints(in: url)
        {
            request.onNotice("\(path) has no checkpoint yet: starting from the beginning")
            return nil
        }
        guard isThere, isFolder.boolValue else { return path }
        return try RunFolder.latestCheckpoint(in: url) { request.onNotice("passing over \($0)") }.path
    }

    private static func configuration(
        _ request: Request, _ checkpoint: Checkpoint?, _ source: String?, _ start: StartingPoint?
    ) throws -> Configuration {
        var configuration = try start?.configuration(request.configuration) ?? request.configuration
        if let checkpoint, let source {
            configuration = try CheckpointError.naming(source) {
                try configuration.restored(from: checkpoint.settings)
            }
        }
        try request.changeSettings?(&configuration)
        try configuration.validate()
        return configuration
    }

    /// Tells where an official checkpoint's steps are not those of as many epochs here.
    private func noteOtherEpochs() {
        guard let checkpoint, checkpoint.training == nil, let epoch = checkpoint.officialEpoch else { return }
        let expected = epoch * (setup.training.count / setup.options.batchSize)
        guard checkpoint.stepCount != expected else { return }
        request.onNotice(
            "its \(epoch) epochs have \(checkpoint.stepCount) steps, and would have \(expected) here: it was trained on "
                + "other data, or with another batch_size")
    }

    /// Tells what the run is made of.
    private func announce() {
        if let onStart = request.onStart {
            onStart(summary)
        } else {
            summary.lines.forEach(request.onNotice)
        }
        guard source != nil else { return }
        noteOtherEpochs()
        if setup.device != .cpu, checkpoint?.deviceGeneratorStates.isEmpty ?? true {
            request.onNotice("the run was not on a GPU before: what dropout draws there starts anew")
        }
        let processes = checkpoint?.training?.processCount ?? 1
        if checkpoint?.training != nil, processes != request.share.processCount {
            request.onNotice(
                "the run had \(processes) processes before, and has \(request.share.processCount) now: its weights will differ "
                    + "in their last bits, and dropout draws other numbers")
        }
        if let threads = checkpoint?.training?.threadCount, threads != TorchRuntime.threadCount {
            request.onNotice(
                "the run had \(threads) threads before, and has \(TorchRuntime.threadCount) now: its weights "
                    + "will differ in their last bits")
        }
    }
}
