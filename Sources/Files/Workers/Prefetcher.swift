import Foundation

/// Makes the elements of a sequence ahead of their use, on threads of its own, and hands them out in order.
///
/// A training step should never wait for files. Each thread makes whole elements; at most two for each
/// thread wait to be used, so that memory is bounded. Dropping the prefetcher ends its threads. Where the system makes
/// fewer threads than asked for, those that there are make all elements.
package final class Prefetcher<Element: Sendable>: Sendable {
    /// Makes one element; called on one of the threads, several at once.
    package typealias Work = @Sendable () throws -> Element

    private let queue: PrefetchQueue<Element>

    /// Makes elements out of what can only be read one after the other, such as an archive.
    ///
    /// - Parameters:
    ///   - workers: How many threads make elements.
    ///   - nextWork: Gives the work of making the next element, and nil after the last one. It is called on
    ///     those threads, never on two at once. What it throws is thrown in place of an element, the last.
    package init(workers: Int, nextWork: sending @escaping () throws -> Work?) {
        let queue = PrefetchQueue(ahead: max(1, workers) * 2, nextWork: nextWork)
        self.queue = queue
        for number in 0..<max(1, workers) {
            queue.willStartThread()
            do {
                // The threads hold on to the queue and not to the prefetcher, which can so be dropped meanwhile.
                try ThreadMaker.current.start("batches") { queue.work() }
            } catch {
                queue.threadDidEnd()
                if number == 0 { queue.fail(error) }
                break
            }
        }
    }

    /// - Parameters:
    ///   - range: Which elements to make.
    ///   - workers: How many threads make them.
    ///   - make: Makes one element; called on those threads, several at once.
    package convenience init(
        _ range: Range<Int>, workers: Int, make: @escaping @Sendable (Int) throws -> Element
    ) {
        var remaining = range.makeIterator()
        self.init(workers: min(workers, range.count)) {
            guard let index = remaining.next() else { return nil }
            return { try make(index) }
        }
    }

    deinit { cancel() }

    /// The next element, waiting for it where need be; nil after the last, and once cancelled.
    ///
    /// - Throws: What making it threw; ``ThreadError`` where the system made no thread at all.
    package func next() throws -> Element? { try queue.next() }

    /// Ends the threads after what they are making now.
    package func cancel() { queue.cancel() }

    /// Ends the threads and waits until they have ended.
    package func end() {
        queue.cancel()
        queue.waitForThreads()
    }
}

/// What a prefetcher and its threads share.
private final class PrefetchQueue<Element: Sendable>: @unchecked Sendable {
    package typealias Work = Prefetcher<Element>.Work

    private let ahead: Int
    // Read and called with `source` locked, which is always locked before `condition`.
    private let source = NSLock()
    private let nextWork: () throws -> Work?
    private let condition = NSCondition()
    // All below is read and written with the condition locked.
    private var made: [Int: Result<Element, any Error>] = [:]
    private var nextToMake = 0
    private var nextToUse = 0
    private var isExhausted = false
    private var isCancelled = false
    private var threadCount = 0

    package init(ahead: Int, nextWork: sending @escaping () throws -> Work?) {
        self.ahead = ahead
        self.nextWork = nextWork
    }

    package func next() throws -> Element? {
        let result: Result<Element, any Error>? = condition.withLock {
            while made[nextToUse] == nil, !isCancelled, !(isExhausted && nextToUse == nextToMake) {
                condition.wait()
            }
            guard !isCancelled, let result = made.removeValue(forKey: nextToUse) else { return nil }
            nextToUse += 1
            condition.broadcast()
            return result
        }
        return try result?.get()
    }

    package func cancel() {
        condition.withLock {
            isCancelled = true
            made = [:]
            condition.broadcast()
        }
    }

    func willStartThread() { condition.withLock { threadCount += 1 } }

    func threadDidEnd() {
        condition.withLock {
            threadCount -= 1
            condition.broadcast()
        }
    }

    func waitForThreads() {
        condition.withLock { while threadCount > 0 { condition.wait() } }
    }

    /// Has an error in place of all elements.
    func fail(_ error: any Error) {
        condition.withLock {
            made[nextToMake] = .failure(error)
            nextToMake += 1
            isExhausted = true
        }
    }

    /// Makes elements until none is left to make.
    package func work() {
        defer { threadDidEnd() }
        while let (index, work) = claim() {
            let result = Result { try work() }
            condition.withLock {
                guard !isCancelled else { return }
                made[index] = result
                condition.broadcast()
            }
        }
    }

    /// The work of the next element, as soon as there is room for it; nil where there is none left.
    private func claim() -> (index: Int, work: Work)? {
        source.lock()
        defer { source.unlock() }
        guard waitForRoom() else { return nil }
        let work = Result { try nextWork() }
        return condition.withLock {
            let index = nextToMake
            defer { condition.broadcast() }
            switch work {
            case .success(let work?):
                nextToMake += 1
                return (index, work)
            case .success(nil):
                isExhausted = true
            case .failure(let error):
                isExhausted = true
                nextToMake += 1
                made[index] = .failure(error)
            }
            return nil
        }
    }

    /// Whether there is anything left to make.
    private func waitForRoom() -> Bool {
        condition.withLock {
            while !isExhausted, !isCancelled, nextToMake - nextToUse >= ahead { condition.wait() }
            return !isExhausted && !isCancelled
        }
    }
}
