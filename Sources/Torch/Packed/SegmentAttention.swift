/// Attention in which the rows of each sequence look only at the rows of the same sequence.
public struct SegmentAttention {
    private static let attention = Operator("rwsan::segment_attention")
    private static let fusedAttention = Operator("aten::_efficient_attention_forward")

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
            guard query.device == .cpu else {
                return try fused(
                    query: query, key: key, value: value, querySegments: querySegments,
                    sourceSegments: sourceSegments)
            }
            return try composed(
                query: query, key: key, value: value, querySegments: querySegments,
                sourceSegments: sourceSegments)
        }
        return try Self.attention.tensor(
            .tensor(query), .tensor(key), .tensor(value), .tensor(querySegments.offsets),
            .tensor(sourceSegments.offsets), .optional(sourceSegments.masked), .int(heads), .double(scale),
            .double(dropout.currentProbability))
    }

    /// The same in one kernel of libtorch's, which GPUs have for sequences of any lengths one below the other.
    ///
    /// Source: Rabe & Staats 2021, "Self-attention does not need O(n^2) memory", as in xFormers and PyTorch.
    func fused(
        query: Tensor, key: Tensor, value: Tensor, querySegments: Segments, sourceSegments: Segments
    ) throws(TorchError) -> Tensor {
        var query = query
        if let masked = sourceSegments.masked {
            // A question of zeros scores all keys alike, which is what masking all of them comes to.
            let rows = try querySegments.rows(of: masked).expandingAxis(1)
            query = try query.filled(where: rows, with: 0)
        }
        let attended = try Self.fusedAttention.tensor(
            .tensor(split(query, toMultipleOf: Self.fusedRank)),
            .tensor(split(key, toMultipleOf: Self.fusedRank)), .tensor(split(value)), .none,
            .tensor(querySegments.offsets), .tensor(sourceSegments.offsets),
            .int(querySegments.maximumLength), .int(sourceSegments.maximumLength),
            .double(dropout.currentProbability), 0, true, .double(scale))
        return try attended.flattened(from: 2).droppingAxis(0)
    }

    /// The fused kernel reads so many numbers of a row at a time.
    private static let fusedRank = 8

    /// Rows `[rows, heads * width]` as `[1, rows, heads, width]`, with zeros behind each head's numbers, which add
    /// nothing to a product, where the width is no multiple.
    private func split(_ rows: Tensor, toMultipleOf multiple: Int = 1) throws(TorchError) -> Tensor {
        let parts = try rows.reshaped([1, rows.size(0), heads, -1])
        let excess = parts.size(3) % multiple
        return excess == 0 ? parts : try parts.padded([(0, multiple - excess)])
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
