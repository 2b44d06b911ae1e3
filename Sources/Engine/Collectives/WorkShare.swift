import Workers

/// This process's share in the work of a command.
///
/// A process that is alone has all of it, tells nobody anything, and goes by what it finds itself.
package struct WorkShare: Sendable {
    /// The processes that share the work; nil for this one alone.
    package let group: ProcessGroup?

    /// - Parameter group: The processes that share the work; nil for this one alone.
    package init(_ group: ProcessGroup? = nil) { self.group = group }

    /// How many processes there are.
    package var processCount: Int { group?.count ?? 1 }
    /// Which of them this one is, from 0 on.
    package var rank: Int { group?.rank ?? 0 }
    /// Whether this is the one that writes what is written once.
    package var isWriting: Bool { rank == 0 }

    /// What this process does beside the others at the same time; where one of them fails, all do, for the same reason.
    ///
    /// - Throws: What `body` throws; ``PartnerFailure`` where another process has failed; `ProcessError`.
    package func together<Result>(_ body: () throws -> Result) throws -> Result {
        guard let group else { return try body() }
        let result: Swift.Result<Result, any Error>
        do {
            result = .success(try body())
        } catch let error where error is ProcessError || error is ThreadError {
            // Nothing can be told without others, or without threads.
            throw error
        } catch {
            result = .failure(error)
        }
        let failures = try group.gather(messages: result.failureText)
        guard let rank = failures.firstIndex(where: { $0 != nil }), let cause = failures[rank] else {
            return try result.get()
        }
        if rank == group.rank { return try result.get() }
        throw PartnerFailure(partner: group.partner(rank), cause: cause)
    }

    /// Has one process of each machine do first what the others find done then: what it leaves in caches and memories of
    /// files.
    ///
    /// - Throws: As ``together(_:)``.
    package func oncePerMachine<Result>(_ body: () throws -> Result) throws -> Result {
        guard let group else { return try body() }
        let isFirst = group.localRank == 0
        let first = try together { isFirst ? try body() : nil }
        return try first ?? body()
    }

    /// Whether one of the processes wants something.
    ///
    /// - Throws: `ProcessError`.
    package func anyone(_ wish: Bool) throws -> Bool {
        guard let group else { return wish }
        return try group.gather([UInt8(wish ? 1 : 0)]).contains { $0.first == 1 }
    }

    /// What every process has, by rank.
    ///
    /// - Throws: `ProcessError`; what encoding throws.
    package func all<Message: Codable>(_ message: Message) throws -> [Message] {
        try group?.gather(messages: message) ?? [message]
    }

    /// What process 0 has.
    ///
    /// - Throws: `ProcessError`; what encoding throws.
    package func agreed<Message: Codable>(_ message: Message) throws -> Message {
        try group?.gather(messages: message)[0] ?? message
    }
}

/// What went wrong in another of the processes.
package struct PartnerFailure: Error, Sendable, CustomStringConvertible {
    /// Where.
    package let partner: ProcessError.Partner
    /// What it says of it.
    package let cause: String
    /// One line.
    package var description: String { "\(cause) (process \(partner.rank) on \(partner.host))" }
}

extension Result {
    fileprivate var failureText: String? {
        guard case .failure(let error) = self else { return nil }
        return "\(error)"
    }
}
