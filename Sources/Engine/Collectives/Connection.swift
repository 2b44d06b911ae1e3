import CMPI
import Foundation
import Synchronization
import Workers

/// What the processes say to each other, and the watch over who no longer answers.
///
/// A thread of its own answers the others while this process computes, prepares or writes, however long that takes: only a
/// process that was killed or stopped, or cannot be reached, is silent.
final class Connection: Sendable {
    /// Which of the processes this one is.
    let place: Place
    private let state: Mutex<State>
    private let isEnded = Atomic<Bool>(false)
    private let watch: Watch

    /// Where a process stands among the others.
    struct Place: Sendable {
        let rank: Int
        let count: Int
        let localRank: Int
        let localCount: Int
        let host: String
    }

    /// How long is waited for those who do not answer.
    struct Watch: Sendable {
        /// As a rule.
        let timeout: Duration
        /// Whether the launcher is about to kill this process, which gives it a second to end by itself.
        let isBeingKilled: @Sendable () -> Bool

        /// Of that second.
        private static let timeoutWhenKilled = Duration.milliseconds(600)
        /// So long is waited before anybody is asked: others may have more to do.
        static let patience = Duration.milliseconds(50)

        var currentTimeout: Duration { isBeingKilled() ? min(timeout, Self.timeoutWhenKilled) : timeout }
    }

    /// Where, for each process, its bytes begin and how many there are.
    struct Layout {
        var counts: [Int32]
        var offsets: [Int32]
    }

    private struct State {
        let library: cmpi_library
        /// When each process last said something.
        var heard: [ContinuousClock.Instant]
        /// How long this process may look at no notes; after that, the others take it for a lost one.
        let timeout: Duration
        /// When it last looked at them.
        var looked = ContinuousClock.now
        /// Whether this process was the one that was away: stopped, as a rule.
        var wasAway = false

        /// Answers those who have asked, and remembers who has said something.
        mutating func takeNotes() throws(ProcessError) {
            let now = ContinuousClock.now
            if now - looked >= timeout { wasAway = true }
            looked = now
            while true {
                var (rank, note) = (Int32(-1), CMPI_I_AM_HERE)
                try check(library.take_note(&rank, &note))
                guard rank >= 0 else { return }
                if heard.indices.contains(Int(rank)) { heard[Int(rank)] = .now }
                if note == CMPI_ARE_YOU_THERE { try check(library.send_note(rank, CMPI_I_AM_HERE)) }
            }
        }
    }

    /// How long is waited for those who do not answer.
    var timeout: Duration { watch.currentTimeout }

    /// Joins the others.
    ///
    /// - Throws: `ProcessError`; `ThreadError` where there is no thread to answer them.
    init(_ library: cmpi_library, _ watch: Watch) throws {
        var place = cmpi_place()
        try check(library.start(&place))
        let host = withUnsafeBytes(of: place.host) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        self.place = Place(
            rank: Int(place.rank), count: Int(place.count), localRank: Int(place.local_rank),
            localCount: Int(place.local_count), host: host)
        self.watch = watch
        state = Mutex(
            State(
                library: library, heard: Array(repeating: .now, count: self.place.count),
                timeout: watch.timeout))
        try ThreadMaker.current.start("mpi notes") { [weak self] in
            while let self, self.answerOthers() { usleep(50_000) }
        }
    }

    /// Whether to go on answering.
    private func answerOthers() -> Bool {
        state.withLock { state in
            guard !isEnded.load(ordering: .relaxed) else { return false }
            return (try? state.takeNotes()) != nil
        }
    }

    /// Gives every process its bytes, and takes those of every process.
    ///
    /// - Parameters:
    ///   - sent: Not changed; it may not overlap `received`.
    ///   - received: Filled where `receivedLayout` says.
    ///   - hosts: The names of all machines, for errors.
    /// - Throws: `ProcessError`; the memory is still MPI's then, and the process has to end.
    func exchange(
        _ sent: UnsafeRawPointer?, _ sentLayout: Layout, _ received: UnsafeMutableRawPointer?,
        _ receivedLayout: Layout, hosts: [String]
    ) throws(ProcessError) {
        let lists = [sentLayout.counts, sentLayout.offsets, receivedLayout.counts, receivedLayout.offsets]
        // Where the exchange fails, MPI may still look at them: they are never freed then.
        let copies = lists.map { list in
            let copy = UnsafeMutableBufferPointer<Int32>.allocate(capacity: max(1, list.count))
            _ = copy.initialize(from: list)
            return UnsafePointer(copy.baseAddress ?? UnsafeMutablePointer.allocate(capacity: 1))
        }
        do {
            try withLibrary { library throws(ProcessError) in
                try check(
                    library.begin_exchange(
                        sent, cmpi_layout(counts: copies[0], offsets: copies[1]), received,
                        cmpi_layout(counts: copies[2], offsets: copies[3])))
            }
            var waiting = Waiting()
            while try !isExchangeDone() { try pause(&waiting, hosts) }
        } catch {
            isEnded.store(true, ordering: .relaxed)
            throw error
        }
        copies.forEach { $0.deallocate() }
    }

