import Foundation
import VQADatasets
import VQASettings
import VQATraining

/// What there is to say of a run: its settings, how it went, what it cost, and what its model answers.
public struct RunReport: Sendable, Encodable {
    /// What the run cost.
    public struct Cost: Sendable, Encodable {
        /// How long the epochs took together, in seconds; evaluation is not in it.
        public let seconds: Double
        /// How many questions were learned from each second, on average.
        public let questionsPerSecond: Double
        /// Which share of that was spent waiting for data, from 0 to 1; nil where that was not measured.
        public let waitingShare: Double?
        /// How many steps were made; nil where that is not known.
        public let steps: Int?
        /// The size of the checkpoint, in bytes.
        public let checkpointBytes: Int

        enum CodingKeys: String, CodingKey {
            case seconds, steps
            case questionsPerSecond = "questions_per_second"
            case waitingShare = "waiting_share"
            case checkpointBytes = "checkpoint_bytes"
        }
    }

    /// What the run is called, with the epoch of the checkpoint.
    public let name: String
    /// The checkpoint's path.
    public let checkpoint: String
    /// The model's name.
    public let model: String
    /// Every setting by key.
    public let settings: [String: SettingValue]
    /// How many numbers the model has learned.
    public let parameters: Int
    /// How many words it knows.
    public let words: Int
    /// How many answers it chooses from.
    public let answers: Int
    /// The epochs up to the checkpoint.
    public let epochs: [EpochRecord]
    /// What the run cost; nil where nothing is noted of its epochs.
    public let cost: Cost?
    /// What the model answers; nil where it was not asked.
    public let evaluation: EvaluationReport?

    /// - Parameters:
    ///   - answerer: The checkpoint's model.
    ///   - examination: Its answers; nil for none.
    /// - Throws: `CheckpointError` where the epochs beside the checkpoint cannot be read; what reading pictures and features
    ///   of questions that are shown throws.
    public init(_ answerer: Answerer, _ examination: Answerer.Examination?) throws {
        checkpoint = answerer.path
        let training = answerer.training
        epochs =
            try training.map { training in
                try RunFolder.records(beside: answerer.path).filter { $0.epoch <= training.epoch }
            } ?? []
        name = Self.name(of: answerer.path)
        model = answerer.configuration.model.name
        settings = answerer.configuration.dictionary
        parameters = answerer.model.parameters().reduce(0) { $0 + $1.count }
        (words, answers) = (answerer.vocabulary.count, answerer.answers.count)
        cost = Self.cost(epochs, training?.step, answerer.path)
        evaluation = try examination.map { try EvaluationReport($0, by: answerer) }
    }

    /// `ckpts/ckpt_mine/epoch3.safetensors` is `mine, epoch3`.
    static func name(of checkpoint: String) -> String {
        let file = URL(fileURLWithPath: checkpoint)
        let folder = file.deletingLastPathComponent().lastPathComponent
        let name = file.deletingPathExtension().lastPathComponent
        return folder.hasPrefix("ckpt_") ? "\(folder.dropFirst(5)), \(name)" : file.lastPathComponent
    }

    private static func cost(_ epochs: [EpochRecord], _ steps: Int?, _ checkpoint: String) -> Cost? {
        guard !epochs.isEmpty else { return nil }
        let seconds = epochs.reduce(0) { $0 + $1.seconds }
        let waiting = epochs.compactMap { epoch in epoch.waitingShare.map { $0 * epoch.seconds } }
        let attributes = try? FileManager.default.attributesOfItem(atPath: checkpoint)
        return Cost(
            seconds: seconds,
            questionsPerSecond: epochs.reduce(0) { $0 + $1.questionsPerSecond * $1.seconds }
                / max(seconds, 1e-9),
            waitingShare: waiting.count == epochs.count ? waiting.reduce(0, +) / max(seconds, 1e-9) : nil,
            steps: steps, checkpointBytes: attributes?[.size] as? Int ?? 0)
    }
}
