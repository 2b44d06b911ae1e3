import Collectives
import Torch
import VQABatches
import Workers

/// This process's share in the work of a run, or of answering many questions.
///
/// A process that is alone has all of it, tells nobody anything, and goes by what it finds itself.
package struct RunShare: Sendable {
    /// The processes that share the work; nil for this one alone.
    package let group: ProcessGroup?

    /// - Parameter group: The processes that share the work; nil for this one alone.
    package init(_ group: ProcessGroup? = nil) { self.group = group }

    /// How many processes there are.
    package var processCount: Int { group?.count ?? 1 }
    /// Which of them this one is, from 0 on.
    package var rank: Int { group?.rank ?? 0 }
    /// Whether this is the one that writes the run's files.
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

    /// What process 0 has.
    ///
    /// - Throws: `ProcessError`; what encoding throws.
    package func agreed<Message: Codable>(_ message: Message) throws -> Message {
        try group?.gather(messages: message)[0] ?? message
    }

    /// Starts the random numbers of a step anew where several processes share it, each with numbers of its own.
    ///
    /// They depend on the run's seed, the step and the rank alone, so that a run goes on with the same ones although its
    /// checkpoints hold the state of one generator.
    func seedStep(_ step: Int, of seed: UInt64) {
        guard let group else { return }
        var numbers = SplitMix64(state: seed &+ UInt64(clamping: step) &* 0xD1B5_4A32_D192_ED03)
        numbers = SplitMix64(state: numbers.next() &+ UInt64(clamping: group.rank))
        TorchRuntime.seed(numbers.next())
    }

    /// Makes images whose features one process could not read known to all.
    ///
    /// - Throws: `ProcessError`.
    package func shareUnreadable(of builder: BatchBuilder?) throws {
        guard let group, let builder, let unreadable = builder.unreadable else { return }
        // Identifiers that are texts are other numbers in each process: rows mean the same.
        var noted: [Int: String] = [:]
        let reasons = Dictionary(uniqueKeysWithValues: unreadable.all.map { ($0.image, $0.reason) })
        if !reasons.isEmpty {
            var seen: Set<Int64> = []
            for (row, image) in builder.imageIDs.enumerated() where seen.insert(image.rawValue).inserted {
                noted[row] = reasons[image]
            }
        }
        for reasons in try group.gather(messages: noted) {
            for (row, reason) in reasons where builder.imageIDs.indices.contains(row) {
                unreadable.note(builder.imageIDs[row], reason: reason)
            }
        }
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
