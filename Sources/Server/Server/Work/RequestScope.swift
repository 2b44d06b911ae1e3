import Synchronization

/// A request under way, which ends before its time where its client goes away or its time is over.
final class RequestScope: Sendable {
    private struct State {
        var error: (any Error)?
        var number = 0
        var onEnd: [Int: @Sendable (any Error) -> Void] = [:]
    }

    private let state = Mutex(State())

    /// Ends the request: what waits for a result has this error in its place.
    func end(_ error: any Error) {
        let actions = state.withLock { state in
            guard state.error == nil else { return [Int: @Sendable (any Error) -> Void]().values }
            state.error = error
            defer { state.onEnd = [:] }
            return state.onEnd.values
        }
        for action in actions { action(error) }
    }

    /// Waits for results of work that has been queued, and has the work left out where the request ends before.
    ///
    /// - Parameter leaveOut: Takes out of the queue what nobody waits for any more.
    func values<Value>(of pending: [Pending<Value>], leaveOut: @escaping @Sendable () -> Void) async throws
        -> [Value]
    {
        let onEnd: @Sendable (any Error) -> Void = { error in
            for one in pending { one.end(.failure(error)) }
            leaveOut()
        }
        let (number, error) = state.withLock { state in
            state.number += 1
            if state.error == nil { state.onEnd[state.number] = onEnd }
            return (state.number, state.error)
        }
        defer { state.withLock { _ = $0.onEnd.removeValue(forKey: number) } }
        if let error { onEnd(error) }
        var values: [Value] = []
        do {
            for one in pending { values.append(try await one.value()) }
        } catch {
            // The others are of no use to anybody.
            onEnd(error)
            throw error
        }
        return values
    }
}
