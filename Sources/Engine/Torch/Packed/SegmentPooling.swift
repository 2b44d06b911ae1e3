/// Sums over the rows of each sequence.
public enum SegmentPooling {
    /// The rows of each sequence, weighed by the softmax of their scores within it: as many sums side by side as each
    /// row has scores.
    ///
    /// - Parameters:
    ///   - rows: `[rows, width]`
    ///   - scores: `[rows, sums]`
    ///   - segments: Which rows belong to which sequence.
    /// - Returns: `[B, sums * width]`
    /// - Throws: `TorchError` where shapes disagree.
    public static func weightedSum(of rows: Tensor, scores: Tensor, _ segments: Segments) throws(TorchError)
        -> Tensor
    {
        let padded = try scores.padded(segments).transposed()  // [B, sums, L]
        let weights = try segments.masking(padded).softmax(axis: -1)
        return try weights.matmul(rows.padded(segments)).flattened(from: 1)
    }
}
