import Torch
import VQASettings

// The layers of which networks of attention over regions and words are made. Their parameters have the names that
// RWSAN's release, mcan-vqa and openvqa give them alike.
//
// Shapes in the comments: B questions, whose rows (words, or regions) lie one below the other, d the width of a row.

extension SettingsGroup {
    /// Makes sure that heads share a hidden width.
    func requireShared(hiddenSize: Int, multiHead: Int) throws(ConfigurationError) {
        guard hiddenSize % multiHead == 0 else {
            throw ConfigurationError(
                key: "hidden_size",
                reason: "expected a multiple of multi_head (\(multiHead)), found \(hiddenSize)")
        }
    }
}

/// The sizes that the parts of a ``SelfUnit`` or a ``GuidedUnit`` have in common.
struct UnitSizes {
    /// The width of all rows.
    let width: Int
    /// How many heads an attention has.
    let heads: Int
    /// The width inside the feed-forward network.
    let feedForwardWidth: Int
    /// How likely dropout sets an element to zero.
    let dropout: Double

    /// The rank at which a head's queries and keys are as wide as its values.
    var fullRank: Int { width / max(heads, 1) }
}

/// Rows look at rows of their own kind, then each goes through the feed-forward network.
final class SelfUnit: Module {
    override class var checkpointNames: [String: String] { ["attention": "mhatt", "feedForward": "ffn"] }
    let attention: LowRankAttention
    let feedForward: FeedForward
    let norm1: StandardNorm
    let norm2: StandardNorm
    private let dropout: Dropout

    init(_ sizes: UnitSizes, rank: Int) throws {
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

    init(_ sizes: UnitSizes, rank: Int, guidedRank: Int) throws {
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

    func callAsFunction(
        _ y: Tensor, _ segments: Segments, _ guide: AttentionSource, _ watch: AttentionWatch? = nil
    ) throws -> Tensor {
        let attended = try norm1(y, plus: attention(query: y, segments, source: y, segments), dropout)
        try watch?.pass { [try guided.weights(query: attended, segments, guide)] }
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

/// Multi-head attention with full-width values and queries and keys of any rank (RWSAN's paper, section III-B).
///
/// At the rank d / h it is the attention of Vaswani et al. 2017.
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

    init(_ sizes: UnitSizes, rank: Int) throws {
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

    /// How much each row looks at each of the source: `[B, heads, most query rows, most source rows]`.
    func weights(query x: Tensor, _ segments: Segments, _ source: AttentionSource) throws -> Tensor {
        try attention.weights(
            query: query(x), key: source.key, querySegments: segments, sourceSegments: source.segments)
    }

    /// How many heads there are.
    var heads: Int { attention.heads }
}

/// `linear(dropout(relu(linear(x))))`, wider inside.
final class FeedForward: Module {
    override class var checkpointNames: [String: String] {
        ["expand": "mlp.fc.linear", "contract": "mlp.linear"]
    }
    let expand: Linear
    let contract: Linear
    private let dropout: Dropout

    init(_ sizes: UnitSizes) throws {
        expand = try Linear(sizes.width, sizes.feedForwardWidth)
        contract = try Linear(sizes.feedForwardWidth, sizes.width)
        dropout = Dropout(sizes.dropout)
    }

    func roundToInt8() throws {
        try expand.roundToInt8()
        try contract.roundToInt8()
    }

    func callAsFunction(_ x: Tensor) throws -> Tensor { try contract(expand.relu(x, dropout)) }
}

/// The sizes of an ``AttentionPooling``.
struct PoolingSizes {
    /// The width of the rows.
    let width: Int
    /// The width inside the network that scores them.
    let hiddenWidth: Int
    /// How many weighted sums there are, side by side.
    let glimpses: Int
    /// The width of what becomes of them.
    let outputWidth: Int
    /// How likely dropout sets an element to zero.
    let dropout: Double
}

/// AttFlat: weighted sums of a sequence's rows, one for each glimpse and merged: `[rows, d]` to `[B, output]`.
final class AttentionPooling: Module {
    override class var checkpointNames: [String: String] {
        ["hidden": "mlp.fc.linear", "score": "mlp.linear", "merge": "linear_merge"]
    }
    let hidden: Linear
    let score: Linear
    let merge: Linear
    private let dropout: Dropout

    init(_ sizes: PoolingSizes) throws {
        hidden = try Linear(sizes.width, sizes.hiddenWidth)
        score = try Linear(sizes.hiddenWidth, sizes.glimpses)
        merge = try Linear(sizes.width * sizes.glimpses, sizes.outputWidth)
        dropout = Dropout(sizes.dropout)
    }

    func callAsFunction(_ x: Tensor, _ segments: Segments) throws -> Tensor {
        try merge(SegmentPooling.weightedSum(of: x, scores: scores(x), segments))
    }

    /// What the rows are weighed by, the mean of the glimpses: float32 `[rows]`.
    func weights(_ x: Tensor, _ segments: Segments) throws -> Tensor {
        try SegmentPooling.weights(of: scores(x).converted(to: .float32), segments).mean(axes: [1])
            .packed(segments)
    }

    private func scores(_ x: Tensor) throws -> Tensor {
        try score(hidden.relu(x, dropout))  // [rows, glimpses]
    }
}
