import Synchronization

/// A result that one task waits for, and that comes once: from the thread that does the work, or as the error that ends the
/// wait before.
final class Pending<Value: Sendable>: Sendable {
    private enum State {
        case open
        case waitedFor(CheckedContinuation<Value, any Error>)
        case ended(Result<Value, any Error>)
    }

    private let state = Mutex(State.open)

    /// Whether there is a result, or nobody wants it any more.
    var isEnded: Bool {
        state.withLock { if case .ended = $0 { true } else { false } }
    }

    /// Gives the result. Where there is one already, nothing is done.
    func end(_ result: Result<Value, any Error>) {
        let waiting = state.withLock { state -> CheckedContinuation<Value, any Error>? in
            switch state {
            case .open: state = .ended(result)
            case .waitedFor(let continuation):
                state = .ended(result)
                return continuation
            case .ended: break
            }
            return nil
        }
        waiting?.resume(with: result)
    }

    /// The result, waited for. One task may ask for it.
    func value() async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            let result = state.withLock { state -> Result<Value, any Error>? in
                if case .ended(let result) = state { return result }
                state = .waitedFor(continuation)
                return nil
            }
            if let result { continuation.resume(with: result) }
        }
    }
}
