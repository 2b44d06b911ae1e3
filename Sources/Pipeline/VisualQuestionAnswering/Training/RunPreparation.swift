import Foundation
import Torch
import VQABatches
import VQADatasets
import VQAFeatures
import VQAModels
import VQATraining
import VQAVision

/// Puts together what a run is made of: words, answers, questions, features and the network.
struct RunPreparation {
    private let request: TrainingRun.Request
    private let configuration: Configuration
    private let dataset: any VQADataset
    private let checkpoint: Checkpoint?
    /// The checkpoint's path.
    private let source: String?
    /// What a new run starts from.
    private let start: StartingPoint?
    /// How pictures become the patches that the model looks at; nil for one that reads features made before.
    let patches: PatchRecipe?

    init(
        _ request: TrainingRun.Request, _ configuration: Configuration, _ dataset: any VQADataset,
        _ checkpoint: Checkpoint?, _ source: String?, _ start: StartingPoint?
    ) {
        let recipe = (checkpoint?.featureRecipe ?? start?.featureRecipe).flatMap {
            try? FeatureRecipe(parsing: $0)
        }
        patches = if case .patches(let patches) = recipe { patches } else { nil }
        self.source = source
        self.start = start
        self.request = request
        self.configuration = configuration
        self.dataset = dataset
        self.checkpoint = checkpoint
    }

    func setup(_ folder: RunFolder) throws -> Trainer.Setup {
        let data = try request.share.oncePerMachine(readTexts)
        guard data.answers.count > 0 else { throw EmptyAnswerListError() }
        let inputs = configuration.inputs(words: data.vocabulary.count, answers: data.answers.count)
        try requireFit(inputs)
        let transfer = try start?.transfer(to: configuration, data)
        let model = try configuration.model.make(inputs)
        if checkpoint == nil { try request.share.oncePerMachine { try startEmbedding(of: model, data) } }
        let startedFrom = try transfer?.start(model)
        let device = request.devices.first ?? .best
        try model.move(to: device)
        let (training, validation) = try builders(data)
        let recipe =
            try patches.map { String(decoding: try FeatureRecipe.patches($0).json(), as: UTF8.self) }
            ?? imageSplits.first.flatMap(dataset.featureRecipe)
        start?.otherFeatures(than: recipe).map(request.onNotice)
        let choice = configuration.model
        var setup = Trainer.Setup(
            model: model, makeCopy: { try choice.make(inputs) }, options: configuration.training,
            settings: configuration.dictionary, loss: dataset.loss, device: device,
            precision: try precision(on: device), training: training, validation: validation,
            vocabulary: data.vocabulary, answers: data.answers,
            featureRecipe: recipe ?? checkpoint?.featureRecipe, folder: folder)
        setup.startedFrom = startedFrom
        setup.share = request.share
        return setup
    }

    /// In what precision all processes train: GPUs without bfloat16 among others have them take float16.
    private func precision(on device: Device) throws -> Precision {
        let own = request.precision ?? .best(on: device)
        let all = Set(try request.share.all(own.rawValue))
        guard all.count > 1 else { return own }
        request.onNotice("the GPUs of the processes differ: all train in \(Precision.float16.rawValue)")
        return .float16
    }

    /// Makes sure that a checkpoint's weights are those of the network before memory is taken for it.
    private func requireFit(_ inputs: ModelInputs) throws {
        guard let checkpoint, let source else { return }
        let settings = ResumedSettings(
            configuration: configuration, checkpoint: checkpoint, request: request)
        try CheckpointError.naming(source) {
            try settings.explaining { try configuration.model.requireFit(checkpoint.weights, inputs) }
        }
    }

    /// Words, answers, questions and metric, from the checkpoint as far as it has them and else from the files.
    private func readTexts() throws -> TrainingData {
        let list = try AnswerListChoice.list(
            file: request.answerFile, checkpoint: checkpoint?.answers, of: request.resume ?? "")
        return try dataset.trainingData(
            DatasetRequest(
                split: configuration.data.split, isEvaluated: configuration.training.evalEveryEpoch,
                maximumWords: configuration.data.maxToken,
                vocabulary: checkpoint?.vocabulary ?? start?.pieces,
                answers: list, knownAnswers: start?.knownAnswers, metric: request.metric,
                reservedWords: configuration.model.reservedWords),
            cache: request.cache, onNotice: request.onNotice)
    }

