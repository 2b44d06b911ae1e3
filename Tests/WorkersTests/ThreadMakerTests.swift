import Foundation
import Synchronization
import TestSupport
import Testing
import Workers

/// What becomes of work where the system makes no threads.
@Suite struct ThreadMakerTests {
    /// What a thread has found out.
    private final class Found: Sendable {
        private let value = Mutex<(name: String, isHeldBack: Bool)?>(nil)
        private let given = DispatchSemaphore(value: 0)

        func give(_ name: String, _ isHeldBack: Bool) {
            value.withLock { $0 = (name, isHeldBack) }
            given.signal()
        }

        func wait() -> (name: String, isHeldBack: Bool)? {
            given.wait()
            return value.withLock { $0 }
        }
    }

    /// Counts what is begun and what is under way, from any thread.
    private final class Counts: Sendable {
        let begun = Atomic<Int>(0)
        let running = Atomic<Int>(0)

        var begunCount: Int { begun.load(ordering: .relaxed) }
    }

    @Test("a thread does its work, under its name, and holds signals back")
    func works() throws {
        @Sendable func holdsBack() -> Bool {
            var signals = sigset_t()
            pthread_sigmask(SIG_SETMASK, nil, &signals)
            return sigismember(&signals, SIGTERM) == 1
        }
        let (found, earlier) = (Found(), holdsBack())
        try ThreadMaker.system.start("a name") {
            let name = try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8)
            found.give(name ?? "", holdsBack())
        }
        let result = try #require(found.wait())
        #expect(result.name == "a name\n" && result.isHeldBack)
        #expect(holdsBack() == earlier)
    }

    @Test("where no thread can be made, a prefetcher gives an error in one line in place of waiting for ever")
    func prefetcherWithoutThreads() throws {
        try ThreadMaker.$current.withValue(.making(0)) {
            let prefetcher = Prefetcher(0..<10, workers: 3) { $0 }
            let error = #expect(throws: ThreadError.self) { try prefetcher.next() }
            let text = try #require(error).description
            #expect(text.contains("Resource temporarily unavailable") && text.contains("ulimit -u"))
            #expect(!text.contains("\n"))
            #expect(try prefetcher.next() == nil)
            prefetcher.end()
        }
    }

    @Test("where fewer threads can be made than asked for, those make all elements")
    func prefetcherWithFewThreads() throws {
        try ThreadMaker.$current.withValue(.making(1)) {
            let prefetcher = Prefetcher(0..<100, workers: 7) { $0 }
            var found: [Int] = []
            while let element = try prefetcher.next() { found.append(element) }
            #expect(found == Array(0..<100))
        }
    }

    @Test("a prefetcher that has ended is at nothing any more")
    func end() throws {
        let counts = Counts()
        let prefetcher = Prefetcher(0..<1000, workers: 3) { index in
            counts.begun.wrappingAdd(1, ordering: .relaxed)
            counts.running.wrappingAdd(1, ordering: .relaxed)
            usleep(3000)
            counts.running.wrappingSubtract(1, ordering: .relaxed)
            return index
        }
        _ = try prefetcher.next()
        prefetcher.end()
        #expect(counts.running.load(ordering: .relaxed) == 0)
        let count = counts.begunCount
        usleep(20_000)
        #expect(counts.begunCount == count)
    }

    private struct Refusal: Error, Equatable { let index: Int }

    @Test("work that is shared out is all done, in order, with threads or without", arguments: [0, 1, 100])
    func parallelWork(threadCount: Int) throws {
        try ThreadMaker.$current.withValue(.making(threadCount)) {
            let work = (0..<200).map { index in ParallelWork(cost: index % 7) { index * index } }
            let (results, none) = try (ParallelWork.results(of: work), ParallelWork<Int>.results(of: []))
            #expect(results == (0..<200).map { $0 * $0 })
            #expect(none.isEmpty)
            let failing = (0..<20).map { index in
                ParallelWork<Int>(cost: index) {
                    guard index < 5 else { throw Refusal(index: index) }
                    return index
                }
            }
            #expect(throws: Refusal(index: 5)) { try ParallelWork.results(of: failing) }
        }
    }
}
