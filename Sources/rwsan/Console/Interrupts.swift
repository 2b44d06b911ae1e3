import Dispatch
import Foundation
import Synchronization

/// Ctrl-C and termination, noticed and not obeyed at once: the step at hand is finished first.
final class Interrupts: Sendable {
    private let requested = Atomic<Bool>(false)
    private let sources: Mutex<[any DispatchSourceSignal]> = Mutex([])

    /// Whether somebody asked for an end.
    var isRequested: Bool { requested.load(ordering: .relaxed) }

    /// Starts to listen. A second signal ends the process as usual.
    init(onFirst: @escaping @Sendable () -> Void) {
        for number in [SIGINT, SIGTERM] {
            signal(number, SIG_IGN)
            let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
            source.setEventHandler { [weak self] in
                guard let self else { return }
                if self.requested.exchange(true, ordering: .relaxed) {
                    signal(number, SIG_DFL)
                    raise(number)
                }
                onFirst()
            }
            source.resume()
            sources.withLock { $0.append(source) }
        }
    }
}