    private var imageSplits: [String] {
        get throws { try dataset.imageSplits(trainingOn: configuration.data.split) }
    }

    /// What makes batches to learn from, and of the val questions with their metric where those are wanted.
    private func builders(_ data: TrainingData) throws -> (
        training: BatchBuilder, validation: (questions: BatchBuilder, metric: any AnswerMetric)?
    ) {
        let evaluated = data.validation == nil ? [] : [type(of: dataset).evaluatedSplit]
        let pictures = try pictureFeatures(of: imageSplits + evaluated)
        func builder(_ examples: Examples, _ splits: [String]) throws -> BatchBuilder {
            try pictures?.requireAny(of: examples.imageIDs)
            var builder = try BatchBuilder(
                examples: examples, features: pictures ?? features(of: splits),
                answerCount: data.answers.count, featureWidth: configuration.data.imgFeatSize,
                maximumRegions: configuration.data.imgFeatPadSize, maximumWords: configuration.data.maxToken)
            builder.unreadable = request.skipsDamaged ? UnreadableImages() : nil
            return builder
        }
        let training = try builder(data.training, imageSplits)
        let validation = try data.validation.map { (try builder($0.examples, evaluated), $0.metric) }
        let stores = training.stores + (validation?.0.stores ?? [])
        try request.share.oncePerMachine {
            try FeatureCheck(
                skipsDamaged: request.skipsDamaged, memory: request.verifiedFiles, onNotice: request.onNotice
            )
            .check(stores, onProgress: request.onProgress, shouldStop: request.shouldStop)
        }
        try training.lookAtFirstImage()
        try validation?.0.lookAtFirstImage()
        return (training, validation)
    }

    private func features(of splits: [String]) throws -> any FeatureSource {
        try dataset.features(
            of: splits, maximumRegions: configuration.data.imgFeatPadSize, onNotice: request.onNotice)
    }

    /// The pictures of all splits, for a model that looks at them; nil for one that reads features made before.
    private func pictureFeatures(of splits: [String]) throws -> PictureFeatures? {
        guard let patches else {
            if request.pictures != nil {
                request.onNotice(
                    "--pictures changes nothing: \(configuration.model.name) reads features that were made before"
                )
            }
            return nil
        }
        return try DatasetPictures(dataset: dataset, folder: request.pictures).features(
            of: splits, width: configuration.data.imgFeatSize, skipsDamaged: request.skipsDamaged,
            cacheByteLimit: DatasetPictures.trainingCacheBytes
        ) { PatchExtractor(patches) }
    }

    /// Puts GloVe's vectors where they belong.
    private func startEmbedding(of model: any VQAModel, _ data: TrainingData) throws {
        guard configuration.training.useGlove else {
            if request.glove != nil { request.onNotice("--glove changes nothing: use_glove is false") }
            return
        }
        guard let embedding = model.wordEmbedding else {
            request.onNotice("\(configuration.model.name) has no word embedding, so GloVe is not used")
            return
        }
        guard let file = request.glove ?? GloVeFile.find(for: request.place) else {
            throw MissingGloVeError()
        }
        let width = embedding.weight.size(1)
        let vectors = try WordVectors(
            glove: file, vocabulary: data.vocabulary, dimension: width, cache: request.cache,
            onNotice: request.onNotice)
        request.onNotice(GloVeFile.coverage(of: data, by: vectors, file))
        let values = try Tensor(vectors.values, shape: [data.vocabulary.count, width])
        try withoutGradients { try embedding.weight.copy(from: values) }
    }
}

/// Annotations from which no answer list comes.
public struct EmptyAnswerListError: Error, Sendable, CustomStringConvertible {
    /// One line.
    public var description: String {
        "no answer is given more than 8 times in the annotations: --answers FILE names an answer list"
    }
}
