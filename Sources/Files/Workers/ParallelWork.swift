import Foundation
import Synchronization

/// A piece of work to be done beside others.
package struct ParallelWork<Result: Sendable>: Sendable {
    /// How long it takes, in any unit: the longest are begun first.
    package let cost: Int
    package let body: @Sendable () throws -> Result

    package init(cost: Int, _ body: @escaping @Sendable () throws -> Result) {
        self.cost = cost
        self.body = body
    }

    /// Does all the work on all cores, the calling thread's among them, and gives the results in the order of the
    /// work. Where the system makes no threads, the calling thread does it alone.
    ///
    /// - Throws: The first error in the order of the work, whichever came first in time.
    package static func results(of work: [ParallelWork]) throws -> [Result] {
        let list = WorkList(work)
        let helperCount = min(work.count, Processors.count) - 1
        var startedCount = 0
        while startedCount < helperCount,
            (try? ThreadMaker.current.start("work", { list.help() })) != nil
        {
            startedCount += 1
        }
        list.doWork()
        for _ in 0..<startedCount { list.waitForHelper() }
        return try list.results()
    }
}

/// Work that several threads share.
private final class WorkList<Result: Sendable>: Sendable {
    private let work: [ParallelWork<Result>]
    /// The places of the work, the longest first.
    private let order: [Int]
    private let begun = Atomic<Int>(0)
    private let outcomes = Mutex([Int: Swift.Result<Result, any Error>]())
    private let ended = DispatchSemaphore(value: 0)

    init(_ work: [ParallelWork<Result>]) {
        self.work = work
        order = work.indices.sorted { (work[$1].cost, $0) < (work[$0].cost, $1) }
    }

    /// Does what nobody has begun, until there is none.
    func doWork() {
        while true {
            let turn = begun.wrappingAdd(1, ordering: .relaxed).oldValue
            guard turn < order.count else { return }
            let index = order[turn]
            let outcome = Swift.Result { try work[index].body() }
            outcomes.withLock { $0[index] = outcome }
        }
    }

    /// Does the same on a thread that is waited for.
    func help() {
        doWork()
        ended.signal()
    }

    func waitForHelper() { ended.wait() }

    func results() throws -> [Result] {
        let done = outcomes.withLock { $0 }
        return try work.indices.compactMap { try done[$0]?.get() }
    }
}
