import Collectives
import Downloads
import FileSystem
import Foundation
import RegionDetector
import Torch
import VQADatasets
import VQAFeatures
import VQAModels
import VQATraining
import VQAVision

/// A trained model that answers questions: loaded from a checkpoint with its words, its answers, and the way its
/// features are made of pictures.
///
///     let answerer = try Answerer(checkpoint: "epoch9.safetensors")
///     let picture = try Picture(contentsOf: URL(fileURLWithPath: "cat.jpg"))
///     for answer in try answerer.ask("what colour is the cat?", about: picture) {
///         print(answer.score, answer.text)
///     }
///
/// Not for use from several threads at once.
public final class Answerer {
    /// The checkpoint's path.
    public let path: String
    /// The network.
    public let model: any VQAModel
    /// Where it computes.
    public let device: Device
    /// In what precision it computes.
    public let precision: Precision
    /// The settings it was trained with, and those given on top.
    public let configuration: Configuration
    /// The words that it knows.
    public let vocabulary: Vocabulary
    /// The answers that it chooses from.
    public let answers: AnswerList
    /// How the features that it was trained on were made of pictures, as JSON; nil where that is not known.
    public let featureRecipe: String?
    /// Where the training of the checkpoint stands; nil where that is not known.
    public let training: TrainingState?
    /// The dataset that was given; nil for none.
    public let dataset: (any VQADataset)?
    /// Of how many of the questions that were predicted or evaluated last the model reads only the beginning, in one line;
    /// nil where it reads all of them whole.
    public internal(set) var cutNotice: String?

    /// Which metric answers are held against.
    let metric: MetricVersion
    /// Whether questions about images whose features cannot be read are left out.
    let skipsDamaged: Bool
    /// The feature stores that were compared with their checksums before.
    let verifiedFiles: VerifiedFiles?
    /// This process's share in the questions.
    let share: WorkShare
    /// Which part of a split's questions is answered; nil for all.
    let part: ExtractionPart?
    let extractorWeights: String?
    let detectorWeights: String?
    let regions: RegionCount
    let pictures: URL?
    var extractor: (any PictureFeatureExtractor)?
    let onNotice: @Sendable (String) -> Void

    /// Where a checkpoint's model computes, and where it takes from what the checkpoint lacks.
    public struct Options {
        /// The models that a checkpoint, or a published model of ours, may be of.
        public var models = ModelRegistry.standard
        /// The datasets that it may have been trained on.
        public var datasets = DatasetRegistry.standard
        /// Where to compute: a GPU where there is one.
        public var device = Device.best
        /// In what precision to compute; nil for what suits the device.
        public var precision: Precision?
        /// Settings on top of the checkpoint's.
        public var changeSettings: (inout Configuration) throws -> Void = { _ in }
        /// The dataset to answer questions of, whose words and answers count where the checkpoint has none, as an
        /// official one; nil for none.
        public var place: DatasetPlace?
        /// A file with the answer list, for a checkpoint without one; nil for none.
        public var answerFile: String?
        /// A published model's `vocab.txt`, where its folder has none; nil for none.
        public var wordFile: String?
        /// Which metric answers are held against.
        public var metric = MetricVersion.release
        /// Whether questions about images whose features cannot be read are left out; else they are an error.
        public var skipsDamaged = false
        /// Which part of a split's questions is answered; nil for all.
        public var part: ExtractionPart?
        /// This process's share in the questions, where several were started to answer them.
        package var share = WorkShare()
        /// The feature stores that were compared with their checksums before, and where that is remembered; nil for
        /// nowhere.
        package var verifiedFiles: VerifiedFiles? = VerifiedFiles()
        /// EfficientNet-Lite0's weights, to make features of pictures; nil has them fetched.
        public var extractorWeights: String?
        /// A region detector's weights, to make features of pictures for a model that was trained on such; nil for none.
        public var detectorWeights: String?
        /// How many regions the detector finds, where the checkpoint does not say it; nil for 36 with LXMERT, and 10 to 100
        /// with other models.
        public var regions: RegionCount?
        /// The folder of a split's pictures, for a model that looks at them; nil for the dataset's own.
        public var pictures: URL?
        /// Told in one line of what is done otherwise than one would expect.
        public var onNotice: @Sendable (String) -> Void = { _ in }

        /// The defaults of the properties.
        public init() {}
    }

    /// What an answerer is made of.
    private struct Parts {
        let path: String
        let configuration: Configuration
        let dataset: (any VQADataset)?
        let vocabulary: Vocabulary
        let answers: AnswerList
        let featureRecipe: String?
        let training: TrainingState?
        let model: any VQAModel
        /// The file on whose pages the weights lie; nil where they are in memory.
        var weightFile: SafetensorsFile?
        /// Whether the weights go on being trained, so that they stay as they are.
        var isTrained = false
    }

    /// Loads a checkpoint: of ours, or an official one, which is read and never executed.
    ///
    /// - Throws: `CheckpointError` where it is none, or lacks what nothing else gives; `ConfigurationError` where its
    ///   settings cannot be; `DatasetFolderError` or `DatasetFileError` where the dataset's files are missing or damaged.
    public convenience init(checkpoint path: String, _ options: Options = Options()) throws {
        let checkpoint = try Checkpoint(contentsOf: path)
        var configuration = try CheckpointError.naming(path) {
            try Configuration(models: options.models, datasets: options.datasets)
                .restored(from: checkpoint.settings)
        }
        try options.changeSettings(&configuration)
        try configuration.validate()
        let dataset = try options.place.map { try configuration.datasetType.init(at: $0) }
        let vocabulary = try Self.vocabulary(
            checkpoint, path, dataset, configuration.model.reservedWords, options.onNotice)
        let answers = try Self.answers(checkpoint, path, dataset, options.answerFile)
        try self.init(
            Parts(
                path: path, configuration: configuration, dataset: dataset, vocabulary: vocabulary,
                answers: answers, featureRecipe: checkpoint.featureRecipe, training: checkpoint.training,
                model: Self.model(checkpoint, path, configuration, vocabulary, answers)),
            options)
    }

