import Synchronization

/// What a server counts, in the text form of Prometheus 0.0.4.
final class Metrics: Sendable {
    /// A part of what is done for a request.
    enum Stage: String, CaseIterable, Sendable {
        /// Its body comes.
        case upload
        /// A picture waits for its turn.
        case pictureWait = "picture_wait"
        /// A picture becomes regions.
        case picture
        /// A question waits for its turn.
        case answerWait = "answer_wait"
        /// A batch of questions is answered.
        case answer
        /// Answers are explained.
        case explanation
        /// All of it.
        case request
    }

    /// What became of a request.
    enum Outcome: String, CaseIterable, Sendable {
        /// It was answered.
        case answered
        /// Something was wrong with it.
        case refused
        /// As much waited as may wait.
        case busy
        /// Its time was over.
        case late
        /// Its client went away.
        case left
        /// The server could not do it.
        case failed
    }

    /// What is so at the moment.
    struct State: Sendable {
        var waitingQuestions = 0
        var waitingPictures = 0
        var connections = 0
        var keptPictures = 0
        var keptBytes = 0
        var bodyBytes = 0
    }

    private struct Counts {
        var requests: [String: [Outcome: Int]] = [:]
        var stages: [Stage: Histogram] = [:]
        var batches = Histogram([1, 2, 4, 8, 16, 32, 64, 128, 256])
        var questions = 0
    }

    private static let seconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
    private let counts = Mutex(Counts())

    /// Notes how long a stage took that ends now.
    func note(_ stage: Stage, since start: ContinuousClock.Instant) {
        let seconds = (ContinuousClock.now - start) / .seconds(1)
        counts.withLock { $0.stages[stage, default: Histogram(Self.seconds)].add(seconds) }
    }

    /// Notes that so many questions are answered together.
    func noteBatch(of count: Int) {
        counts.withLock {
            $0.batches.add(Double(count))
            $0.questions += count
        }
    }

    /// Notes what became of a request.
    ///
    /// - Parameter path: That of a route, and nothing that a client chose.
    func note(_ outcome: Outcome, of path: String) {
        counts.withLock { $0.requests[path, default: [:]][outcome, default: 0] += 1 }
    }

    /// Everything, as Prometheus reads it.
    func text(_ state: State) -> String {
        let counts = counts.withLock { $0 }
        var lines = Self.heading("rwsan_requests_total", "counter", "Requests by address and outcome.")
        for (path, outcomes) in counts.requests.sorted(by: { $0.key < $1.key }) {
            for outcome in Outcome.allCases {
                let count = outcomes[outcome] ?? 0
                lines.append(
                    "rwsan_requests_total{path=\"\(path)\",outcome=\"\(outcome.rawValue)\"} \(count)")
            }
        }
        lines += Self.heading("rwsan_stage_seconds", "histogram", "Seconds that parts of requests took.")
        for stage in Stage.allCases {
            lines += (counts.stages[stage] ?? Histogram(Self.seconds)).lines(
                "rwsan_stage_seconds", "stage=\"\(stage.rawValue)\"")
        }
        lines += Self.heading("rwsan_batch_questions", "histogram", "Questions that were answered together.")
        lines += counts.batches.lines("rwsan_batch_questions")
        let gauges: [(String, String, Int)] = [
            ("rwsan_waiting_questions", "Questions that wait to be answered.", state.waitingQuestions),
            ("rwsan_waiting_pictures", "Images that wait to be looked at.", state.waitingPictures),
            ("rwsan_connections", "Open connections.", state.connections),
            ("rwsan_kept_pictures", "Images that are kept by their ids.", state.keptPictures),
            ("rwsan_kept_bytes", "Bytes that these take.", state.keptBytes),
            ("rwsan_body_bytes", "Bytes of bodies that are read or worked on.", state.bodyBytes),
        ]
        for (name, help, value) in gauges {
            lines += Self.heading(name, "gauge", help) + ["\(name) \(value)"]
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func heading(_ name: String, _ type: String, _ help: String) -> [String] {
        ["# HELP \(name) \(help)", "# TYPE \(name) \(type)"]
    }
}
