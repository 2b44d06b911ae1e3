import Collectives
import Workers

/// Packing by several processes: each goes through all input, interprets blocks of images of its own, and gives them to
/// process 0, which stores all of them in the order of the input, as a process alone does.
///
/// They go through each input in rounds, at whose ends they tell each other how far they have come: an archive may be damaged
/// where one of them alone looks.
final class SharedPacking {
    private let share: WorkShare
    private let group: ProcessGroup
    /// Of the process that stores; nil for the others.
    private let run: PackingRun?
    private let precision: FeaturePrecision
    private let items: Prefetcher<FeatureFeedItem>
    private let roundLength: Int

    /// So many bytes process 0 takes from all others at a time.
    private static let mostBytes = 1 << 30

    /// - Parameters:
    ///   - share: This process's share in the work.
    ///   - group: The processes.
    ///   - run: What stores images; nil for all but process 0.
    ///   - precision: What they are stored in.
    ///   - items: What the process makes of the input.
    init(
        _ share: WorkShare, _ group: ProcessGroup, _ run: PackingRun?, _ precision: FeaturePrecision,
        _ items: Prefetcher<FeatureFeedItem>
    ) {
        (self.share, self.group, self.run, self.precision, self.items) = (share, group, run, precision, items)
        roundLength = FeedDivision(processCount: group.count, rank: group.rank).roundLength
    }

    /// How far a process has come in an input at the end of a round.
    private struct Progress: Codable {
        /// How many images the input had for it; nil where there may be more.
        var imageCount: Int?
        /// Why it could read no more; nil where that is not so.
        var reason: String?
        /// How many bytes it has for the one that stores.
        var byteCount = 0
    }

    /// Stores everything that there is in so many inputs.
    func readAll(
        _ inputCount: Int, _ onProgress: (FeaturePacker.Progress) -> Void, _ shouldStop: () -> Bool
    ) throws {
        for _ in 0..<inputCount {
            var (isOver, end) = (false, 0)
            while !isOver {
                end += roundLength
                isOver = try readRound(to: end, onProgress)
                guard try !share.anyone(shouldStop()) else {
                    run?.interrupt()
                    return
                }
            }
        }
        run?.end()
    }

    /// Reads the images of an input up to one of them, and stores them.
    ///
    /// - Returns: Whether the input is over.
    private func readRound(to end: Int, _ onProgress: (FeaturePacker.Progress) -> Void) throws -> Bool {
        var progress = Progress()
        let own = try share.together { try take(to: end, &progress) }
        let message = run == nil ? OutcomeMessage(own, precision).bytes : []
        progress.byteCount = message.count
        let all = try share.all(progress)
        let messages = try gather(message, of: all.map(\.byteCount))
        let imageCount = all.compactMap(\.imageCount).min()
        try share.together {
            guard let run else { return }
            let others = try outcomes(in: messages)
            for item in own where item.index < imageCount ?? end {
                let item = try item.interpreted(others)
                try run.take(item)
                onProgress(run.progress(at: item.position))
            }
            let reason = all.filter { $0.imageCount == imageCount }.compactMap(\.reason).first
            if let reason {
                try run.take(FeatureFeedItem(name: "", outcome: .endedEarly(reason), index: end, position: 0))
            }
        }
        guard imageCount != nil else { return false }
        // What comes of it where another could read no more counts for nothing.
        try share.together { if progress.imageCount == nil { try skipRest() } }
        return true
    }

    /// This process's items up to one of an input's images, or the input's end.
    private func take(to end: Int, _ progress: inout Progress) throws -> [FeatureFeedItem] {
        var taken: [FeatureFeedItem] = []
        while taken.last.map({ $0.index < end - 1 }) ?? true, let item = try items.next() {
            switch item.outcome {
            case .ended: progress.imageCount = item.index
            case .endedEarly(let reason): (progress.imageCount, progress.reason) = (item.index, reason)
            default: taken.append(item)
            }
            if progress.imageCount != nil { break }
        }
        return taken
    }

    /// Reads up to the end of the input at hand.
    private func skipRest() throws {
        while let item = try items.next() {
            switch item.outcome {
            case .ended, .endedEarly: return
            default: continue
            }
        }
    }

    /// The messages of all for process 0, in pieces that MPI can carry.
    private func gather(_ message: [UInt8], of byteCounts: [Int]) throws -> [[UInt8]] {
        let piece = max(1, Self.mostBytes / group.count)
        var messages = Array(repeating: [UInt8](), count: group.count)
        for start in stride(from: 0, to: byteCounts.max() ?? 0, by: piece) {
            let part = Array(message.dropFirst(start).prefix(piece))
            for (rank, bytes) in try group.gather(part, at: 0).enumerated() { messages[rank] += bytes }
        }
        return messages
    }

    /// What the others have made of images, by their places in the input.
    private func outcomes(in messages: [[UInt8]]) throws -> [Int: OutcomeMessage.Outcome] {
        var outcomes: [Int: OutcomeMessage.Outcome] = [:]
        for (rank, bytes) in messages.enumerated() where !bytes.isEmpty {
            guard let found = OutcomeMessage.outcomes(in: bytes, precision) else {
                throw ProcessError.unreadable(group.partner(rank))
            }
            outcomes.merge(found) { $1 }
        }
        return outcomes
    }
}

extension FeatureFeedItem {
    /// The item with what the process has made of it that interprets it.
    ///
    /// - Throws: `FeatureStoreError` where none has.
    fileprivate func interpreted(_ others: [Int: OutcomeMessage.Outcome]) throws -> FeatureFeedItem {
        guard case .elsewhere(let image) = outcome else { return self }
        let found: Outcome
        switch others[index] {
        case .storable(let stored): found = .storable(StorableImage(stored, of: image))
        case .skipped(let message): found = .skipped(message)
        case nil:
            throw FeatureStoreError(
                path: name, expected: "the same input for all processes", found: "less of it for some")
        }
        return FeatureFeedItem(name: name, outcome: found, index: index, position: position)
    }
}
