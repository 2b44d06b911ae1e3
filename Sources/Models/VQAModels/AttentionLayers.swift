import Torch

/// What attention layers are made with.
struct AttentionLayerSizes {
    /// The width of all hidden rows, d.
    let width: Int
    /// How many heads an attention has, h.
    let heads: Int
    /// The width within a feed-forward network.
    let inner: Int
    /// How likely dropout sets an element to zero.
    let dropout: Double
}

/// Words look at words, then each goes through the feed-forward network.
final class SelfUnit: Module {
    override class var checkpointNames: [String: String] { ["attention": "mhatt", "feedForward": "ffn"] }
    let attention: LowRankAttention
    let feedForward: FeedForward
    let norm1: StandardNorm
    let norm2: StandardNorm
    private let dropout: Dropout

    /// - Parameters:
    ///   - sizes: Its widths and heads.
    ///   - rank: The rank of a head's queries and keys.
    init(_ sizes: AttentionLayerSizes, rank: Int) throws {
        attention = try LowRankAttention(sizes, rank: rank)
        feedForward = try FeedForward(sizes)
        norm1 = try StandardNorm(sizes.width)
        norm2 = try StandardNorm(sizes.width)
        dropout = Dropout(sizes.dropout)
    }

    func roundToInt8() throws {
        try attention.roundToInt8()
        try feedForward.roundToInt8()
    }

    func callAsFunction(_ x: Tensor, _ segments: Segments) throws -> Tensor {
        let attended = try norm1(x, plus: attention(query: x, segments, source: x, segments), dropout)
        return try norm2(attended, plus: feedForward(attended), dropout)
    }
}

/// Regions look at regions, then at the question's words, then go through the feed-forward network.
final class GuidedUnit: Module {
    override class var checkpointNames: [String: String] {
        ["attention": "mhatt1", "guided": "mhatt2", "feedForward": "ffn"]
    }
    let attention: LowRankAttention
    let guided: LowRankAttention
    let feedForward: FeedForward
    let norm1: StandardNorm
    let norm2: StandardNorm
    let norm3: StandardNorm
    private let dropout: Dropout

    /// - Parameters:
    ///   - sizes: Its widths and heads.
    ///   - rank: The rank where regions look at regions.
    ///   - guidedRank: The rank where regions look at words.
    init(_ sizes: AttentionLayerSizes, rank: Int, guidedRank: Int) throws {
        attention = try LowRankAttention(sizes, rank: rank)
        guided = try LowRankAttention(sizes, rank: guidedRank)
        feedForward = try FeedForward(sizes)
        norm1 = try StandardNorm(sizes.width)
        norm2 = try StandardNorm(sizes.width)
        norm3 = try StandardNorm(sizes.width)
        dropout = Dropout(sizes.dropout)
    }

    func roundToInt8() throws {
        try attention.roundToInt8()
        try guided.roundToInt8()
        try feedForward.roundToInt8()
    }

    func callAsFunction(_ y: Tensor, _ segments: Segments, _ guide: AttentionSource) throws -> Tensor {
        let attended = try norm1(y, plus: attention(query: y, segments, source: y, segments), dropout)
        let informed = try norm2(attended, plus: guided(query: attended, segments, guide), dropout)
        return try norm3(informed, plus: feedForward(informed), dropout)
    }
}

/// Keys and values of the rows that attention looks at.
struct AttentionSource {
    let key: Tensor  // [rows, h * rank]
    let value: Tensor  // [rows, d]
    let segments: Segments
}

/// Multi-head attention with full-width values, and queries and keys of any rank (RWSAN's paper, section III-B); with
/// the rank of a head's width it is that of "Attention Is All You Need".
final class LowRankAttention: Module {
    override class var checkpointNames: [String: String] {
        ["value": "linear_v", "key": "linear_k", "query": "linear_q", "merge": "linear_merge"]
    }
    let value: Linear
    let key: Linear
    let query: Linear
    let merge: Linear
    private let attention: SegmentAttention
    private let dropout: Dropout  // of the attention's weights

    init(_ sizes: AttentionLayerSizes, rank: Int) throws {
        value = try Linear(sizes.width, sizes.width)
        key = try Linear(sizes.width, sizes.heads * rank)
        query = try Linear(sizes.width, sizes.heads * rank)
        merge = try Linear(sizes.width, sizes.width)
        dropout = Dropout(sizes.dropout)
        attention = SegmentAttention(
            heads: sizes.heads, scale: 1 / Double(rank).squareRoot(), dropout: dropout)
    }

    func roundToInt8() throws {
        try value.roundToInt8()
        try merge.roundToInt8()
    }

    func project(source: Tensor, _ segments: Segments) throws -> AttentionSource {
        AttentionSource(key: try key(source), value: try value(source), segments: segments)
    }

    func callAsFunction(query x: Tensor, _ segments: Segments, source: Tensor, _ sourceSegments: Segments)
        throws -> Tensor
    {
        try self(query: x, segments, project(source: source, sourceSegments))
    }

    func callAsFunction(query x: Tensor, _ segments: Segments, _ source: AttentionSource) throws -> Tensor {
        let attended = try attention(
            query: query(x), key: source.key, value: source.value, querySegments: segments,
            sourceSegments: source.segments)
        return try merge(attended)
    }
}

/// `linear(dropout(relu(linear(x))))`, wider inside.
final class FeedForward: Module {
    override class var checkpointNames: [String: String] {
        ["expand": "mlp.fc.linear", "contract": "mlp.linear"]
    }
    let expand: Linear
    let contract: Linear
    private let dropout: Dropout

    init(_ sizes: AttentionLayerSizes) throws {
        expand = try Linear(sizes.width, sizes.inner)
        contract = try Linear(sizes.inner, sizes.width)
        dropout = Dropout(sizes.dropout)
    }

    func roundToInt8() throws {
        try expand.roundToInt8()
        try contract.roundToInt8()
    }

    func callAsFunction(_ x: Tensor) throws -> Tensor { try contract(expand.relu(x, dropout)) }
}

/// AttFlat: weighted sums of a sequence's rows, `[rows, d]` to `[B, output]`.
final class AttentionPooling: Module {
    override class var checkpointNames: [String: String] {
        ["hidden": "mlp.fc.linear", "score": "mlp.linear", "merge": "linear_merge"]
    }
    let hidden: Linear
    let score: Linear
    let merge: Linear
    private let dropout: Dropout

    /// - Parameters:
    ///   - width: The width of the rows, d.
    ///   - inner: The hidden width of the scores.
    ///   - glimpses: How many weighted sums stand side by side, G.
    ///   - output: The width of the result.
    ///   - dropout: How likely an element within the scores is set to zero.
    init(width: Int, hidden inner: Int, glimpses: Int = 1, output: Int, dropout probability: Double) throws {
        hidden = try Linear(width, inner)
        score = try Linear(inner, glimpses)
        merge = try Linear(width * glimpses, output)
        dropout = Dropout(probability)
    }

    func callAsFunction(_ x: Tensor, _ segments: Segments) throws -> Tensor {
        let scores = try score(hidden.relu(x, dropout))  // [rows, G]
        return try merge(SegmentPooling.weightedSum(of: x, scores: scores, segments))
    }
}
