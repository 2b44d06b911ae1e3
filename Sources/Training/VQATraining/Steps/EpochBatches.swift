import Collectives
import VQABatches

/// The batches of an epoch, in the parts that are learned at once.
///
/// A step's questions are divided into `parts`, whose gradients add up, and each part among the processes and their devices.
struct EpochBatches: Sendable {
    /// The questions of the epoch, by row.
    let rows: [Int]
    /// How many questions a step has.
    let batchSize: Int
    /// In how many parts a device learns its share.
    let parts: Int
    /// This process's share in the work.
    var share = WorkShare()
    /// Whether the processes' batches of a part are filled up to one shape: recordings that take all GPUs are started by all.
    var areAlike = false
    /// What makes each device's batches.
    let builders: [BatchBuilder]

    /// How many batches a step takes.
    var batchesPerStep: Int { parts * builders.count }

    /// A batch, counted from the epoch's start: all devices' batches of a part follow one another.
    ///
    /// - Returns: Nil where all its questions are left out.
    /// - Throws: What building it throws.
    func batch(at index: Int) throws -> Batch? {
        let (part, device) = index.quotientAndRemainder(dividingBy: builders.count)
        let size = batchSize / parts
        let start = part * size
        let (place, count) = (share.rank * builders.count + device, share.processCount * builders.count)
        func questions(_ place: Int) -> ArraySlice<Int> {
            rows[start + size * place / count..<start + size * (place + 1) / count]
        }
        guard areAlike else { return try builders[device].readableBatch(rows: questions(place)) }
        return try builders[device].batch(rows: questions(place), alike: (0..<count).map(questions))
    }
}
