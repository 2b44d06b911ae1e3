import Torch

extension Batch {
    /// All tensors, in an order that is the same for batches of the same kind.
    ///
    /// - Throws: As ``regions``.
    package var tensors: [Tensor] {
        get throws(RegionsElsewhereError) {
            let rest = [words] + regionSegments.tensors + wordSegments.tensors
            return [try regions, try boxes] + rest + (targets.map { [$0] } ?? [])
        }
    }

    /// What makes two batches of a run have tensors of the same shapes, wherever they lie.
    package var form: [Int] {
        [
            count, fillerCount, regionSegments.rowCount, regionSegments.maximumLength,
            regionSegments.masked == nil ? 0 : 1, words.count, wordSegments.maximumLength,
            wordSegments.masked == nil ? 0 : 1, targets == nil ? 0 : 1,
        ]
    }

    /// Copies another batch's numbers over this one's.
    ///
    /// - Parameter other: Of the same shapes, on any device.
    /// - Throws: `TorchError` where the shapes disagree.
    package func copyTensors(from other: Batch) throws {
        let (own, others) = (try tensors, try other.tensors)
        guard own.map(\.shape) == others.map(\.shape) else {
            throw TorchError(
                operation: "batch",
                reason: "expected tensors of the shapes \(own.map(\.shape)), found \(others.map(\.shape))")
        }
        try withoutGradients { for (tensor, source) in zip(own, others) { try tensor.copy(from: source) } }
    }
}
