import Foundation
import Torch
import VQABatches
import VQADatasets
import VQAModels
import VQATraining

/// A checkpoint made ready to answer: the network, its words and its answers.
struct LoadedModel {
    let model: any VQAModel
    let device: Device
    let precision: Precision
    let configuration: Configuration
    let vocabulary: Vocabulary
    let answers: AnswerList
    let featureRecipe: String?

    /// - Parameters:
    ///   - checkpoint: Ours, which carries words and answers, or an official one, which does not.
    ///   - settings: Settings on top of the checkpoint's.
    ///   - dataset: Where words and answers come from when the checkpoint has none.
    ///   - answerFile: An answer list in the official form, where one was given.
    init(
        _ path: String, _ settings: ConfigurationOptions? = nil, dataset: OfficialDataset? = nil,
        answerFile: String? = nil, device: Device, precision: Precision
    ) throws {
        self.device = device
        self.precision = precision
        let checkpoint = try Checkpoint(contentsOf: path)
        let own = checkpoint.configuration ?? Configuration()
        configuration = try settings?.applied(to: own) ?? own
        vocabulary = try Self.vocabulary(checkpoint, path, dataset)
        answers = try Self.answers(checkpoint, path, dataset, answerFile)
        featureRecipe = checkpoint.featureRecipe
        model = try ModelRegistry.standard.make(
            configuration, wordCount: vocabulary.count, answerCount: answers.count)
        try CheckpointError.naming(path) { try model.load(checkpoint.weights) }
        try model.move(to: device)
        model.setTraining(false)
        if precision == .int8 { try model.roundToInt8() }
    }

    private static func vocabulary(_ checkpoint: Checkpoint, _ path: String, _ dataset: OfficialDataset?)
        throws -> Vocabulary
    {
        if let vocabulary = checkpoint.vocabulary { return vocabulary }
        guard let dataset else {
            throw CheckpointError(
                path: path, reason: "it has no words, and no --data was given to take them from")
        }
        return try dataset.notedVocabulary()
    }

    private static func answers(
        _ checkpoint: Checkpoint, _ path: String, _ dataset: OfficialDataset?, _ file: String?
    ) throws -> AnswerList {
        if let list = try AnswerListChoice.list(file: file, checkpoint: checkpoint.answers, of: path) {
            return list
        }
        guard let dataset else {
            throw CheckpointError(
                path: path, reason: "it has no answer list, and neither --answers nor --data was given")
        }
        return try dataset.answers()
    }

    /// The questions of a split, ready to be answered.
    func questions(_ dataset: OfficialDataset, _ split: DatasetSplit) throws -> BatchBuilder {
        try builder(
            dataset.examples(split, vocabulary: vocabulary, maximumWords: configuration.maxToken),
            of: dataset,
            split)
    }

    /// Some questions of a split, ready to be answered.
    func builder(_ examples: Examples, of dataset: OfficialDataset, _ split: DatasetSplit) throws
        -> BatchBuilder
    {
        dataset.noteFeaturePlaces([split])
        var builder = try BatchBuilder(
            examples: examples,
            features: dataset.features([split], maximumRegions: configuration.imgFeatPadSize),
            answerCount: answers.count, featureWidth: configuration.imgFeatSize,
            maximumRegions: configuration.imgFeatPadSize, maximumWords: configuration.maxToken)
        builder.isPinned = device != .cpu
        return builder
    }

    /// Answers the questions, showing how it goes.
    ///
    /// - Parameters:
    ///   - builder: The questions.
    ///   - logitsFile: Where the logits of every answer go too; nil for nowhere.
    func answer(_ builder: BatchBuilder, savingLogitsTo logitsFile: OutputPath? = nil) throws
        -> Predictor.Answers
    {
        guard let logitsFile else { return try answer(builder, onLogits: nil) }
        return try LogitsFile.write(
            of: builder.questionIDs, answerCount: answers.count, to: logitsFile.path
        ) { append in
            try withoutActuallyEscaping(append) { try answer(builder, onLogits: $0) }
        }
    }

    private func answer(_ builder: BatchBuilder, onLogits: ((Tensor) throws -> Void)?) throws
        -> Predictor.Answers
    {
        let interrupts = Interrupts {}
        let line = ProgressLine()
        let count = builder.count
        let answers = try Predictor(model, device: device, precision: precision, configuration)
            .answer(builder, onLogits: onLogits) { answered in
                line.show { "answering: \(answered) of \(count) questions" }
                return !interrupts.isRequested
            }
        Console.clearProgress()
        return answers
    }
}

extension OfficialDataset {
    /// The vocabulary of the question files; tells which of them it is made without.
    func notedVocabulary() throws -> Vocabulary {
        let vocabulary = try vocabulary()
        noteAbsentVocabulary()
        return vocabulary
    }

    /// Tells which question files the vocabulary is made without.
    func noteAbsentVocabulary() {
        let absent = absentVocabularySplits.map(\.rawValue)
        guard !absent.isEmpty else { return }
        Console.note(
            "the vocabulary is made without \(absent.joined(separator: ", ")): no such question file")
    }

    /// Says where features are read from that do not come from a folder of files, as anybody would expect.
    func noteFeaturePlaces(_ splits: [DatasetSplit]) {
        for place in featurePlaces(splits) {
            if case .folder(_, unfinishedStore: nil) = place { continue }
            Console.note("features from \(place)")
        }
    }
}
