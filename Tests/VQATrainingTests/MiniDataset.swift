import Foundation
import TestSupport
import Torch
import VQABatches
import VQADatasets
import VQAModels
import VQASettings
import VQATraining

/// The fixture of a whole run of the official release on a small dataset.
struct MiniDataset {
    let dataset: OfficialDataset
    let vocabulary: Vocabulary
    let answers: AnswerList
    private(set) var options = RWSANOptions()
    private(set) var data = VQAv2Dataset.Options()
    var training = TrainingOptions()

    init(dropout: Double = 0) throws {
        dataset = try OfficialDataset(MiniRun.datasets)
        vocabulary = try dataset.vocabulary()
        answers = try AnswerList(contentsOf: MiniRun.answers)
        for (key, text) in MiniRun.settings {
            let value = SettingValue(parsing: text)
            if try options.setIfKnown(key, to: value) || data.setIfKnown(key, to: value) { continue }
            try training.set(key, to: value)
        }
        options.dropoutR = dropout
    }

    func model() throws -> any VQAModel {
        try RWSAN(
            options,
            inputs: ModelInputs(
                wordCount: vocabulary.count, answerCount: answers.count, regionWidth: data.imgFeatSize))
    }

    func builder(_ examples: Examples, _ split: DatasetSplit) throws -> BatchBuilder {
        try BatchBuilder(
            examples: examples,
            features: dataset.features([split], maximumRegions: data.imgFeatPadSize),
            answerCount: answers.count, featureWidth: data.imgFeatSize,
            maximumRegions: data.imgFeatPadSize, maximumWords: data.maxToken)
    }

    func questions(_ split: DatasetSplit) throws -> BatchBuilder {
        try builder(
            dataset.examples(split, vocabulary: vocabulary, maximumWords: data.maxToken), split)
    }

    func setup(in folder: URL) throws -> Trainer.Setup {
        let examples = try dataset.trainingExamples(
            [.train], vocabulary: vocabulary, answers: answers, maximumWords: data.maxToken)
        return Trainer.Setup(
            model: try model(), makeCopy: { try model() }, options: training, device: .cpu,
            training: try builder(examples, .train),
            validation: (try questions(.val), AccuracyMetric(try dataset.annotations(.val))),
            vocabulary: vocabulary, answers: answers, featureRecipe: nil,
            folder: RunFolder(name: "mini", in: folder))
    }
}
