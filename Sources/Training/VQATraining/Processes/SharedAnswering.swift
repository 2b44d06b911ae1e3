import Collectives
import Torch
import VQABatches
import VQADatasets
import Workers

extension Predictor {
    /// Answers all questions, in the batches that a process alone would make, of which each process takes every so many'th.
    /// All processes have all answers then, in the order of the examples.
    ///
    /// Rounds, in which each has one batch, are waited for together: so that the logits come in order and nothing is kept.
    ///
    /// - Parameters:
    ///   - builder: The questions and their images.
    ///   - share: This process's share.
    ///   - onLogits: As of ``answer(_:onLogits:onProgress:)``; all processes want them or none, and the one that writes gets
    ///     those of all.
    ///   - onProgress: The same, with the questions that all processes have answered; where one ends it, all do.
    /// - Throws: As ``answer(_:onLogits:onProgress:)``; `ProcessError`; ``PartnerFailure``.
    package func answer(
        _ builder: BatchBuilder, share: WorkShare, onLogits: ((Tensor) throws -> Void)? = nil,
        onProgress: (Int) throws -> Bool = { _ in true }
    ) throws -> Answers {
        guard let group = share.group else {
            return try answer(builder, onLogits: onLogits, onProgress: onProgress)
        }
        let wasTraining = model.isTraining
        model.setTraining(false)
        defer { model.setTraining(wasTraining) }
        let (count, size) = (builder.count, batchSize)
        let batchCount = (count + size - 1) / size
        @Sendable func rows(_ round: Int) -> Range<Int> {
            let batch = min(batchCount, round * group.count + group.rank)
            return min(count, batch * size)..<min(count, (batch + 1) * size)
        }
        let rounds = 0..<(batchCount + group.count - 1) / group.count
        let batches = Prefetcher(rounds, workers: workers) { round in
            let rows = rows(round)
            return rows.isEmpty ? nil : try builder.readableBatch(rows: rows)
        }
        defer { batches.cancel() }
        var answers = Answers()
        var isStopping = false
        for round in rounds {
            var logits: Tensor?
            let own = try share.together {
                guard let readable = try batches.next(), let batch = readable else {
                    return Part(isStopping: isStopping)
                }
                let found = try self.logits(of: batch)
                logits = found
                return Part(
                    rows: builder.rows(of: batch, among: rows(round)), best: try best(found).map(\.rawValue),
                    isStopping: isStopping)
            }
            let parts = try group.gather(messages: own)
            guard !parts.contains(where: \.isStopping) else { throw InterruptedError() }
            for part in parts {
                answers.questionIDs += part.rows.filter(builder.questionIDs.indices.contains).map {
                    builder.questionIDs[$0]
                }
                answers.best += part.best.map(AnswerIndex.init(rawValue:))
            }
            if let onLogits { try gather(logits, of: parts, group, onLogits) }
            isStopping = try !onProgress(answers.questionIDs.count)
        }
        guard try !share.anyone(isStopping) else { throw InterruptedError() }
        try share.shareUnreadable(of: builder)
        return answers
    }

    /// What a process has found in a round.
    private struct Part: Codable {
        var rows: [Int] = []
        var best: [Int32] = []
        let isStopping: Bool
    }

    /// Gives the logits of a round to the process that writes them, in the order of the questions.
    private func gather(
        _ own: Tensor?, of parts: [Part], _ group: ProcessGroup, _ onLogits: (Tensor) throws -> Void
    ) throws {
        let bytes = try own?.moved(to: .cpu).contiguous().withUnsafeBytes { Array($0) } ?? []
        for (part, bytes) in zip(parts, try group.gather(bytes, at: 0))
        where !bytes.isEmpty && !part.rows.isEmpty {
            let values = bytes.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
            try onLogits(Tensor(values, shape: [part.rows.count, values.count / part.rows.count]))
        }
    }
}

extension BatchBuilder {
    /// The rows whose questions a batch has.
    ///
    /// - Parameter rows: Those that it was made of, some of which may have been left out.
    fileprivate func rows(of batch: Batch, among rows: Range<Int>) -> [Int] {
        var answered = batch.questionIDs[...]
        return rows.filter { row in
            guard answered.first == questionIDs[row] else { return false }
            answered.removeFirst()
            return true
        }
    }
}
