import FileSystem
import Foundation

/// The processes that a launcher has started to share the work of one command, on one machine or many.
///
/// All of them call the same methods in the same order, each from one thread. What is added up is added in one order,
/// whenever it comes, so that sums are the same bits each time and in every process. MPI carries the bytes; none of
/// its own arithmetic is used, for the order of that is not stated.
package final class ProcessGroup: Sendable {
    /// Which of the processes this one is, from 0 on.
    package var rank: Int { connection.place.rank }
    /// How many there are: two or more.
    package var count: Int { connection.place.count }
    /// Which of those on its machine this one is, from 0 on.
    package var localRank: Int { connection.place.localRank }
    /// How many are on its machine.
    package var localCount: Int { connection.place.localCount }
    /// The name of each process's machine, by rank.
    package let hosts: [String]

    let connection: Connection

    /// Joins the processes that a launcher has started.
    ///
    /// - Parameters:
    ///   - launch: What it has told this one.
    ///   - timeout: How long is waited for a process that does not answer.
    ///   - isBeingKilled: Whether the launcher has asked the process to end, and will kill it in a second.
    ///   - environment: Says where the user's cache is.
    /// - Returns: Nil where there is one process alone.
    /// - Throws: `ProcessError` where MPI is not set up or finds other processes; `ThreadError` where the system makes no
    ///   thread.
    package static func join(
        _ launch: Launch, timeout: Duration, isBeingKilled: @escaping @Sendable () -> Bool,
        environment: [String: String]
    ) throws -> ProcessGroup? {
        guard launch.count != 1 else { return nil }
        let connection = try Connection(
            MPILibrary.load(environment), .init(timeout: timeout, isBeingKilled: isBeingKilled))
        let found = connection.place.count
        if let started = launch.count, started != found {
            throw ProcessError.otherCount(started: started, found: found)
        }
        guard found > 1 else {
            try connection.end()
            return nil
        }
        return try ProcessGroup(connection)
    }

    private init(_ connection: Connection) throws(ProcessError) {
        self.connection = connection
        let names = try Self.gather(Array(connection.place.host.utf8), connection, hosts: [])
        hosts = names.map { String(decoding: $0, as: UTF8.self) }
    }

    /// A process, for errors.
    package func partner(_ rank: Int) -> ProcessError.Partner {
        ProcessError.Partner(rank: rank, host: hosts.indices.contains(rank) ? hosts[rank] : "?")
    }

    // MARK: - Messages

    /// Waits until all processes have come here.
    ///
    /// - Throws: `ProcessError`.
    package func waitForAll() throws(ProcessError) { _ = try gather([UInt8]()) }

    /// Waits for what no message tells, such as work of GPUs that takes those of all processes.
    ///
    /// - Parameter isDone: Asked again and again.
    /// - Throws: `ProcessError` where a process no longer answers; what `isDone` throws.
    package func wait(until isDone: () throws -> Bool) throws {
        var waiting = Connection.Waiting()
        while try !isDone() { try connection.pause(&waiting, hosts) }
    }

    /// Looks for a process that no longer answers, for as long as it takes to be sure: an error of something that takes all
    /// processes may come of that.
    ///
    /// - Throws: `ProcessError` where there is one.
    package func lookForLost() throws(ProcessError) {
        let deadline = ContinuousClock.now + connection.timeout + .seconds(1)
        var waiting = Connection.Waiting()
        while ContinuousClock.now < deadline { try connection.pause(&waiting, hosts) }
    }

    /// Every process's bytes, by rank, for all of them.
    ///
    /// - Throws: `ProcessError`.
    package func gather(_ bytes: [UInt8]) throws(ProcessError) -> [[UInt8]] {
        try Self.gather(bytes, connection, hosts: hosts)
    }

    /// Every process's bytes, by rank, for one of them; none for the others.
    ///
    /// - Throws: `ProcessError`.
    package func gather(_ bytes: [UInt8], at receiver: Int) throws(ProcessError) -> [[UInt8]] {
        try Self.gather(bytes, connection, hosts: hosts, receiver: receiver)
    }

    /// Every process's numbers, by rank, for all of them.
    ///
    /// - Throws: `ProcessError`.
    package func gather(_ numbers: [Double]) throws(ProcessError) -> [[Double]] {
        let bytes = numbers.withUnsafeBytes { Array($0) }
        return try gather(bytes).map { bytes in
            bytes.withUnsafeBytes { bytes in
                (0..<bytes.count / 8).map { bytes.loadUnaligned(fromByteOffset: $0 * 8, as: Double.self) }
            }
        }
    }

    /// Every process's message, by rank, for all of them.
    ///
    /// - Throws: `ProcessError`; what encoding throws.
    package func gather<Message: Codable>(messages message: Message) throws -> [Message] {
        let encoded = try JSONEncoder().encode([message])
        return try gather([UInt8](encoded)).enumerated().map { rank, bytes in
            guard let message = try? JSONDecoder().decode([Message].self, from: Data(bytes)).first else {
                throw ProcessError.unreadable(partner(rank))
            }
            return message
        }
    }

    private static func gather(
        _ bytes: [UInt8], _ connection: Connection, hosts: [String], receiver: Int? = nil
    ) throws(ProcessError) -> [[UInt8]] {
        let (rank, count) = (connection.place.rank, connection.place.count)
        func contiguous(_ lengths: [Int]) -> Connection.Layout {
            let starts = lengths.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1) }
            return Connection.Layout(
                counts: lengths.map { Int32(clamping: $0) },
                offsets: starts.dropLast().map { Int32(clamping: $0) })
        }
        func exchanged(_ sent: [UInt8], _ lengths: [Int], receiving: Bool) throws(ProcessError) -> [UInt8] {
            // A byte lies between the two: where nothing is sent they would begin at one place, which Open MPI takes for a wish
            // to send what is received.
            let memory = UnsafeMutableBufferPointer<UInt8>.allocate(
                capacity: sent.count + 1 + lengths.reduce(0, +))
            _ = memory.initialize(from: sent)
            let (own, arrived) = (memory.baseAddress, memory.baseAddress.map { $0 + sent.count + 1 })
            let layout = Connection.Layout(
                counts: (0..<count).map {
                    receiver == nil || $0 == receiver || !receiving ? Int32(clamping: sent.count) : 0
                },
                offsets: Array(repeating: 0, count: count))
            try connection.exchange(own, layout, arrived, contiguous(lengths), hosts: hosts)
            defer { memory.deallocate() }
            return Array(UnsafeBufferPointer(start: arrived, count: lengths.reduce(0, +)))
        }
        // First the lengths, to all.
        let told = withUnsafeBytes(of: Int64(bytes.count)) { Array($0) }
        let answer = try exchanged(told, Array(repeating: told.count, count: count), receiving: false)
        let lengths = answer.withUnsafeBytes { answer in
            (0..<count).map { Int(answer.loadUnaligned(fromByteOffset: $0 * 8, as: Int64.self)) }
        }
        let total = lengths.reduce(0) { $0.addingClamped(max(0, $1)) }
        guard lengths.allSatisfy({ $0 >= 0 }), total <= Int32.max else { throw .tooLong(byteCount: total) }
        guard total > 0 else { return Array(repeating: [], count: count) }
        let isReceiving = receiver == nil || receiver == rank
        let all = try exchanged(
            bytes, isReceiving ? lengths : Array(repeating: 0, count: count), receiving: true)
        guard isReceiving else { return Array(repeating: [], count: count) }
        var start = 0
        return lengths.map { length in
            defer { start += length }
            return Array(all[start..<start + length])
        }
    }

    // MARK: - The end

    /// Leaves, when all processes have come here.
    ///
    /// - Throws: `ProcessError`.
    package func leave() throws(ProcessError) {
        try waitForAll()
        try connection.end()
    }

    /// Ends all processes with this code.
    package func abort(_ code: Int32) { connection.abort(code) }
}
