import Foundation

/// Makes the elements of a sequence ahead of their use, on threads of its own, and hands them out in order.
///
/// A training step should never wait for files. Each thread makes whole elements; at most `ahead` of them
/// wait to be used, so that memory is bounded.
public final class Prefetcher<Element: Sendable>: @unchecked Sendable {
    private let count: Int
    private let ahead: Int
    private let make: @Sendable (Int) throws -> Element
    private let condition = NSCondition()
    // All below is read and written with the condition locked.
    private var made: [Int: Result<Element, any Error>] = [:]
    private var nextToMake = 0
    private var nextToUse = 0
    private var isCancelled = false

    /// - Parameters:
    ///   - range: Which elements to make.
    ///   - workers: How many threads make them.
    ///   - make: Makes one element; called on those threads, several at once.
    public init(_ range: Range<Int>, workers: Int, make: @escaping @Sendable (Int) throws -> Element) {
        count = range.upperBound
        nextToMake = range.lowerBound
        nextToUse = range.lowerBound
        ahead = max(1, workers) * 2
        self.make = make
        for _ in 0..<min(max(1, workers), range.count) {
            let worker = Worker(self)
            let thread = Thread { worker.run() }
            thread.name = "batches"
            thread.start()
        }
    }

    deinit { cancel() }

    /// The next element, waiting for it where need be; nil after the last.
    ///
    /// - Throws: What making it threw.
    public func next() throws -> Element? {
        condition.lock()
        defer { condition.unlock() }
        guard nextToUse < count, !isCancelled else { return nil }
        while made[nextToUse] == nil { condition.wait() }
        let result = made.removeValue(forKey: nextToUse)
        nextToUse += 1
        condition.broadcast()
        return try result?.get()
    }

    /// Ends the threads after what they are making now.
    public func cancel() {
        condition.lock()
        isCancelled = true
        condition.broadcast()
        condition.unlock()
    }

    /// Makes elements until none is left. Returns whether there is more to do.
    fileprivate func makeOne() -> Bool {
        condition.lock()
        while nextToMake < count, !isCancelled, nextToMake - nextToUse >= ahead { condition.wait() }
        guard nextToMake < count, !isCancelled else {
            condition.unlock()
            return false
        }
        let index = nextToMake
        nextToMake += 1
        condition.unlock()
        let result = Result { try make(index) }
        condition.lock()
        made[index] = result
        condition.broadcast()
        condition.unlock()
        return true
    }

    /// A thread's hold on the prefetcher, which it lets go between elements, so that dropping the
    /// prefetcher ends its threads.
    private struct Worker: Sendable {
        weak nonisolated(unsafe) var prefetcher: Prefetcher?

        init(_ prefetcher: Prefetcher) { self.prefetcher = prefetcher }

        func run() {
            while prefetcher?.makeOne() == true {}
        }
    }
}
