import TestSupport
import Testing
import VQADatasets
import VQASettings
import VisualQuestionAnswering

/// Settings by key, as files and the command line give them.
@Suite struct ConfigurationTests {
    @Test("the keys are the official names in lower case, and some of our own")
    func keys() {
        #expect(
            Set(Configuration().keys) == [
                "srwsa_layer", "sgrwsa_layer", "hidden_size", "multi_head", "dropout_r", "flat_mlp_size",
                "flat_out_size", "srwsa_midsize", "sgrwsa_sa_midsize", "sgrwsa_ga_midsize",
                "word_embed_size", "max_token", "img_feat_pad_size", "img_feat_size", "use_glove",
                "batch_size", "grad_accu_steps", "lr_base", "lr_decay_r", "lr_decay_list", "max_epoch",
                "opt_betas", "opt_eps", "eval_every_epoch", "seed", "num_workers", "split", "shuffle",
                "model", "dataset", "optimizer", "lr_schedule", "weight_decay", "warmup_ratio",
            ])
        #expect(Configuration().keys.count == Set(Configuration().keys).count)
    }

    @Test("the defaults are the official ones")
    func defaults() {
        let values = Dictionary(uniqueKeysWithValues: Configuration().values.map { ($0.key, "\($0.value)") })
        let official = [
            "srwsa_layer": "3", "sgrwsa_layer": "3", "hidden_size": "512", "multi_head": "4",
            "dropout_r": "0.1", "flat_mlp_size": "256", "flat_out_size": "1024", "srwsa_midsize": "4",
            "sgrwsa_sa_midsize": "16", "sgrwsa_ga_midsize": "64", "word_embed_size": "300", "max_token": "16",
            "img_feat_pad_size": "100", "img_feat_size": "2048", "use_glove": "true", "batch_size": "64",
            "grad_accu_steps": "1", "lr_base": "0.0001", "lr_decay_r": "0.2", "lr_decay_list": "[12, 14]",
            "max_epoch": "16", "opt_betas": "[0.9, 0.98]", "opt_eps": "1e-09", "eval_every_epoch": "true",
            "seed": "null", "num_workers": "4", "split": "train", "shuffle": "true", "model": "rwsan",
            "dataset": "vqa-v2", "optimizer": "adam", "lr_schedule": "steps", "weight_decay": "0.01",
            "warmup_ratio": "0.1",
        ]
        #expect(values == official)
    }

    @Test("every setting that is written can be read back")
    func roundTrip() throws {
        var original = Configuration()
        try original.set("seed", to: .int(11))
        try original.set("lr_decay_list", to: .list([]))
        try original.set("dropout_r", to: .int(0))
        var copy = Configuration()
        for (key, value) in original.values {
            try copy.set(key, to: SettingValue(parsing: "\(value)"))
        }
        #expect(copy == original)
    }

    @Test(
        "an unknown key is refused with the nearest one",
        arguments: [
            ("hiden_size", "hidden_size"), ("HIDDEN_SIZE", "hidden_size"), ("lr", "lr_base"),
            ("batchsize", "batch_size"), ("sgrwsa_ga_midsise", "sgrwsa_ga_midsize"),
        ])
    func unknownKey(key: String, nearest: String) throws {
        var configuration = Configuration()
        let error = #expect(throws: ConfigurationError.self) { try configuration.set(key, to: .int(1)) }
        let text = try #require(error).description
        #expect(text.contains(key) && text.hasSuffix("the nearest is \(nearest)"), "\(text)")
        #expect(configuration == Configuration())
    }

    @Test(
        "a value of the wrong type or out of range is refused, and nothing changes",
        arguments: [
            ("hidden_size", "big"), ("hidden_size", "0"), ("hidden_size", "1.5"), ("hidden_size", "true"),
            ("hidden_size", "9223372036854775807"), ("hidden_size", "[512]"), ("hidden_size", "null"),
            ("num_workers", "257"), ("dropout_r", "1"), ("dropout_r", "-0.1"), ("dropout_r", "nan"),
            ("lr_base", "inf"), ("lr_base", "1e999"), ("lr_base", "fast"), ("shuffle", "1"),
            ("lr_decay_list", "3"), ("lr_decay_list", "[1.5]"), ("lr_decay_list", "[-1]"),
            ("opt_betas", "[0.9, 1]"), ("opt_betas", "[a]"), ("seed", "-1"), ("seed", "x"), ("split", "3"),
        ])
    func wrongValue(key: String, text: String) throws {
        var configuration = Configuration()
        let error = #expect(throws: ConfigurationError.self) {
            try configuration.set(key, to: SettingValue(parsing: text))
        }
        #expect(try #require(error).key == key)
        #expect(try #require(error).reason.contains("expected"))
        #expect(configuration == Configuration())
    }

    @Test("a whole number is a number too")
    func wholeForNumber() throws {
        var configuration = Configuration()
        try configuration.set("lr_base", to: .int(1))
        #expect(configuration.training.lrBase == 1)
    }

    @Test(
        "settings that do not fit one another are refused by the key at fault",
        arguments: [
            ("hidden_size", "30", "hidden_size"), ("grad_accu_steps", "3", "grad_accu_steps"),
            ("opt_betas", "[0.9]", "opt_betas"),
        ])
    func unfit(key: String, text: String, fault: String) throws {
        var configuration = Configuration()
        try configuration.validate()
        try configuration.set(key, to: SettingValue(parsing: text))
        let error = #expect(throws: ConfigurationError.self) { try configuration.validate() }
        #expect(try #require(error).key == fault)
    }

    @Test("a model that is not there is refused with the names of those that are")
    func unknownModel() throws {
        var configuration = Configuration()
        let error = #expect(throws: ConfigurationError.self) {
            try configuration.set("model", to: "transformer")
        }
        #expect(try #require(error).description.contains("rwsan"))
    }

    @Test("another model or dataset keeps what was set before, whichever came first")
    func keepsWhatWasSet() throws {
        var configuration = Configuration()
        try configuration.set("batch_size", to: .int(64))
        try configuration.set("hidden_size", to: .int(128))
        try configuration.set("max_epoch", to: .int(3))
        try configuration.set("model", to: "mcan_small")
        try configuration.set("dataset", to: "easy-vqa")
        var other = Configuration()
        try other.apply([
            ("max_epoch", .int(3)), ("hidden_size", .int(128)), ("dataset", "easy-vqa"),
            ("batch_size", .int(64)),
            ("model", "mcan_small"),
        ])
        #expect(configuration == other)
        #expect(configuration.dictionary["batch_size"] == .int(64))
        #expect(configuration.dictionary["img_feat_size"] == .int(112), "the dataset's own default")
    }

    @Test("what was set for one model and is no setting of the next is refused by its key")
    func unknownToTheNext() throws {
        var configuration = Configuration()
        try configuration.set("srwsa_layer", to: .int(2))
        let error = #expect(throws: ConfigurationError.self) {
            try configuration.set("model", to: "mcan_small")
        }
        #expect(try #require(error).key == "srwsa_layer")
        #expect(try #require(error).reason.contains("rwsan on vqa-v2"))
        #expect(configuration.dictionary["model"] == "rwsan")
    }

    @Test("a key that stands far from all others has no nearest")
    func noNearest() throws {
        var configuration = Configuration()
        let error = #expect(throws: ConfigurationError.self) { try configuration.set("zzz", to: .int(1)) }
        #expect(try #require(error).reason == "no such key")
    }

    @Test("a key that a model and its dataset both have is refused")
    func clashingKeys() throws {
        let error = #expect(throws: ConfigurationError.self) {
            try Configuration(models: .standard, datasets: DatasetRegistry([ClashingDataset.self]))
        }
        #expect(try #require(error).key == "hidden_size")
        #expect(try #require(error).reason.contains("rwsan, clashing and training"))
    }

    private func error(of yaml: some Sequence<UInt8>) throws -> SettingsFileError? {
        let folder = try TemporaryFolder()
        let file = try folder.write("a.yaml", yaml)
        var configuration = Configuration()
        let error = #expect(throws: SettingsFileError.self) { try configuration.apply(contentsOf: file) }
        #expect(error?.file == file && error?.description.contains("\n") == false)
        return error
    }

    @Test("a file that unfolds to more values than there are settings is refused before it does")
    func unfoldingFile() throws {
        func level(_ number: Int) -> String {
            let uses = (0..<10).map { _ in "*a\(number - 1)" }.joined(separator: ",")
            return "a\(number): &a\(number) [\(uses)]\n"
        }
        let levels = "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n" + (1...9).map(level).joined()
        #expect(try error(of: levels.utf8)?.reason.contains("unfolds to at most 10000 values") == true)
        // Keys are compared as the file is parsed.
        let key = levels + "? *a9\n: 1\n"
        #expect(try error(of: key.utf8)?.reason.contains("unfolds to at most 10000 values") == true)
        let many = "lr_decay_list: [" + String(repeating: "1,", count: 10_000) + "1]"
        #expect(try error(of: many.utf8)?.reason.contains("found more") == true)
    }

    @Test("lists that lie deep in one another, files that are too long or no text, and devices are refused")
    func strangeFiles() throws {
        let deep = "seed: " + String(repeating: "[", count: 500) + String(repeating: "]", count: 500)
        #expect(try error(of: deep.utf8)?.reason.contains("at most 8 deep") == true)
        let long = String(repeating: "# a comment\n", count: 10_000)
        #expect(try error(of: long.utf8)?.reason.contains("at most 65536 bytes") == true)
        #expect(try error(of: [0x61, 0x3A, 0x20, 0xFF])?.reason.contains("UTF-8") == true)
        var configuration = Configuration()
        #expect(throws: SettingsFileError.self) { try configuration.apply(contentsOf: "/dev/zero") }
    }

    @Test("a value may stand for another one in a file of settings, and a star in a comment for nothing")
    func aliases() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write(
            "a.yaml", "# *the* widths, 2*3\nhidden_size: &width 64\nflat_mlp_size: *width\n")
        var configuration = Configuration()
        try configuration.apply(contentsOf: file)
        #expect(configuration.dictionary["flat_mlp_size"] == 64)
    }
}

/// A dataset with a key of the model's.
private final class ClashingDataset: OfficialFormDataset {
    static let name = "clashing"
    static let summary = "For a test."
    let files: OfficialDataset

    init(at place: DatasetPlace) throws { files = try OfficialDataset(at: place) }

    struct Options: DatasetOptions {
        var split = "train"
        var maxToken = 16
        var imgFeatSize = 8
        var imgFeatPadSize = 8
        static let settings: [Setting<Self>] = [
            .count("hidden_size", \.imgFeatSize, "How wide the features of a region are.")
        ]
    }
}
