import Foundation
import TestSupport
import Torch
import VQABatches
import VQADatasets
import VQAModels
import VQATraining

/// The fixture of a whole run of the official release on a small dataset.
struct MiniDataset {
    let dataset: OfficialDataset
    let vocabulary: Vocabulary
    let answers: AnswerList
    var configuration: Configuration

    init() throws {
        dataset = try OfficialDataset(MiniRun.datasets)
        vocabulary = try dataset.vocabulary()
        answers = try AnswerList(contentsOf: MiniRun.answers)
        configuration = try Self.officialConfiguration()
    }

    /// The settings of the official run.
    private static func officialConfiguration() throws -> Configuration {
        var configuration = Configuration()
        for (key, value) in MiniRun.settings {
            try configuration.set(key, to: ConfigurationValue(parsing: value))
        }
        return configuration
    }

    func model() throws -> any VQAModel {
        try ModelRegistry.standard.make(
            configuration, wordCount: vocabulary.count, answerCount: answers.count)
    }

    func builder(_ examples: Examples, _ split: DatasetSplit) throws -> BatchBuilder {
        try BatchBuilder(
            examples: examples,
            features: dataset.features([split], maximumRegions: configuration.imgFeatPadSize),
            answerCount: answers.count, featureWidth: configuration.imgFeatSize,
            maximumRegions: configuration.imgFeatPadSize, maximumWords: configuration.maxToken)
    }

    func questions(_ split: DatasetSplit) throws -> BatchBuilder {
        try builder(
            dataset.examples(split, vocabulary: vocabulary, maximumWords: configuration.maxToken), split)
    }

    func setup(in folder: URL) throws -> Trainer.Setup {
        let examples = try dataset.trainingExamples(
            [.train], vocabulary: vocabulary, answers: answers, maximumWords: configuration.maxToken)
        return Trainer.Setup(
            model: try model(), configuration: configuration, device: .cpu,
            training: try builder(examples, .train),
            validation: (try questions(.val), AccuracyMetric(try dataset.annotations(.val))),
            vocabulary: vocabulary, answers: answers, featureRecipe: nil,
            folder: RunFolder(name: "mini", in: folder))
    }
}
