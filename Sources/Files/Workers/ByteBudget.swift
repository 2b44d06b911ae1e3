import Foundation
import Synchronization

/// Keeps what several threads hold in memory at a time within a limit, however many threads there are.
///
/// The condition guards all of it.
package final class ByteBudget: @unchecked Sendable {
    private let limit: Int
    private let condition = NSCondition()
    private var used = 0

    /// - Parameter limit: How many bytes may be held at a time. One piece that is larger is held alone.
    package init(limit: Int) { self.limit = limit }

    /// Bytes that are being held until `end()`, or until nobody has the reservation any more.
    package final class Reservation: Sendable {
        private let budget: ByteBudget
        private let byteCount: Atomic<Int>

        fileprivate init(_ budget: ByteBudget, _ byteCount: Int) {
            self.budget = budget
            self.byteCount = Atomic(byteCount)
        }

        deinit { end() }

        /// Lets go of the bytes.
        package func end() { budget.release(byteCount.exchange(0, ordering: .relaxed)) }
    }

    /// Waits until there is room. Whoever holds other bytes must be able to let go of them meanwhile.
    package func reserve(_ byteCount: Int) -> Reservation {
        condition.withLock {
            while used > 0, byteCount > limit - used { condition.wait() }
            used += byteCount
        }
        return Reservation(self, byteCount)
    }

    private func release(_ byteCount: Int) {
        guard byteCount > 0 else { return }
        condition.withLock {
            used -= byteCount
            condition.broadcast()
        }
    }
}
