import Foundation
import Synchronization
import VQATraining
import VisualQuestionAnswering

/// Tells what happens in a run: people on standard error, with the last checkpoint as the result; or programs on standard
/// output, in JSON objects, one a line, each with an `event`.
final class TrainingOutput {
    /// Tells what is done otherwise than one would expect, from any thread.
    let notices: RunNotices
    private let isJSON: Bool
    private let showsSteps: Bool
    private let line: ProgressLine
    private let pace = ProgressLine.Pace()
    /// What kept an event from being told; the run is to stop then.
    var failure: (any Error)? { notices.failure }

    init(asJSON isJSON: Bool, showsSteps: Bool) {
        self.isJSON = isJSON
        notices = RunNotices(isJSON: isJSON)
        self.showsSteps = showsSteps
        line = ProgressLine(showsSteps: showsSteps)
    }

    /// Tells what the run is made of.
    func start(_ summary: TrainingRun.Summary) {
        guard isJSON else { return summary.lines.forEach(Console.note) }
        tell(Event("start", summary))
    }

    /// Shows how far feature stores have been compared with their checksums.
    func show(_ progress: FeatureCheckProgress) {
        if !isJSON { line.show(progress) }
    }

    /// Tells what happens in the run.
    func show(_ event: TrainingEvent) {
        guard isJSON else { return line.show(event) }
        switch event {
        case .step(let step):
            guard showsSteps, pace.isDue(isLast: step.step == step.stepCount) else { return }
            tell(Event("step", StepFigures(step)))
        case .evaluating(let answered, let count):
            guard showsSteps, pace.isDue(isLast: answered == count) else { return }
            tell(Event("evaluating", Evaluating(answered: answered, questions: count)))
        case .epoch(let record, let checkpoint):
            tell(Event("epoch", record, checkpoint: checkpoint))
        }
    }

    /// Tells that all epochs are done.
    ///
    /// - Throws: `StandardOutputError` where this, or an event before it, could not be told.
    func finish(_ checkpoint: String) throws {
        if let failure { throw failure }
        guard isJSON else { return try Console.result(path: checkpoint) }
        try Console.result(json: Event("finished", Nothing(), checkpoint: checkpoint))
    }

    /// Tells that the run was stopped, and the command line that goes on with it.
    ///
    /// - Throws: As `finish(_:)`.
    func interrupt(_ checkpoint: String, goingOn: String) throws {
        Console.note("stopped; to go on: \(goingOn)")
        if let failure { throw failure }
        guard isJSON else { return }
        try Console.result(json: Event("interrupted", GoingOn(resume: goingOn), checkpoint: checkpoint))
    }

    private func tell(_ event: some Encodable) { notices.tell(event) }
}

/// Notices of a run, and lines of JSON, which threads that read features have to tell too.
final class RunNotices: Sendable {
    private let isJSON: Bool
    private let failed = Mutex<(any Error)?>(nil)

    init(isJSON: Bool) { self.isJSON = isJSON }

    /// What kept a line from being told.
    var failure: (any Error)? { failed.withLock { $0 } }

    /// Tells what is done otherwise than one would expect.
    @Sendable func note(_ text: String) {
        guard isJSON else { return Console.note(text) }
        tell(Event("notice", Notice(text: text)))
    }

    fileprivate func tell(_ event: some Encodable) {
        failed.withLock { failure in
            guard failure == nil else { return }
            do {
                try Console.result(json: event)
            } catch {
                failure = error
            }
        }
    }
}

/// An event with what there is to say of it, in one object.
private struct Event<Content: Encodable>: Encodable {
    let name: String
    let content: Content
    let checkpoint: String?

    init(_ name: String, _ content: Content, checkpoint: String? = nil) {
        self.name = name
        self.content = content
        self.checkpoint = checkpoint
    }

    enum CodingKeys: String, CodingKey {
        case event, checkpoint
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(name, forKey: .event)
        try container.encodeIfPresent(checkpoint, forKey: .checkpoint)
        try content.encode(to: encoder)
    }
}

private struct Nothing: Encodable {}

private struct Notice: Encodable {
    let text: String
}

private struct GoingOn: Encodable {
    /// A line of a shell.
    let resume: String
}

private struct Evaluating: Encodable {
    let answered: Int
    let questions: Int
}

/// `StepProgress`, with the names that `metrics.jsonl` has.
private struct StepFigures: Encodable {
    let epoch, epochs, step, steps: Int
    let loss, lr, questionsPerSecond, secondsLeft, waitingShare: Double

    init(_ step: StepProgress) {
        epoch = step.epoch
        epochs = step.epochCount
        self.step = step.step
        steps = step.stepCount
        loss = step.loss
        lr = step.learningRate
        questionsPerSecond = step.questionsPerSecond
        secondsLeft = step.secondsLeft
        waitingShare = step.waitingShare
    }

    enum CodingKeys: String, CodingKey {
        case epoch, epochs, step, steps, loss, lr
        case questionsPerSecond = "questions_per_second"
        case secondsLeft = "seconds_left"
        case waitingShare = "waiting_share"
    }
}
