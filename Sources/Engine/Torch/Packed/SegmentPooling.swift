/// Sums over the rows of each sequence.
public enum SegmentPooling {
    /// The rows of each sequence, weighed by the softmax of their scores within it; several sums side by side where each
    /// row has several scores.
    ///
    /// - Parameters:
    ///   - rows: `[rows, width]`
    ///   - scores: `[rows, G]`
    ///   - segments: Which rows belong to which sequence.
    /// - Returns: `[B, G * width]`
    /// - Throws: `TorchError` where shapes disagree.
    public static func weightedSum(of rows: Tensor, scores: Tensor, _ segments: Segments) throws(TorchError)
        -> Tensor
    {
        let padded = try scores.padded(segments).transposed()  // [B, G, L]
        let weights = try segments.masking(padded).softmax(axis: -1)
        return try weights.matmul(rows.padded(segments)).flattened(from: 1)
    }
}
