import Foundation

/// Makes the elements of a sequence ahead of their use, on threads of its own, and hands them out in order.
///
/// A training step should never wait for files. Each thread makes whole elements; at most `ahead` of them
/// wait to be used, so that memory is bounded.
public final class Prefetcher<Element: Sendable>: @unchecked Sendable {
    /// Makes one element; called on one of the threads, several at once.
    public typealias Work = @Sendable () throws -> Element

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

    /// Makes elements out of what can only be read one after the other, such as an archive.
    ///
    /// - Parameters:
    ///   - workers: How many threads make elements.
    ///   - nextWork: Gives the work of making the next element, and nil after the last one. It is called on
    ///     those threads, never on two at once. What it throws is thrown in place of an element, the last.
    public init(workers: Int, nextWork: sending @escaping () throws -> Work?) {
        ahead = max(1, workers) * 2
        self.nextWork = nextWork
        for _ in 0..<max(1, workers) {
            let worker = Worker(self)
            let thread = Thread { worker.run() }
            thread.name = "batches"
            thread.start()
        }
    }

    /// - Parameters:
    ///   - range: Which elements to make.
    ///   - workers: How many threads make them.
    ///   - make: Makes one element; called on those threads, several at once.
    public convenience init(
        _ range: Range<Int>, workers: Int, make: @escaping @Sendable (Int) throws -> Element
    ) {
        var remaining = range.makeIterator()
        self.init(workers: min(workers, range.count)) {
            guard let index = remaining.next() else { return nil }
            return { try make(index) }
        }
    }

    deinit { cancel() }

    /// The next element, waiting for it where need be; nil after the last.
    ///
    /// - Throws: What making it threw.
    public func next() throws -> Element? {
        condition.lock()
        defer { condition.unlock() }
        while made[nextToUse] == nil, !isCancelled, !(isExhausted && nextToUse == nextToMake) {
            condition.wait()
        }
        guard !isCancelled, let result = made.removeValue(forKey: nextToUse) else { return nil }
        nextToUse += 1
        condition.broadcast()
        return try result.get()
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
        guard let (index, work) = takeWork() else { return false }
        let result = Result { try work() }
        condition.lock()
        made[index] = result
        condition.broadcast()
        condition.unlock()
        return true
    }

    /// The work of the next element, as soon as there is room for it; nil where there is none left.
    private func takeWork() -> (index: Int, work: Work)? {
        source.lock()
        defer { source.unlock() }
        guard waitForRoom() else { return nil }
        let work = Result { try nextWork() }
        condition.lock()
        defer { condition.unlock() }
        let index = nextToMake
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
        condition.broadcast()
        return nil
    }

    /// Whether there is anything left to make.
    private func waitForRoom() -> Bool {
        condition.lock()
        defer { condition.unlock() }
        while !isExhausted, !isCancelled, nextToMake - nextToUse >= ahead { condition.wait() }
        return !isExhausted && !isCancelled
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
