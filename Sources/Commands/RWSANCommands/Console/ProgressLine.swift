import Foundation
import VQATraining
import VisualQuestionAnswering

/// Shows how a run goes: on a terminal one line that changes, else a plain line now and then.
final class ProgressLine {
    private let showsSteps: Bool
    private let pace = Pace()

    /// - Parameter showsSteps: Whether what happens within an epoch is shown.
    init(showsSteps: Bool = true) {
        self.showsSteps = showsSteps
    }

    /// How often it is told how far something has come.
    final class Pace {
        private let clock = ContinuousClock()
        private var last: ContinuousClock.Instant?

        /// How long a plain line stands alone, and how long a changing one stays as it is.
        private var interval: Duration { Console.isTerminal ? .milliseconds(200) : .seconds(15) }

        /// Whether it is time to tell; the next time counts from then.
        func isDue(isLast: Bool = false) -> Bool {
            let now = clock.now
            if let last, now - last < interval, !isLast { return false }
            // Without a terminal, the first line would come at once with figures of a single step.
            defer { last = now }
            return last != nil || Console.isTerminal || isLast
        }

        /// Begins anew, as after something else was told.
        func restart() { last = nil }
    }

    /// Shows `text` where it is time for that.
    func show(_ text: () -> String) {
        guard pace.isDue() else { return }
        Console.isTerminal ? Console.progress(text()) : Console.note(text())
    }

    /// Shows how far features have been compared with their checksums.
    func show(_ progress: FeatureCheckProgress) {
        guard showsSteps else { return }
        let share = Double(progress.checkedByteCount) / Double(max(1, progress.byteCount))
        show { "checking features: \(decimal(share * 100, 1)) %" }
    }

    /// Shows what happens in a run.
    func show(_ event: TrainingEvent) {
        switch event {
        case .step where !showsSteps, .evaluating where !showsSteps: return
        case .step(let step): show { Self.line(step) }
        case .evaluating(let answered, let count):
            show { "evaluating: \(answered) of \(count) questions" }
        case .epoch(let record, let checkpoint):
            Console.note(Self.line(record) + "  →  \(relativeToWorkingFolder(checkpoint))")
            pace.restart()
        }
    }

    private static func line(_ step: StepProgress) -> String {
        var parts = [
            "epoch \(step.epoch)/\(step.epochCount)", "step \(step.step)/\(step.stepCount)",
            "loss \(decimal(step.loss, 4))", "rate \(short(step.learningRate))",
            "\(whole(step.questionsPerSecond)) questions/s",
            "\(readable(seconds: step.secondsLeft)) left of the epoch",
        ]
        if step.waitingShare > 0.05 { parts.append("\(whole(step.waitingShare * 100)) % waiting for data") }
        return parts.joined(separator: "  ")
    }

    private static func line(_ record: EpochRecord) -> String {
        var parts = [
            "epoch \(record.epoch)", "loss \(decimal(record.loss, 4))", "rate \(short(record.lr))",
            "\(whole(record.questionsPerSecond)) questions/s", readable(seconds: record.seconds),
        ]
        if let overall = record.overall {
            let types = (record.perAnswerType ?? [:]).sorted { $0.key < $1.key }
                .map { "\($0.key) \(decimal($0.value, 2))" }
            let metric = record.metric.map { "; metric: \($0)" } ?? ""
            parts.append("accuracy \(decimal(overall, 2)) % (\(types.joined(separator: ", "))\(metric))")
        }
        if let leftOut = record.leftOut { parts.append("\(leftOut) val questions left out") }
        return parts.joined(separator: "  ")
    }
}
