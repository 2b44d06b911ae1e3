import ServerInput
import Torch
import VisualQuestionAnswering
import Workers

/// A question that waits for its answers.
struct AnswerJob: QueuedJob {
    let question: String
    let regions: RegionFeatures
    /// How many answers are wanted.
    let top: Int
    /// How the answers are to be explained; nil for not at all.
    let explanation: WantedExplanation?
    let arrival = ContinuousClock.now
    let result = Pending<Answered>()

    var isEnded: Bool { result.isEnded }
    var isDoneAlone: Bool { explanation != nil }

    /// The answers to a question, and what they rest on where that was wanted.
    struct Answered: Sendable {
        let answers: [ScoredAnswer]
        var explanation: Explanation?
    }
}

/// How answers are to be explained.
struct WantedExplanation: Sendable {
    let method: ExplanationMethod
    let attention: AttentionChoice
}

/// The model, and the one thread that asks it: all questions that wait are answered together, in one packed batch.
final class AnswerWork: @unchecked Sendable {
    /// The questions that wait.
    let queue: WorkQueue<AnswerJob>
    // Used by the thread alone.
    private let answerer: Answerer
    private let mostBatch: Int
    private let windowSeconds: Double
    private let metrics: Metrics

    /// How many explanations may wait: occlusion takes as long as a hundred answers.
    private static let mostExplanations = 16

    /// - Parameter answerer: The model, which nobody else uses from here on.
    init(_ answerer: sending Answerer, _ settings: ServerSettings, _ metrics: Metrics) {
        queue = WorkQueue(limit: settings.queue, limitAlone: min(settings.queue, Self.mostExplanations))
        self.answerer = answerer
        mostBatch = settings.mostBatch
        windowSeconds = settings.windowSeconds
        self.metrics = metrics
    }

    /// Starts the thread, which ends when the queue is closed and all is answered.
    ///
    /// - Throws: `ThreadError` where the system makes none.
    func start() throws {
        try ThreadMaker.current.start("answers") {
            while let jobs = self.queue.next(upTo: self.mostBatch, waiting: self.windowSeconds) {
                for job in jobs { self.metrics.note(.answerWait, since: job.arrival) }
                if let job = jobs.first, let wanted = job.explanation {
                    self.explain(job, wanted)
                } else {
                    self.answer(jobs)
                }
            }
        }
    }

    private func answer(_ jobs: [AnswerJob]) {
        let start = ContinuousClock.now
        metrics.noteBatch(of: jobs.count)
        do {
            let answers = try answerer.ask(
                jobs.map { ($0.question, $0.regions) }, top: jobs.map(\.top).max() ?? 1)
            for (job, answers) in zip(jobs, answers) {
                job.result.end(.success(AnswerJob.Answered(answers: Array(answers.prefix(job.top)))))
            }
        } catch {
            // What is wrong with one question is no reason to refuse the others.
            guard jobs.count > 1 else {
                jobs.first?.result.end(.failure(error))
                return
            }
            for job in jobs { answer([job]) }
        }
        metrics.note(.answer, since: start)
    }

    private func explain(_ job: AnswerJob, _ wanted: WantedExplanation) {
        let start = ContinuousClock.now
        job.result.end(
            Result {
                let explanation = try answerer.explain(
                    job.question, about: job.regions, by: wanted.method, attention: wanted.attention,
                    top: job.top)
                return AnswerJob.Answered(answers: explanation.answers, explanation: explanation)
            })
        metrics.note(.explanation, since: start)
    }
}
