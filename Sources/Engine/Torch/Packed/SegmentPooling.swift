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
        try weights(of: scores, segments).matmul(rows.padded(segments)).flattened(from: 1)
    }

    /// What the rows of each sequence are weighed by.
    ///
    /// - Parameters:
    ///   - scores: `[rows, sums]`
    ///   - segments: Which rows belong to which sequence.
    /// - Returns: `[B, sums, most rows]`, zero where a sequence has ended.
    /// - Throws: `TorchError` where shapes disagree.
    public static func weights(of scores: Tensor, _ segments: Segments) throws(TorchError) -> Tensor {
        try segments.masking(scores.padded(segments).transposed()).softmax(axis: -1)
    }
}
