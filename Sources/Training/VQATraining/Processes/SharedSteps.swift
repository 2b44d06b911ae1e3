import Collectives
import Torch
import VQABatches

extension WorkShare {
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
