import Dispatch
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

    /// Does all the work on all cores, and gives the results in the order of the work.
    ///
    /// - Throws: The first error in the order of the work, whichever came first in time.
    package static func results(of work: [ParallelWork]) throws -> [Result] {
        let order = work.indices.sorted { (work[$1].cost, $0) < (work[$0].cost, $1) }
        let outcomes = Mutex([Int: Swift.Result<Result, any Error>]())
        DispatchQueue.concurrentPerform(iterations: work.count) { turn in
            let index = order[turn]
            let outcome = Swift.Result { try work[index].body() }
            outcomes.withLock { $0[index] = outcome }
        }
        let done = outcomes.withLock { $0 }
        return try work.indices.compactMap { try done[$0]?.get() }
    }
}
