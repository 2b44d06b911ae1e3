import Foundation
import Synchronization
import Testing
import Workers

/// Elements made ahead of their use on other threads.
@Suite struct PrefetcherTests {
    private struct Refusal: Error, Equatable { let index: Int }

    /// Counts what is made, from any thread.
    private final class Counter: Sendable {
        private let made = Mutex<[Int]>([])
        var count: Int { made.withLock(\.count) }
        func add(_ index: Int) { made.withLock { $0.append(index) } }
    }

    /// Waits until something is so, or until it is clear that it will not be.
    private func eventually(_ condition: () -> Bool) -> Bool {
        for _ in 0..<2000 where !condition() { usleep(1000) }
        return condition()
    }

    @Test("elements come in order, each once, however many threads make them", arguments: [1, 2, 7])
    func order(workers: Int) throws {
        let prefetcher = Prefetcher(3..<60, workers: workers) { index in
            usleep(UInt32((index * 37) % 5) * 100)  // Later ones are ready before earlier ones.
            return index * index
        }
        var found: [Int] = []
        while let element = try prefetcher.next() { found.append(element) }
        #expect(found == (3..<60).map { $0 * $0 })
        #expect(try prefetcher.next() == nil)
    }

    @Test("nothing comes of an empty range, with any number of workers", arguments: [0, 1, Int.max])
    func empty(workers: Int) throws {
        let prefetcher = Prefetcher(5..<5, workers: workers) { $0 }
        #expect(try prefetcher.next() == nil)
    }

    @Test("more workers than elements, and none, are as good as one")
    func workerCounts() throws {
        for workers in [-1, 0, Int.max] {
            let prefetcher = Prefetcher(0..<2, workers: workers) { $0 }
            #expect(try [prefetcher.next(), prefetcher.next(), prefetcher.next()] == [0, 1, nil])
        }
    }

    @Test("an error comes at its element's turn, and what is after it can still be had")
    func errors() throws {
        let prefetcher = Prefetcher(0..<4, workers: 2) { index in
            guard index != 2 else { throw Refusal(index: index) }
            return index
        }
        #expect(try prefetcher.next() == 0)
        #expect(try prefetcher.next() == 1)
        #expect(throws: Refusal(index: 2)) { try prefetcher.next() }
        #expect(try prefetcher.next() == 3)
        #expect(try prefetcher.next() == nil)
    }

    @Test("no more than two elements a thread are made ahead")
    func bounded() throws {
        let counter = Counter()
        let prefetcher = Prefetcher(0..<1000, workers: 3) { index in
            counter.add(index)
            return index
        }
        #expect(eventually { counter.count == 6 })
        usleep(20_000)
        #expect(counter.count == 6)
        _ = try prefetcher.next()
        #expect(eventually { counter.count == 7 })
        usleep(20_000)
        #expect(counter.count == 7)
    }

    @Test("after cancel nothing comes and nothing more is made")
    func cancel() throws {
        let counter = Counter()
        let prefetcher = Prefetcher(0..<1000, workers: 2) { index in
            counter.add(index)
            return index
        }
        #expect(try prefetcher.next() == 0)
        prefetcher.cancel()
        #expect(try prefetcher.next() == nil)
        usleep(20_000)
        let count = counter.count
        usleep(20_000)
        #expect(counter.count == count)
    }

    @Test("cancel frees whoever waits for an element")
    func cancelWhileWaiting() throws {
        let (entered, release) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
        let prefetcher = Prefetcher(0..<1, workers: 1) { index in
            entered.signal()
            release.wait()
            return index
        }
        defer { release.signal() }
        entered.wait()
        let canceller = Thread {
            usleep(20_000)
            prefetcher.cancel()
        }
        canceller.start()
        #expect(try prefetcher.next() == nil)
    }

    @Test("dropping a prefetcher ends its threads, also those that wait for room")
    func dropped() {
        /// Lives as long as the closure that makes elements, which the threads hold.
        final class Token: Sendable {}
        weak var token: Token?
        do {
            let held = Token()
            token = held
            let counter = Counter()
            let prefetcher = Prefetcher(0..<1000, workers: 2) { index in
                counter.add(index)
                return withExtendedLifetime(held) { index }
            }
            #expect(eventually { counter.count == 4 })
            withExtendedLifetime(prefetcher) {}
        }
        #expect(eventually { token == nil })
    }
}
