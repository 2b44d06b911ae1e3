import Dispatch
import Foundation
import Synchronization

/// Ctrl-C and termination, noticed and not obeyed at once: the step at hand is finished first.
///
/// The sources are made once and never changed, which is what makes sharing them safe.
final class Interrupts: @unchecked Sendable {
    private let requested = Atomic<Bool>(false)
    private let sources: [any DispatchSourceSignal]
    private static let numbers = [SIGINT, SIGTERM]

    /// Whether somebody asked for an end.
    var isRequested: Bool { requested.load(ordering: .relaxed) }

    /// Starts to listen. A second signal ends the process as usual.
    init(onFirst: @escaping @Sendable () -> Void) {
        sources = Self.numbers.map { DispatchSource.makeSignalSource(signal: $0, queue: .global()) }
        for (number, source) in zip(Self.numbers, sources) {
            signal(number, SIG_IGN)
            source.setEventHandler { [weak self] in
                guard let self else { return }
                // On a busy machine two signals can come as one event.
                let wasRequested = self.requested.exchange(true, ordering: .relaxed)
                if wasRequested || source.data > 1 {
                    Self.endProcess(by: number)
                    return
                }
                onFirst()
            }
            source.resume()
        }
    }

    /// Lets a signal do what it does when nobody listens.
    private static func endProcess(by number: Int32) {
        signal(number, SIG_DFL)
        // This thread, and all others where the process was started so, may hold signals back.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, number)
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
        raise(number)
    }

    /// From here on a signal ends the process as usual.
    deinit {
        for source in sources { source.cancel() }
        for number in Self.numbers { signal(number, SIG_DFL) }
    }
}
