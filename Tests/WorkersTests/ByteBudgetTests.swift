import Foundation
import Synchronization
import Testing
import Workers

/// Memory that threads share.
@Suite struct ByteBudgetTests {
    @Test("no more is held at a time than the limit, but for a piece that is larger by itself")
    func limit() {
        let budget = ByteBudget(limit: 100)
        let held = Atomic<Int>(0)
        let most = Atomic<Int>(0)
        DispatchQueue.concurrentPerform(iterations: 40) { turn in
            let byteCount = turn % 8 == 0 ? 1000 : 30
            let reservation = budget.reserve(byteCount)
            let now = held.wrappingAdd(byteCount, ordering: .relaxed).newValue
            if byteCount < 1000 { most.max(now, ordering: .relaxed) }
            usleep(500)
            held.wrappingSubtract(byteCount, ordering: .relaxed)
            reservation.end()
        }
        #expect(most.load(ordering: .relaxed) <= 100)
    }

    @Test("bytes that nobody holds any more are free, ended or not")
    func letGo() {
        let budget = ByteBudget(limit: 10)
        _ = budget.reserve(10)
        let second = budget.reserve(10)
        second.end()
        second.end()
        _ = budget.reserve(10)
        _ = budget.reserve(0)
    }
}
