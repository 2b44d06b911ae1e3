import Testing
import VQADatasets
import VQAModels
import VisualQuestionAnswering

/// The models that come with the package, as configurations name them.
@Suite struct ModelPresetTests {
    @Test(
        "every preset makes a valid configuration on every dataset, and is read back from its settings",
        arguments: ModelRegistry.standard.names, DatasetRegistry.standard.names)
    func everyPreset(name: String, dataset: String) throws {
        var configuration = Configuration()
        try configuration.apply([("model", .string(name)), ("dataset", .string(dataset))])
        try configuration.validate()
        #expect(configuration.model.name == name && configuration.dataset == dataset)
        var copy = Configuration()
        try copy.apply(configuration.values)
        #expect(copy == configuration)
    }

    @Test("another dataset leaves the model's options as they have been set")
    func otherDataset() throws {
        var configuration = Configuration()
        try configuration.set("model", to: "mcan_small")
        try configuration.set("hidden_size", to: 64)
        try configuration.set("dataset", to: "easy-vqa")
        let values = Dictionary(uniqueKeysWithValues: configuration.values.map { ($0.key, $0.value) })
        #expect(values["hidden_size"] == 64 && values["ff_size"] == 2048)
        #expect(values["max_token"] == 14 && values["use_glove"] == false)
    }

    @Test(
        "the presets of MCAN have the official settings of the model, its data and its training",
        arguments: [
            ("mcan_small", ["512", "2048", "1024", "1", "0.0001", "train", "openvqa"]),
            ("mcan_large", ["1024", "4096", "2048", "2", "7e-05", "train", "openvqa"]),
            ("mcan_release_small", ["512", "2048", "1024", "1", "0.0001", "train+val+vg", "mcan-vqa"]),
            ("mcan_release_large", ["1024", "4096", "2048", "2", "5e-05", "train+val+vg", "mcan-vqa"]),
        ])
    func mcan(name: String, own: [String]) throws {
        var configuration = Configuration()
        try configuration.set("model", to: .string(name))
        let values = Dictionary(uniqueKeysWithValues: configuration.values.map { ($0.key, "\($0.value)") })
        let keys = [
            "hidden_size", "ff_size", "flat_out_size", "grad_accu_steps", "lr_base", "split", "release",
        ]
        #expect(keys.map { values[$0] } == own)
        let common = [
            "layer": "6", "multi_head": "8", "dropout_r": "0.1", "flat_mlp_size": "512",
            "flat_glimpses": "1", "use_bbox_feat": "false", "bboxfeat_emb_size": "2048",
            "word_embed_size": "300", "max_token": "14", "img_feat_pad_size": "100",
            "img_feat_size": "2048", "batch_size": "64", "lr_decay_r": "0.2", "lr_decay_list": "[10, 12]",
            "max_epoch": "13", "opt_betas": "[0.9, 0.98]", "opt_eps": "1e-09",
        ]
        for (key, value) in common { #expect(values[key] == value, "\(key)") }
    }
}
