/// Attention in which the rows of each sequence look only at the rows of the same sequence.
public struct SegmentAttention {
    private static let attention = Operator("rwsan::segment_attention")

    /// How many heads there are.
    public let heads: Int
    /// What the scores are multiplied by.
    public let scale: Double
    /// Applied to the weights.
    public let dropout: Dropout

    /// - Parameters:
    ///   - heads: How many heads there are.
    ///   - scale: What the scores are multiplied by.
    ///   - dropout: Applied to the weights.
    public init(heads: Int, scale: Double, dropout: Dropout) {
        self.heads = heads
        self.scale = scale
        self.dropout = dropout
    }

    /// `dropout(softmax(Q K^T · scale)) V` in each sequence and head.
    ///
    /// - Parameters:
    ///   - query: `[query rows, heads * rank]`
    ///   - key: `[source rows, heads * rank]`
    ///   - value: `[source rows, heads * width]`
    ///   - querySegments: The sequences of the query's rows.
    ///   - sourceSegments: The sequences of the source's rows, as many.
    /// - Returns: `[query rows, heads * width]`
    /// - Throws: `TorchError` where shapes disagree.
    public func callAsFunction(
        query: Tensor, key: Tensor, value: Tensor, querySegments: Segments, sourceSegments: Segments
    ) throws(TorchError) -> Tensor {
        guard query.hasKernels, key.hasKernels, value.hasKernels else {
            return try composed(
                query: query, key: key, value: value, querySegments: querySegments,
                sourceSegments: sourceSegments)
        }
        return try Self.attention.tensor(
            .tensor(query), .tensor(key), .tensor(value), .tensor(querySegments.offsets),
            .tensor(sourceSegments.offsets), .optional(sourceSegments.masked), .int(heads), .double(scale),
            .double(dropout.currentProbability))
    }

    /// The same of libtorch's own operators, on padded copies of the segments.
    func composed(
        query: Tensor, key: Tensor, value: Tensor, querySegments: Segments, sourceSegments: Segments
    ) throws(TorchError) -> Tensor {
        func split(_ rows: Tensor, _ segments: Segments) throws(TorchError) -> Tensor {
            let padded = try rows.padded(segments)  // [B, L, heads * width]
            return try padded.reshaped([segments.count, segments.maximumLength, heads, -1])
                .transposed(1, 2)  // [B, heads, L, width]
        }
        let q = try split(query, querySegments)
        let k = try split(key, sourceSegments)
        let v = try split(value, sourceSegments)
        let scores = try sourceSegments.masking(q.matmul(k.transposed()) * scale)
        let weights = try dropout(scores.softmax(axis: -1))  // [B, heads, Lq, Ls]
        return try weights.matmul(v).transposed(1, 2).flattened(from: 2).packed(querySegments)
    }
}
