import Foundation

/// A piece of work that waits for its turn.
protocol QueuedJob: Sendable {
    /// Whether nobody wants it any more.
    var isEnded: Bool { get }
    /// Whether it is done by itself, for it is as much work as many others.
    var isDoneAlone: Bool { get }
}

extension QueuedJob {
    var isDoneAlone: Bool { false }
}

/// Work that waits for the one thread that does it: as much as may wait, and no more.
final class WorkQueue<Job: QueuedJob>: @unchecked Sendable {
    /// How many jobs may wait.
    let limit: Int
    /// How many of them may be such as are done alone.
    let limitAlone: Int
    private let condition = NSCondition()
    // Read and written with the condition locked.
    private var waiting: [Job] = []
    private var isClosed = false

    init(limit: Int, limitAlone: Int = 0) {
        self.limit = limit
        self.limitAlone = limitAlone
    }

    /// How many jobs wait.
    var count: Int { condition.withLock { waiting.count } }

    /// Adds jobs: all of them, or none.
    ///
    /// - Returns: Whether there was room.
    func add(_ jobs: [Job]) -> Bool {
        condition.withLock {
            guard !isClosed, waiting.count + jobs.count <= limit else { return false }
            let alone = jobs.count(where: \.isDoneAlone)
            guard alone == 0 || waiting.count(where: \.isDoneAlone) + alone <= limitAlone else {
                return false
            }
            waiting += jobs
            condition.signal()
            return true
        }
    }

    /// Takes out the jobs that nobody wants any more, so that others have their places.
    func removeEnded() { condition.withLock { waiting.removeAll(where: \.isEnded) } }

    /// The next jobs in their order, waited for: one that is done alone, or some that are not.
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
                while waiting.count < mostCount, waiting.first?.isDoneAlone == false, !isClosed,
                    condition.wait(until: end)
                {}
                let wanted = take(upTo: mostCount).filter { !$0.isEnded }
                if !wanted.isEmpty { return wanted }
                if isClosed, waiting.isEmpty { return nil }
            }
        }
    }

    /// Takes jobs out, with the condition locked.
    private func take(upTo mostCount: Int) -> [Job] {
        guard waiting.first?.isDoneAlone == false else {
            return waiting.isEmpty ? [] : [waiting.removeFirst()]
        }
        var (taken, left): ([Job], [Job]) = ([], [])
        for job in waiting {
            if taken.count < mostCount, !job.isDoneAlone { taken.append(job) } else { left.append(job) }
        }
        waiting = left
        return taken
    }

    /// Has the thread end once all is done that waits.
    func close() {
        condition.withLock {
            isClosed = true
            condition.broadcast()
        }
    }
}