    /// Loads a model as the Hugging Face hub publishes it, from a folder.
    ///
    /// - Throws: ``PublishedModelError`` where there is none, or not all of it; `ConfigurationError` where its settings
    ///   cannot be; what reading its files throws.
    public convenience init(publishedModel folder: String, _ options: Options = Options()) throws {
        let published = try PublishedModel(
            folder: folder, answerFile: options.answerFile, wordFile: options.wordFile,
            models: options.models, datasets: options.datasets)
        var configuration = published.configuration
        try options.changeSettings(&configuration)
        try configuration.validate()
        var weightFile: SafetensorsFile?
        let model = try published.network(configuration) { weightFile = $0 }
        try self.init(
            Parts(
                path: folder, configuration: configuration,
                dataset: options.place.map { try configuration.datasetType.init(at: $0) },
                vocabulary: published.vocabulary, answers: published.answers,
                featureRecipe: published.featureRecipe, training: nil,
                model: model, weightFile: weightFile),
            options)
    }

    /// The model of a run, as it is whenever it is asked: its weights go on being trained. It computes in single precision,
    /// with these weights themselves.
    ///
    /// - Throws: `TorchError` where the device fails.
    convenience init(
        of setup: Trainer.Setup, _ configuration: Configuration, _ dataset: any VQADataset, pictures: URL?
    ) throws {
        let wasTraining = setup.model.isTraining
        defer { setup.model.setTraining(wasTraining) }
        var options = Options()
        options.device = setup.device
        options.precision = .float32
        options.pictures = pictures
        try self.init(
            Parts(
                path: setup.folder.checkpoints.path, configuration: configuration, dataset: dataset,
                vocabulary: setup.vocabulary, answers: setup.answers, featureRecipe: setup.featureRecipe,
                training: nil, model: setup.model, isTrained: true),
            options)
    }

    private init(_ parts: Parts, _ options: Options) throws {
        path = parts.path
        configuration = parts.configuration
        dataset = parts.dataset
        vocabulary = parts.vocabulary
        answers = parts.answers
        featureRecipe = parts.featureRecipe
        training = parts.training
        model = parts.model
        device = options.device
        precision = options.precision ?? .best(on: options.device)
        extractorWeights = options.extractorWeights
        detectorWeights = options.detectorWeights
        regions = options.regions ?? (model is LXMERT ? .thirtySix : .fromTenToHundred)
        pictures = options.pictures
        metric = options.metric
        skipsDamaged = options.skipsDamaged
        verifiedFiles = options.verifiedFiles
        share = options.share
        part = options.part
        onNotice = options.onNotice
        try model.move(to: device)
        model.setTraining(false)
        if precision == .int8 {
            try model.roundToInt8()
        } else {
            try model.convertLinearLayers(for: precision)
            if precision == .float32, !parts.isTrained {
                try model.packLinearLayers { parts.weightFile?.forgetPages() }
            }
        }
    }

    private static func vocabulary(
        _ checkpoint: Checkpoint, _ path: String, _ dataset: (any VQADataset)?, _ reservedWords: [String],
        _ onNotice: (String) -> Void
    ) throws -> Vocabulary {
        if let vocabulary = checkpoint.vocabulary { return vocabulary }
        guard let dataset else {
            throw CheckpointError(
                path: path,
                reason: "it has no words: expected the dataset it was trained on, to take them from (--data)")
        }
        return try dataset.vocabulary(reservedWords: reservedWords, onNotice: onNotice)
    }

    private static func answers(
        _ checkpoint: Checkpoint, _ path: String, _ dataset: (any VQADataset)?, _ file: String?
    ) throws -> AnswerList {
        if let list = try AnswerListChoice.list(file: file, checkpoint: checkpoint.answers, of: path) {
            return list
        }
        guard let dataset else {
            throw CheckpointError(
                path: path,
                reason:
                    "it has no answer list: expected one (--answers), or the dataset it was trained on (--data)"
            )
        }
        return try dataset.answers()
    }

    /// The network with its weights; says in words where they do not fit it, or the words and answers from elsewhere.
    private static func model(
        _ checkpoint: Checkpoint, _ path: String, _ configuration: Configuration, _ vocabulary: Vocabulary,
        _ answers: AnswerList
    ) throws -> any VQAModel {
        do {
            return try configuration.model.make(
                configuration.inputs(words: vocabulary.count, answers: answers.count),
                weights: checkpoint.weights)
        } catch let mismatch as StateMismatch {
            let reason =
                UnfitCheckpoint.reason(mismatch, of: checkpoint, configuration)
                ?? UnfitCheckpoint.reason(
                    mismatch, wordCount: checkpoint.vocabulary == nil ? vocabulary.count : nil,
                    answerCount: checkpoint.answers == nil ? answers.count : nil)
            throw CheckpointError(path: path, reason: reason)
        }
    }
}
