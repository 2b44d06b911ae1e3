import Foundation

/// Starts threads, and says so where the system makes none.
///
/// Foundation's `Thread` and Dispatch do not: where a limit on threads is reached, the one never runs what it was
/// given, and the other tries again for ever, so that whoever waits for the work hangs.
package struct ThreadMaker: Sendable {
    /// Starts a thread of this name that does the work and ends. Gives 0, or the system's reason for making none.
    package typealias Start = @Sendable (_ name: String, _ work: @escaping @Sendable () -> Void) -> CInt

    private let start: Start

    /// Threads of the system.
    package static let system = ThreadMaker(start: startSystemThread)
    /// What threads are made with; tests put in its place what makes none.
    @TaskLocal package static var current = system

    /// - Parameter start: Starts a thread.
    package init(start: @escaping Start) { self.start = start }

    /// Starts a thread that does the work and ends.
    ///
    /// - Parameters:
    ///   - name: What the system's tools show it as; 15 bytes at most.
    ///   - work: What it does.
    /// - Throws: ``ThreadError`` where the system makes none; the work is not done then.
    package func start(_ name: String, _ work: @escaping @Sendable () -> Void) throws(ThreadError) {
        let code = start(name, work)
        guard code == 0 else { throw ThreadError(code: code) }
    }
}

/// The system makes no thread.
package struct ThreadError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The system's reason (`errno`).
    package let code: CInt

    /// One line, with what to do.
    package var description: String {
        "expected the system to start a thread, found: \(String(cString: strerror(code))): raise the limit on a user's "
            + "processes (ulimit -u) or on those of the container, or end other programs"
    }
}

/// What a thread is handed over.
private final class ThreadWork: Sendable {
    let name: String
    let body: @Sendable () -> Void

    init(_ name: String, _ body: @escaping @Sendable () -> Void) {
        (self.name, self.body) = (name, body)
    }
}

/// Starts a thread that nobody waits for.
@Sendable private func startSystemThread(_ name: String, _ body: @escaping @Sendable () -> Void) -> CInt {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, CInt(PTHREAD_CREATE_DETACHED))

    // Signals that ask for an end are for the threads that a program starts with, and never cut into this work.
    var (held, earlier) = (sigset_t(), sigset_t())
    sigemptyset(&held)
    for number in [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1] { sigaddset(&held, number) }
    pthread_sigmask(SIG_BLOCK, &held, &earlier)
    defer { pthread_sigmask(SIG_SETMASK, &earlier, nil) }

    let work = Unmanaged.passRetained(ThreadWork(name, body))
    var thread = pthread_t()
    let code = pthread_create(
        &thread, &attributes,
        { context in
            guard let context else { return nil }
            let work = Unmanaged<ThreadWork>.fromOpaque(context).takeRetainedValue()
            Thread.current.name = work.name
            work.body()
            return nil
        }, work.toOpaque())
    if code != 0 { work.release() }
    return code
}
