/// Attention in which the rows of each sequence look only at the rows of the same sequence.
public enum SegmentAttention {
    /// What a masked position scores before the softmax.
    static let maskedScore = -5e4

    /// `dropout(softmax(Q K^T · scale)) V` per sequence and head, on padded copies of the segments.
    ///
    /// - Parameters:
    ///   - query: `[query rows, heads * rank]`
    ///   - key: `[source rows, heads * rank]`
    ///   - value: `[source rows, heads * width]`
    ///   - querySegments: The sequences of the query's rows.
    ///   - sourceSegments: The sequences of the source's rows, as many.
    ///   - heads: How many heads there are.
    ///   - scale: What the scores are multiplied by.
    ///   - dropout: Applied to the weights.
    /// - Returns: `[query rows, heads * width]`
    /// - Throws: `TorchError` where shapes disagree.
    public static func composed(
        query: Tensor, key: Tensor, value: Tensor, querySegments: Segments, sourceSegments: Segments,
        heads: Int, scale: Double, dropout: Dropout
    ) throws(TorchError) -> Tensor {
        func split(_ rows: Tensor, _ segments: Segments) throws(TorchError) -> Tensor {
            let padded = try rows.padded(segments)  // [B, L, heads * width]
            return try padded.reshaped([segments.count, segments.maximumLength, heads, -1])
                .transposed(1, 2)  // [B, heads, L, width]
        }
        let q = try split(query, querySegments)
        let k = try split(key, sourceSegments)
        let v = try split(value, sourceSegments)
        let mask = try sourceSegments.paddingMask.reshaped([sourceSegments.count, 1, 1, -1])
        let scores = try (q.matmul(k.transposed()) * scale).filled(where: mask, with: maskedScore)
        let weights = try dropout(scores.softmax(axis: -1))  // [B, heads, Lq, Ls]
        return try weights.matmul(v).transposed(1, 2).flattened(from: 2).packed(querySegments)
    }
}
