import ArgumentParser
import Foundation
import Synchronization

/// Signals that ask for an end (Ctrl-C, Ctrl-\, termination, a terminal that was closed, time that is over), noticed and not obeyed at once:
/// the step at hand is finished first.
///
/// They are handled on whichever thread they come to, so that they are obeyed where no thread can be made for them.
final class Interrupts: Sendable {
    private let listened: [Int32]

    /// Slurm sends SIGUSR1 some time before a job's time is over.
    private static let numbers = [SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1]
    /// A handler can be given nothing: what it knows belongs to the process.
    fileprivate static let received = ReceivedSignals()

    /// Lets the signals come, which a process holds back where one of its parent's threads does that started it.
    static func unblock() {
        var signals = sigset_t()
        sigemptyset(&signals)
        for number in numbers { sigaddset(&signals, number) }
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
    }

    /// Whether the process was asked to end with the signal that a kill follows where it does not.
    static var isTerminated: Bool { received.first == SIGTERM }

    /// Whether somebody asked for an end.
    var isRequested: Bool { Self.received.first != 0 }

    /// What a process ends with that a signal has ended: 130 after Ctrl-C.
    var exitCode: ExitCode {
        let number = Self.received.first
        return ExitCode(128 + (number == 0 ? SIGINT : number))
    }

    /// Starts to listen. A second signal ends the process as usual.
    ///
    /// - Parameter note: What is said at the first; nil for nothing.
    init(note: String? = nil) {
        Self.received.prepare(saying: JoinedProcesses.isPrinting ? note.map(Console.noteText) ?? "" : "")
        listened = Self.numbers.filter { number in
            var earlier = sigaction()
            // nohup has a process go on when its terminal is closed.
            if number == SIGHUP, sigaction(number, nil, &earlier) == 0, earlier.isIgnored { return false }
            var action = sigaction()
            action.__sigaction_handler.sa_handler = { Interrupts.received.note($0) }
            action.sa_flags = SA_RESTART
            for other in Self.numbers { sigaddset(&action.sa_mask, other) }
            return sigaction(number, &action, nil) == 0
        }
    }

    /// From here on a signal ends the process as usual.
    deinit { for number in listened { signal(number, SIG_DFL) } }
}

extension sigaction {
    fileprivate var isIgnored: Bool {
        unsafeBitCast(__sigaction_handler.sa_handler, to: Int.self) == unsafeBitCast(SIG_IGN, to: Int.self)
    }
}

/// What is known of the signals that came.
///
/// ``note(_:)`` runs in the middle of anything: it neither allocates nor locks, for what it has interrupted may be just
/// that.
private final class ReceivedSignals: Sendable {
    /// The first signal that came; 0 for none.
    private let firstNumber = Atomic<Int32>(0)
    /// When the terminal was closed, in seconds of the system's clock; 0 where it was not.
    private let hangUp = Atomic<Int>(0)
    /// What is said at the first, and never freed: where its bytes are, and how many.
    private let textAddress = Atomic<UInt>(0)
    private let textCount = Atomic<Int>(0)

    var first: Int32 { firstNumber.load(ordering: .relaxed) }

    /// Begins anew.
    func prepare(saying text: String) {
        let bytes = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: text.utf8.count)
        _ = bytes.initialize(from: text.utf8)
        textCount.store(0, ordering: .relaxed)
        textAddress.store(UInt(bitPattern: bytes.baseAddress), ordering: .relaxed)
        textCount.store(bytes.count, ordering: .relaxed)
        hangUp.store(0, ordering: .relaxed)
        firstNumber.store(0, ordering: .relaxed)
        // What Swift's runtime makes at a first use is made here.
        _ = Self.replaceZero(in: firstNumber, by: 0)
        _ = Self.replaceZero(in: hangUp, by: 0)
        _ = Self.seconds
    }

    /// Takes note of a signal; the second ends the process.
    func note(_ number: Int32) {
        let earlierError = errno
        defer { errno = earlierError }
        // The shell sends a hang-up to its jobs, and the system another when the shell ends.
        let isEcho =
            number == SIGHUP && !Self.replaceZero(in: hangUp, by: Self.seconds)
            && Self.seconds - hangUp.load(ordering: .relaxed) < 2
        if Self.replaceZero(in: firstNumber, by: number) {
            let text = UnsafeRawPointer(bitPattern: textAddress.load(ordering: .relaxed))
            // What is said on the way is worth no run.
            _ = write(STDERR_FILENO, text, textCount.load(ordering: .relaxed))
        } else if !isEcho {
            Self.endProcess(by: number)
        }
    }

    private static var seconds: Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return max(1, time.tv_sec)
    }

    private static func replaceZero(in value: borrowing Atomic<Int32>, by new: Int32) -> Bool {
        value.compareExchange(expected: 0, desired: new, ordering: .relaxed).exchanged
    }

    private static func replaceZero(in value: borrowing Atomic<Int>, by new: Int) -> Bool {
        value.compareExchange(expected: 0, desired: new, ordering: .relaxed).exchanged
    }

    /// Lets a signal do what it does when nobody listens.
    private static func endProcess(by number: Int32) {
        signal(number, SIG_DFL)
        // Signals are held back while one is handled.
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, number)
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
        raise(number)
    }
}
