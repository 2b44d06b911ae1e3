import Foundation
import Torch
import VQATraining

/// The settings that a run was to go on with, held against those that its checkpoint was made with.
struct ResumedSettings {
    /// The settings of the run that goes on.
    let configuration: Configuration
    /// Its checkpoint.
    let checkpoint: Checkpoint
    /// What was asked for. The settings in it count only where the checkpoint has none.
    let request: TrainingRun.Request

    /// What was asked for and changes nothing, a line each.
    var withoutEffect: [String] {
        var lines: [String] = []
        if isChanged("seed"), let seed = configuration.training.seed, let state = checkpoint.training,
            UInt64(exactly: seed) != state.seed
        {
            lines.append(
                "seed = \(seed) changes nothing: the run goes on with the random numbers of its checkpoint, whose "
                    + "seed is \(state.seed)")
        }
        if isChanged("use_glove"), difference("use_glove") != nil {
            lines.append(
                "use_glove = \(configuration.training.useGlove) changes nothing: the word embedding is that of the "
                    + "checkpoint")
        }
        let overruled = request.configuration.changedKeys.filter { checkpoint.settings?[$0] != nil }.sorted()
        if !overruled.isEmpty {
            lines.append(
                "\(overruled.joined(separator: ", ")) in the request's configuration: without effect, for the "
                    + "checkpoint's count; changeSettings changes those")
        }
        if request.glove != nil {
            lines.append("--glove changes nothing: the word embedding is that of the checkpoint")
        }
        return lines
    }

    /// What another `batch_size` moves; nil where it is the same.
    ///
    /// - Parameter questionCount: How many questions an epoch has.
    func movedSchedule(ofQuestions questionCount: Int) -> String? {
        guard let state = checkpoint.training, state.step > 0,
            let change = difference("batch_size"), configuration.training.batchSize > 0
        else { return nil }
        let epochs =
            Double(state.step) * Double(configuration.training.batchSize) / Double(max(1, questionCount))
        return
            "\(change): the learning rate goes on from step \(state.step), which is \(rounded(epochs)) epochs here and "
            + "was \(state.epoch) there, so that a warm-up ends at another epoch"
    }

    /// What another `max_epoch` moves; nil where it is the same, or the learning rate does not go by it.
    var movedEnd: String? {
        guard configuration.training.lrSchedule == ScheduleChoice.linear.name,
            (checkpoint.training?.step ?? 0) > 0, let change = difference("max_epoch")
        else { return nil }
        return
            "\(change): the learning rate goes on as if the run had been to end there from its first step on"
    }

    private func rounded(_ number: Double) -> String { String(format: "%.2f", number) }

    /// Loads the checkpoint, and where its weights do not fit, names the settings that they would fit with.
    ///
    /// - Throws: `CheckpointError`; what `load` throws else.
    func explaining(_ load: () throws -> Void) throws {
        do {
            try load()
        } catch let mismatch as StateMismatch {
            let differences = configuration.keys.filter(isChanged).compactMap(difference)
            if let reason = UnfitCheckpoint.reason(mismatch, of: checkpoint, configuration) {
                throw UnfitModel(reason: reason)
            }
            guard !differences.isEmpty else { throw mismatch }
            throw UnfitSettings(differences: differences, cause: mismatch)
        }
    }

    private func isChanged(_ key: String) -> Bool { configuration.changedKeys.contains(key) }

    /// A setting that has another value than in the checkpoint: `hidden_size = 64, where it has 32`; nil for one that has
    /// the same, or that the checkpoint does not tell of.
    private func difference(_ key: String) -> String? {
        guard let before = checkpoint.settings?[key], let now = configuration.dictionary[key], before != now
        else { return nil }
        return "\(key) = \(now), where it has \(before)"
    }
}

/// Settings of a network that a checkpoint's weights do not fit.
private struct UnfitSettings: Error, CustomStringConvertible {
    let differences: [String]
    let cause: StateMismatch

    var description: String {
        "it cannot go on with \(differences.joined(separator: "; ")): \(cause)"
    }
}

/// A model that is not the checkpoint's.
private struct UnfitModel: Error, CustomStringConvertible {
    let reason: String
    var description: String { reason }
}
