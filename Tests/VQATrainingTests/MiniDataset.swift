import Foundation
import TestSupport
import Torch
import VQAData
import VQAModels
import VQATraining

/// The fixture of a whole run of the official release on a small dataset.
struct MiniDataset {
    static let root = Fixtures.url("mini")

    static func checkpoint(_ epoch: Int) -> String {
        root.appending(components: "ckpts", "epoch\(epoch).pkl").path
    }

    let dataset: OfficialDataset
    let vocabulary: Vocabulary
    let answers: AnswerList
    var configuration: Configuration

    init() throws {
        dataset = try OfficialDataset(Self.root.appending(component: "datasets"))
        vocabulary = try dataset.vocabulary()
        answers = try AnswerList(contentsOf: Self.root.appending(component: "answer_dict.json"))
        configuration = try Self.officialConfiguration()
    }

    /// The settings of the official run.
    private static func officialConfiguration() throws -> Configuration {
        var configuration = Configuration()
        for (key, value) in [
            "hidden_size": "32", "multi_head": "4", "srwsa_layer": "2", "sgrwsa_layer": "2",
            "srwsa_midsize": "4", "sgrwsa_sa_midsize": "8", "sgrwsa_ga_midsize": "16", "flat_mlp_size": "16",
            "flat_out_size": "64", "img_feat_size": "24", "img_feat_pad_size": "40", "batch_size": "16",
            "lr_base": "0.001", "lr_decay_list": "[3, 4]", "max_epoch": "5", "dropout_r": "0",
            "shuffle": "false", "num_workers": "2",
        ] {
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
