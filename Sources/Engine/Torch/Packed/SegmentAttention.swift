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

extension Tensor {
    /// Whether libtorch's FlashAttention takes the tensor: in half precision, on a GPU of compute capability 8 or more.
    fileprivate var hasFlashAttention: Bool {
        (dtype == .float16 || dtype == .bfloat16) && device.capability >= 8
    }
}
