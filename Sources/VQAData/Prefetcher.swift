import Foundation

/// Makes the elements of a sequence ahead of their use, on threads of its own, and hands them out in order.
///
/// A training step should never wait for files. Each thread makes whole elements; at most two for each
/// thread wait to be used, so that memory is bounded. Dropping the prefetcher ends its threads.
public final class Prefetcher<Element: Sendable>: Sendable {
    private let queue: PrefetchQueue<Element>

    /// - Parameters:
    ///   - range: Which elements to make.
    ///   - workers: How many threads make them.
    ///   - make: Makes one element; called on those threads, several at once.
    public init(_ range: Range<Int>, workers: Int, make: @escaping @Sendable (Int) throws -> Element) {
        let threadCount = min(max(1, workers), range.count)
        let queue = PrefetchQueue(range, ahead: threadCount * 2, make: make)
        self.queue = queue
        for _ in 0..<threadCount {
            // The threads hold on to the queue and not to the prefetcher, which can so be dropped meanwhile.
            let thread = Thread { queue.work() }
            thread.name = "batches"
            thread.start()
        }
    }

    deinit { cancel() }

    /// The next element, waiting for it where need be; nil after the last, and once cancelled.
    ///
    /// - Throws: What making it threw.
    public func next() throws -> Element? { try queue.next() }

    /// Ends the threads after what they are making now.
    public func cancel() { queue.cancel() }
}

/// What a prefetcher and its threads share.
private final class PrefetchQueue<Element: Sendable>: @unchecked Sendable {
    private let end: Int
    private let ahead: Int
    private let make: @Sendable (Int) throws -> Element
    private let condition = NSCondition()
    // All below is read and written with the condition locked.
    private var made: [Int: Result<Element, any Error>] = [:]
    private var nextToMake: Int
    private var nextToUse: Int
    private var isCancelled = false

    init(_ range: Range<Int>, ahead: Int, make: @escaping @Sendable (Int) throws -> Element) {
        end = range.upperBound
        nextToMake = range.lowerBound
        nextToUse = range.lowerBound
        self.ahead = ahead
        self.make = make
    }

    func next() throws -> Element? {
        let result: Result<Element, any Error>? = condition.withLock {
            while nextToUse < end, !isCancelled, made[nextToUse] == nil { condition.wait() }
            guard nextToUse < end, !isCancelled else { return nil }
            defer {
                nextToUse += 1
                condition.broadcast()
            }
            return made.removeValue(forKey: nextToUse)
        }
        return try result?.get()
    }

    func cancel() {
        condition.withLock {
            isCancelled = true
            made = [:]
            condition.broadcast()
        }
    }

    /// Makes elements until none is left to make.
    func work() {
        while let index = claim() {
            let result = Result { try make(index) }
            condition.withLock {
                guard !isCancelled else { return }
                made[index] = result
                condition.broadcast()
            }
        }
    }

    /// The number of the next element to make, waiting for room for it; nil where there is none.
    private func claim() -> Int? {
        condition.withLock {
            while nextToMake < end, !isCancelled, nextToMake - nextToUse >= ahead { condition.wait() }
            guard nextToMake < end, !isCancelled else { return nil }
            defer { nextToMake += 1 }
            return nextToMake
        }
    }
}
