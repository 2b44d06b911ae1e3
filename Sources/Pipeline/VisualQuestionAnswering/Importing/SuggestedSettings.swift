/// Settings for a dataset of few questions, on which the official ones, made for 444,000, hardly learn anything: a smaller
/// network, more epochs of smaller steps, a higher rate, and answers that are rare.
///
/// docs/own-data.md says what was measured with them.
package struct SuggestedSettings: Sendable, Equatable {
    /// How many questions an answer may be the most frequent one of and still be left out of the answer list.
    package let threshold: Int
    /// The settings by key, as `--set` takes them.
    package let settings: [(key: String, value: String)]

    /// From so many questions on, the official settings count, but for the network's inputs.
    private static let manyQuestions = 100_000

    /// - Parameter questions: How many questions there are to learn from.
    package init(questions: Int) {
        let inputs = [("img_feat_size", "80"), ("use_glove", "false")]
        guard questions < Self.manyQuestions else {
            (threshold, settings) = (8, inputs)
            return
        }
        let (epochs, decays, batchSize): (Int, String, Int) =
            switch questions {
            case ..<1_000: (40, "[30,36]", max(1, min(8, questions)))
            case ..<10_000: (20, "[15,18]", 16)
            // Those of Examples/easy-vqa.yaml.
            default: (9, "[7,8]", 64)
            }
        threshold =
            switch questions {
            case ..<100: 0
            case ..<1_000: 1
            case ..<10_000: 2
            default: 4
            }
        settings =
            inputs + [
                ("hidden_size", "128"), ("srwsa_layer", "1"), ("sgrwsa_layer", "1"),
                ("dropout_r", questions < 1_000 ? "0.1" : "0"),
                ("batch_size", "\(batchSize)"), ("lr_base", "4e-4"), ("max_epoch", "\(epochs)"),
                ("lr_decay_list", decays),
            ]
    }

    package static func == (left: Self, right: Self) -> Bool {
        left.threshold == right.threshold
            && left.settings.elementsEqual(right.settings) { $0 == $1 }
    }
}
