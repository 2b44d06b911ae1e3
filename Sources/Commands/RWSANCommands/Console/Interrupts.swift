import ArgumentParser
import Dispatch
import Foundation
import Synchronization

/// Signals that ask for an end (Ctrl-C, Ctrl-\, termination, a terminal that was closed), noticed and not obeyed at once:
/// the step at hand is finished first.
///
/// The sources are made once and never changed, which is what makes sharing them safe.
final class Interrupts: @unchecked Sendable {
    /// The first signal that came; 0 for none.
    private let first = Atomic<Int32>(0)
    private let hangUps = HangUps()
    private let sources: [(number: Int32, source: any DispatchSourceSignal)]

    private static let numbers = [SIGHUP, SIGINT, SIGQUIT, SIGTERM]

    /// Lets the signals come, which a process holds back where one of its parent's threads does that started it.
    static func unblock(_ numbers: [Int32] = numbers) {
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in numbers { sigaddset(&signals, number) }
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    }

    /// Whether somebody asked for an end.
    var isRequested: Bool { first.load(ordering: .relaxed) != 0 }

    /// What a process ends with that a signal has ended: 130 after Ctrl-C.
    var exitCode: ExitCode {
        let number = first.load(ordering: .relaxed)
        return ExitCode(128 + (number == 0 ? SIGINT : number))
    }

    /// Starts to listen. A second signal ends the process as usual.
    ///
    /// - Parameter onFirst: Called at the first.
    init(onFirst: @escaping @Sendable () -> Void) {
        sources = Self.numbers.compactMap { number in
            let earlier = signal(number, SIG_IGN)
            // nohup has a process go on when its terminal is closed.
            if number == SIGHUP, Self.isSame(earlier, SIG_IGN) { return nil }
            return (number, DispatchSource.makeSignalSource(signal: number, queue: .global()))
        }
        for (number, source) in sources {
            source.setEventHandler { [weak self] in
                guard let self else { return }
                // On a busy machine two signals can come as one event.
                self.received(number, count: Int(clamping: source.data), onFirst)
            }
            source.resume()
        }
    }

    private func received(_ number: Int32, count: Int, _ onFirst: () -> Void) {
        let isEcho = number == SIGHUP && hangUps.isEcho()
        let isFirst = first.compareExchange(expected: 0, desired: number, ordering: .relaxed).exchanged
        if isFirst { onFirst() }
        guard !isEcho, !isFirst || count > 1 && number != SIGHUP else { return }
        Self.endProcess(by: number)
    }

    private static func isSame(_ left: sighandler_t?, _ right: sighandler_t?) -> Bool {
        unsafeBitCast(left, to: Int.self) == unsafeBitCast(right, to: Int.self)
    }

    /// Lets a signal do what it does when nobody listens.
    private static func endProcess(by number: Int32) {
        signal(number, SIG_DFL)
        // This thread may hold signals back.
        unblock([number])
        raise(number)
    }

    /// From here on a signal ends the process as usual.
    deinit {
        for (number, source) in sources {
            source.cancel()
            signal(number, SIG_DFL)
        }
    }
}

/// Signals that a terminal was closed: the shell sends one to its jobs, and the system another when the shell ends.
private final class HangUps: Sendable {
    private let last = Mutex<ContinuousClock.Instant?>(nil)

    /// Notes that a signal came. Returns whether it is the other half of one that came just before.
    func isEcho() -> Bool {
        let now = ContinuousClock.now
        return last.withLock { last in
            defer { last = last ?? now }
            return last.map { now - $0 < .seconds(2) } ?? false
        }
    }
}