    private func withLibrary<Result>(
        _ body: (cmpi_library) throws(ProcessError) -> Result
    ) throws(ProcessError) -> Result {
        try state.withLock { state throws(ProcessError) in try body(state.library) }
    }

    private func isExchangeDone() throws(ProcessError) -> Bool {
        var isDone = false
        try withLibrary { library throws(ProcessError) in try check(library.exchange_is_done(&isDone)) }
        return isDone
    }

    /// A wait for something that takes all processes.
    struct Waiting {
        fileprivate let begun = ContinuousClock.now
        fileprivate var search: Search?
    }

    /// Lets a moment pass, and asks the others now and then whether they are there.
    ///
    /// - Throws: `ProcessError.notAnswering` where some have been silent for too long.
    func pause(_ waiting: inout Waiting, _ hosts: [String]) throws(ProcessError) {
        // Others may want the processor; and who waits for long wants none of it.
        guard ContinuousClock.now - waiting.begun > Watch.patience else {
            sched_yield()
            return
        }
        usleep(50)
        var search = waiting.search ?? Search(place, watch.currentTimeout)
        try ask(&search, hosts)
        waiting.search = search
    }

    /// Who was asked when.
    fileprivate struct Search {
        var timeout: Duration
        let others: [Int]
        /// What was said before does not count.
        var begun = ContinuousClock.now
        var lastAsked: ContinuousClock.Instant?

        init(_ place: Place, _ timeout: Duration) {
            self.timeout = timeout
            others = (0..<place.count).filter { $0 != place.rank }
        }
    }

    /// Asks all others now and then whether they are there.
    ///
    /// - Throws: `ProcessError.notAnswering` where some have been silent for too long.
    private func ask(_ search: inout Search, _ hosts: [String]) throws(ProcessError) {
        let (now, timeout) = (ContinuousClock.now, watch.currentTimeout)
        if timeout != search.timeout {
            search.timeout = timeout
            (search.begun, search.lastAsked) = (now, nil)
        }
        let interval = min(.seconds(1), timeout / 6)
        let isDue = search.lastAsked.map { now - $0 >= interval } ?? true
        guard isDue else { return }
        search.lastAsked = now
        let (begun, others) = (search.begun, search.others)
        let durations = try state.withLock { state throws(ProcessError) -> [Duration] in
            try state.takeNotes()
            // The others have said who was lost, and the launcher wakes a stopped process only to end it.
            if state.wasAway, watch.isBeingKilled() { return [] }
            for rank in others where now - state.heard[rank] >= interval / 2 {
                try check(state.library.send_note(Int32(clamping: rank), CMPI_ARE_YOU_THERE))
            }
            return others.map { now - max(begun, state.heard[$0]) }
        }
        guard durations.contains(where: { $0 >= timeout }) else { return }
        let silent = zip(others, durations).filter { $0.1 >= timeout - interval * 2 }
        throw .notAnswering(
            silent.map {
                ProcessError.Partner(rank: $0.0, host: hosts.indices.contains($0.0) ? hosts[$0.0] : "?")
            },
            seconds: timeout / .seconds(1))
    }

    /// Leaves, when all processes do.
    ///
    /// - Throws: `ProcessError`.
    func end() throws(ProcessError) {
        isEnded.store(true, ordering: .relaxed)
        try withLibrary { library throws(ProcessError) in try check(library.end()) }
    }

    /// Ends all processes with this code.
    func abort(_ code: Int32) {
        isEnded.store(true, ordering: .relaxed)
        state.withLock { $0.library.abort(code) }
    }
}

/// Throws what a function of the library says.
private func check(_ reason: UnsafePointer<CChar>?) throws(ProcessError) {
    if let reason { throw .failed(reason: String(cString: reason)) }
}
