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
    let arrival = ContinuousClock.now
    let result = Pending<[ScoredAnswer]>()

    var isEnded: Bool { result.isEnded }
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

    /// - Parameter answerer: The model, which nobody else uses from here on.
    init(_ answerer: sending Answerer, _ settings: ServerSettings, _ metrics: Metrics) {
        queue = WorkQueue(limit: settings.queue)
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
                self.answer(jobs)
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
                job.result.end(.success(Array(answers.prefix(job.top))))
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
}
