import Torch
import VQASettings
import VQATraining

/// Why the weights of a checkpoint do not fit the network that its settings, words and answers make.
enum UnfitCheckpoint {
    /// How many tensors have shapes that follow from words and answers: an embedding, a weight and a bias.
    private static let wordShapes = 3

    /// One line with the settings to choose, for a checkpoint that has none of its own and looks like one of another
    /// model; nil for others.
    ///
    /// - Parameters:
    ///   - mismatch: What does not fit.
    ///   - checkpoint: The checkpoint.
    ///   - configuration: The model that was chosen.
    static func reason(
        _ mismatch: StateMismatch, of checkpoint: Checkpoint, _ configuration: Configuration
    ) -> String? {
        if let reason = otherModel(checkpoint, configuration) { return reason }
        guard checkpoint.settings == nil,
            let likeness = configuration.likeness(of: checkpoint.weights.mapValues(\.shape))
        else { return nil }
        let values = configuration.dictionary
        let isChosen =
            likeness.preset == configuration.model.name
            && likeness.settings.allSatisfy { values[$0.key] == $0.value }
        // With other words and answers than it was trained with, the model may be the right one with sizes of one's own.
        let differsInWordsAlone =
            mismatch.missing.isEmpty && mismatch.unknown.isEmpty && mismatch.differing.count <= wordShapes
        guard !isChosen, !differsInWordsAlone else { return nil }
        let chosen = [("model", SettingValue.string(likeness.preset))] + likeness.settings
        let name = configuration.model.name
        return "its tensors are not those of \(name), but look like those of \(likeness.preset): "
            + chosen.map { "--set \($0.0)=\($0.1)" }.joined(separator: " ")
    }

    /// One line for a checkpoint whose settings name another model than the one that was chosen; nil for others.
    private static func otherModel(_ checkpoint: Checkpoint, _ configuration: Configuration) -> String? {
        guard case .string(let model)? = checkpoint.settings?["model"], model != configuration.model.name
        else { return nil }
        return "it is a checkpoint of \(model), whose tensors do not fit \(configuration.model.name): leave "
            + "model=\(configuration.model.name) out"
    }

    /// One line.
    ///
    /// - Parameters:
    ///   - mismatch: What does not fit.
    ///   - wordCount: How many words there are where they are not the checkpoint's own; nil else.
    ///   - answerCount: How many answers there are where they are not the checkpoint's own; nil else.
    static func reason(_ mismatch: StateMismatch, wordCount: Int?, answerCount: Int?) -> String {
        switch otherCount(mismatch, wordCount: wordCount, answerCount: answerCount) {
        case .words(let own):
            "it knows \(own) words, and the question files have \(wordCount ?? 0): expected the files that it "
                + "was trained with, all of them and unchanged"
        case .answers(let own):
            "it chooses from \(own) answers, and the list has \(answerCount ?? 0): expected the answer list that "
                + "it was trained with (--answers)"
        case nil: "\(mismatch)"
        }
    }

    /// How many words or answers weights have, where they differ from others in that.
    enum OtherCount {
        case words(Int)
        case answers(Int)
    }

    /// What words or answers the weights have in place of those that are given; nil where they differ otherwise.
    static func otherCount(_ mismatch: StateMismatch, wordCount: Int?, answerCount: Int?) -> OtherCount? {
        guard mismatch.missing.isEmpty, mismatch.unknown.isEmpty else { return nil }
        for difference in mismatch.differing {
            guard let expected = difference.expected.first, let found = difference.found.first,
                expected != found, difference.expected.dropFirst() == difference.found.dropFirst()
            else { continue }
            if expected == wordCount { return .words(found) }
            if expected == answerCount { return .answers(found) }
        }
        return nil
    }
}
