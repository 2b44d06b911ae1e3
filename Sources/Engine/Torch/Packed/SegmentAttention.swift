/// Attention in which the rows of each sequence look only at the rows of the same sequence.
public struct SegmentAttention {
    private static let attention = Operator("rwsan::segment_attention")
    private static let fusedAttention = Operator("aten::_flash_attention_forward")

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
        if query.hasKernels, key.hasKernels, value.hasKernels {
            return try Self.attention.tensor(
                .tensor(query), .tensor(key), .tensor(value), .tensor(querySegments.offsets),
                .tensor(sourceSegments.offsets), .optional(sourceSegments.masked), .int(heads),
                .double(scale), .double(dropout.currentProbability))
        }
        let isFused = query.hasFlashAttention && key.hasFlashAttention && value.hasFlashAttention
        let attend = isFused ? fused : composed
        return try attend(query, key, value, querySegments, sourceSegments)
    }

    /// The same in one kernel of libtorch's, which GPUs have for sequences of any lengths one below the other.
    ///
    /// It wants queries, keys and values of one width: zeros behind the narrower ones add nothing to a product.
    /// Source: Dao 2023, "FlashAttention-2", as in PyTorch.
    func fused(
        query: Tensor, key: Tensor, value: Tensor, querySegments: Segments, sourceSegments: Segments
    ) throws(TorchError) -> Tensor {
        var query = query
        if let masked = sourceSegments.masked {
            // A question of zeros scores all keys alike, which is what masking all of them comes to.
            let rows = try querySegments.rows(of: masked).expandingAxis(1)
            query = try query.filled(where: rows, with: 0)
        }
        let valueWidth = value.size(1) / heads
        let width =
            (max(valueWidth, query.size(1) / heads) + Self.widthStep - 1) / Self.widthStep * Self.widthStep
        let attended = try Self.fusedAttention.tensor(
            .tensor(split(query, widenedTo: width)), .tensor(split(key, widenedTo: width)),
            .tensor(split(value, widenedTo: width)), .tensor(querySegments.offsets),
            .tensor(sourceSegments.offsets), .int(min(querySegments.maximumLength, query.size(0))),
            .int(min(sourceSegments.maximumLength, key.size(0))), .double(dropout.currentProbability),
            false, false, .double(scale))
        return try attended.narrowed(axis: 2, start: 0, length: valueWidth).flattened(from: 1)
    }

    /// The fused kernel takes widths that are multiples of this.
    private static let widthStep = 8

    /// Rows `[rows, heads * n]` as `[rows, heads, width]`, with zeros behind each head's numbers.
    private func split(_ rows: Tensor, widenedTo width: Int) throws(TorchError) -> Tensor {
        let parts = try rows.reshaped([rows.size(0), heads, -1])
        let missing = width - parts.size(2)
        return missing == 0 ? parts : try parts.padded([(0, missing)])
    }

    /// The same of libtorch's own operators, on padded copies of the segments.
    func composed(
        query: Tensor, key: Tensor, value: Tensor, querySegments: Segments, sourceSegments: Segments
    ) throws(TorchError) -> Tensor {
        let weights = try dropout(scores(query, key, querySegments, sourceSegments).softmax(axis: -1))
        return try weights.matmul(paddedHeads(value, sourceSegments)).transposed(1, 2).flattened(from: 2)
            .packed(querySegments)
    }

    /// What the values are multiplied by, without dropout: how much each row of the query looks at each of the source.
    ///
    /// It is computed apart from the attention itself, which keeps no weights.
    ///
    /// - Parameters: as those of ``callAsFunction(query:key:value:querySegments:sourceSegments:)``.
    /// - Returns: float32 `[B, heads, most query rows, most source rows]`. Rows of the query sum to 1; where the source has
    ///   ended there are zeros, and where the query has, numbers without a meaning.
    /// - Throws: `TorchError` where shapes disagree.
    public func weights(query: Tensor, key: Tensor, querySegments: Segments, sourceSegments: Segments)
        throws(TorchError) -> Tensor
    {
        try scores(query, key, querySegments, sourceSegments).converted(to: .float32).softmax(axis: -1)
    }

    /// `Q K^T · scale` on padded copies of the segments, where what must not count is replaced: `[B, heads, Lq, Ls]`.
    private func scores(
        _ query: Tensor, _ key: Tensor, _ querySegments: Segments, _ sourceSegments: Segments
    ) throws(TorchError) -> Tensor {
        let q = try paddedHeads(query, querySegments)
        let k = try paddedHeads(key, sourceSegments)
        return try sourceSegments.masking(q.matmul(k.transposed()) * scale)
    }

    /// Rows `[rows, heads * width]` as `[B, heads, L, width]`.
    private func paddedHeads(_ rows: Tensor, _ segments: Segments) throws(TorchError) -> Tensor {
        try rows.padded(segments).reshaped([segments.count, segments.maximumLength, heads, -1])
            .transposed(1, 2)
    }
}

extension Tensor {
    /// Whether libtorch's FlashAttention takes the tensor: in half precision, on a GPU of compute capability 8 or more.
    fileprivate var hasFlashAttention: Bool {
        (dtype == .float16 || dtype == .bfloat16) && device.capability >= 8
    }
}
