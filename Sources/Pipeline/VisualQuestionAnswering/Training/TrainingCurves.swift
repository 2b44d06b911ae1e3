import Foundation
import TensorBoardEvents
import VQASettings
import VQATraining

/// What TensorBoard shows of a run, in event files beside its checkpoints.
///
/// All values are at the run's steps, those of epochs too, so that a run that goes on takes back what comes after the
/// checkpoint that it goes on from. An event file that cannot be written is told once, and the run goes on without.
final class TrainingCurves {
    private let onNotice: (String) -> Void
    private var writer: EventWriter?
    /// What is shown after each epoch, made when the first one ends; nil for nothing.
    private lazy var questions = Result { try makeQuestions() }
    private let makeQuestions: () throws -> ShownQuestions?
    private var showsQuestions = true

    /// How many steps apart the values of steps are; those of the last step of an epoch come besides.
    static let interval = 20

    /// - Parameters:
    ///   - folder: Where the run's files are, which are there.
    ///   - summary: What the run is made of.
    ///   - step: How many steps the run has made.
    ///   - questions: Makes what is shown after each epoch; nil for nothing.
    ///   - onNotice: Told in one line that there will be no more.
    convenience init(
        _ folder: RunFolder, _ summary: TrainingRun.Summary, afterStep step: Int,
        questions: @escaping () throws -> ShownQuestions?, onNotice: @escaping (String) -> Void
    ) {
        self.init(questions: questions, onNotice: onNotice) {
            try folder.create()
            // The checkpoint before the first step is the whole of a run that is new.
            let writer = try EventWriter(in: folder.checkpoints, from: step == 0 ? 0 : step + 1)
            try writer.begin(Self.settings(of: summary), checkpoints: folder.checkpoints.path)
            return writer
        }
    }

    init(
        questions: @escaping () throws -> ShownQuestions? = { nil }, onNotice: @escaping (String) -> Void,
        _ begin: () throws -> EventWriter
    ) {
        self.onNotice = onNotice
        makeQuestions = questions
        attempt { writer = try begin() }
    }

    /// Takes down what belongs into curves.
    ///
    /// - Parameters:
    ///   - event: What has happened.
    ///   - step: How many steps the run has made.
    func add(_ event: TrainingEvent, step: Int) {
        guard let writer else { return }
        attempt {
            switch event {
            case .step(let progress):
                guard progress.step % Self.interval == 0 || progress.step == progress.stepCount else {
                    return
                }
                try writer.add(Self.values(of: progress), step: step)
            case .epoch(let record, _):
                try writer.add(Self.values(of: record), step: step)
                for (tag, picture) in pictures() { try writer.add(picture, tag: tag, step: step) }
            case .evaluating: return
            }
        }
    }

    /// The questions that are shown, as they are answered now; none where that has failed before.
    private func pictures() -> [(tag: String, picture: EventWriter.Picture)] {
        guard showsQuestions else { return [] }
        do {
            return try questions.get()?.pictures() ?? []
        } catch {
            showsQuestions = false
            onNotice("\(error); the run goes on, and TensorBoard will show no pictures of it")
            return []
        }
    }

    /// Says that the run is finished.
    func finish() {
        guard let writer else { return }
        attempt { try writer.finish() }
    }

    /// A run is worth more than its curves.
    private func attempt(_ write: () throws -> Void) {
        do {
            try write()
        } catch {
            writer = nil
            onNotice("\(error); the run goes on, and TensorBoard will not show the rest of it")
        }
    }

    private typealias Value = (tag: String, value: Double)

    private static func values(of progress: StepProgress) -> [Value] {
        [
            ("step/loss", progress.loss), ("step/learning_rate", progress.learningRate),
            ("step/questions_per_second", progress.questionsPerSecond),
            ("step/waiting_share", progress.waitingShare),
        ] + (progress.gradientNorm.map { [("step/gradient_norm", $0)] } ?? [])
    }

    private static func values(of record: EpochRecord) -> [Value] {
        let figures: [(String, Double?)] = [
            ("epoch/number", Double(record.epoch)), ("epoch/loss", record.loss),
            ("epoch/learning_rate", record.lr), ("epoch/gradient_norm", record.gradientNorm),
            ("epoch/questions_per_second", record.questionsPerSecond),
            ("epoch/waiting_share", record.waitingShare), ("epoch/seconds", record.seconds),
            ("accuracy/overall", record.overall),
        ]
        let types = (record.perAnswerType ?? [:]).sorted { $0.key < $1.key }
        return figures.compactMap { tag, value in value.map { (tag, $0) } }
            + types.map { ("accuracy/\($0.key)", $0.value) }
    }

    private static func settings(of summary: TrainingRun.Summary) -> [String: EventWriter.Setting] {
        var settings = summary.configuration.compactMapValues(setting)
        settings["seed"] = .number(Double(summary.seed))
        settings["precision"] = .text(summary.precision)
        settings["parameters"] = .number(Double(summary.parameters))
        return settings
    }

    private static func setting(_ value: SettingValue) -> EventWriter.Setting? {
        switch value {
        case .bool(let flag): .flag(flag)
        case .int(let number): .number(Double(number))
        case .double(let number): .number(number)
        case .string, .list: .text(value.description)
        case .null: nil
        }
    }
}
