import Foundation
import Synchronization
import Workers

extension ThreadMaker {
    /// Makes some threads of the system, and then none, as where a limit is reached.
    package static func making(_ count: Int) -> ThreadMaker {
        let asked = Counter()
        return ThreadMaker { name, work in
            guard asked.next() < count else { return EAGAIN }
            do throws(ThreadError) {
                try ThreadMaker.system.start(name, work)
                return 0
            } catch {
                return error.code
            }
        }
    }
}

/// Counts from 0, on any thread.
private final class Counter: Sendable {
    private let value = Atomic<Int>(0)

    func next() -> Int { value.wrappingAdd(1, ordering: .relaxed).oldValue }
}
