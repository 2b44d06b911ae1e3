import Foundation

/// The files and settings of `Fixtures/mini`: a whole run of the official release on a small dataset.
public enum MiniRun {
    /// The folder of the fixture.
    public static let root = Fixtures.url("mini")
    /// The dataset, in the official layout.
    public static let datasets = root.appending(component: "datasets")
    /// The answer list.
    public static let answers = root.appending(component: "answer_dict.json")
    /// Word vectors of the questions' words.
    public static let glove = root.appending(component: "glove.mini.300d.txt")

    /// The official checkpoint after an epoch.
    public static func checkpoint(_ epoch: Int) -> URL {
        root.appending(components: "ckpts", "epoch\(epoch).pkl")
    }

    /// What the official run gave.
    public static func expected(_ name: String) -> URL { root.appending(components: "expected", name) }

    /// The settings of the official run, as YAML and the command line spell them.
    public static let settings: KeyValuePairs = [
        "hidden_size": "32", "multi_head": "4", "srwsa_layer": "2", "sgrwsa_layer": "2",
        "srwsa_midsize": "4", "sgrwsa_sa_midsize": "8", "sgrwsa_ga_midsize": "16", "flat_mlp_size": "16",
        "flat_out_size": "64", "img_feat_size": "24", "img_feat_pad_size": "40", "batch_size": "16",
        "lr_base": "0.001", "lr_decay_list": "[3, 4]", "max_epoch": "5", "dropout_r": "0",
        "shuffle": "false", "num_workers": "2",
    ]

    /// One epoch of `expected/epochs.json`.
    public struct Epoch: Decodable, Sendable {
        /// The epoch, counted from 1.
        public let epoch: Int
        /// The summed loss divided by the number of questions.
        public let loss: Double
        /// The learning rate of its last step.
        public let lr: Double
        /// The accuracy on val in percent.
        public let overall: Double
        /// The same by answer type.
        public let perAnswerType: [String: Double]
    }

    /// What the official run logged after each epoch.
    public static func epochs() throws -> [Epoch] {
        try JSONDecoder().decode([Epoch].self, from: Data(contentsOf: expected("epochs.json")))
    }
}
