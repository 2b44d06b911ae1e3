import Foundation

/// A piece of work that waits for its turn.
protocol QueuedJob: Sendable {
    /// Whether nobody wants it any more.
    var isEnded: Bool { get }
}

/// Work that waits for the one thread that does it: as much as may wait, and no more.
final class WorkQueue<Job: QueuedJob>: @unchecked Sendable {
    /// How many jobs may wait.
    let limit: Int
    private let condition = NSCondition()
    // Read and written with the condition locked.
    private var waiting: [Job] = []
    private var isClosed = false

    init(limit: Int) { self.limit = limit }

    /// How many jobs wait.
    var count: Int { condition.withLock { waiting.count } }

    /// Adds jobs: all of them, or none.
    ///
    /// - Returns: Whether there was room.
    func add(_ jobs: [Job]) -> Bool {
        condition.withLock {
            guard !isClosed, waiting.count + jobs.count <= limit else { return false }
            waiting += jobs
            condition.signal()
            return true
        }
    }

    /// Takes out the jobs that nobody wants any more, so that others have their places.
    func removeEnded() { condition.withLock { waiting.removeAll(where: \.isEnded) } }

    /// The next jobs in their order, waited for.
    ///
    /// - Parameters:
    ///   - mostCount: The most jobs to take.
    ///   - seconds: How long to wait for more once there is one.
    /// - Returns: One or more; nil once the queue is closed and empty.
    func next(upTo mostCount: Int, waiting seconds: Double) -> [Job]? {
        condition.withLock {
            while true {
                while waiting.isEmpty, !isClosed { condition.wait() }
                let end = Date(timeIntervalSinceNow: seconds)
                while waiting.count < mostCount, !isClosed, condition.wait(until: end) {}
                let taken = waiting.prefix(mostCount)
                waiting.removeFirst(taken.count)
                let wanted = taken.filter { !$0.isEnded }
                if !wanted.isEmpty { return wanted }
                if isClosed, waiting.isEmpty { return nil }
            }
        }
    }

    /// Has the thread end once all is done that waits.
    func close() {
        condition.withLock {
            isClosed = true
            condition.broadcast()
        }
    }
}
