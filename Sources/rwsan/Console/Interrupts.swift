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
                    signal(number, SIG_DFL)
                    kill(getpid(), number)
                    return
                }
                onFirst()
            }
            source.resume()
        }
    }

    /// From here on a signal ends the process as usual.
    deinit {
        for source in sources { source.cancel() }
        for number in Self.numbers { signal(number, SIG_DFL) }
    }
}
