import Torch

// The layers that transformers of the BERT family have in common. Their parameters have the names that the Hugging Face
// hub's files give them.
//
// Shapes in the comments: B questions, whose rows (words, or regions) lie one below the other, d the width of a row.

/// The sizes of a transformer's layers.
struct TransformerSizes {
    /// The width of all rows, d.
    let width: Int
    /// How many heads an attention has.
    let heads: Int
    /// The width inside the feed-forward network.
    let feedForwardWidth: Int
    /// What norms add to the variance.
    let epsilon: Double
    /// How likely dropout sets an element to zero.
    let dropout: Double
    /// How likely dropout sets a weight of an attention to zero.
    let attentionDropout: Double
}

/// Attention of Vaswani et al. 2017, up to what merges the heads.
final class HeadAttention: Module {
    let query: Linear
    let key: Linear
    let value: Linear
    private let attention: SegmentAttention
    private let dropout: Dropout  // of the attention's weights

    init(_ sizes: TransformerSizes) throws {
        query = try Linear(sizes.width, sizes.width)
        key = try Linear(sizes.width, sizes.width)
        value = try Linear(sizes.width, sizes.width)
        dropout = Dropout(sizes.attentionDropout)
        let headWidth = Double(max(1, sizes.width / max(1, sizes.heads)))
        attention = SegmentAttention(
            heads: sizes.heads, scale: 1 / headWidth.squareRoot(), dropout: dropout)
    }

    /// - Parameters:
    ///   - x: The rows that look, `[rows, d]`.
    ///   - segments: Their sequences.
    ///   - source: The rows that they look at, `[source rows, d]`.
    ///   - sourceSegments: Their sequences.
    func callAsFunction(_ x: Tensor, _ segments: Segments, source: Tensor, _ sourceSegments: Segments)
        throws -> Tensor
    {
        try attention(
            query: query(x), key: key(source), value: value(source), querySegments: segments,
            sourceSegments: sourceSegments)
    }

    /// How much the first row of each sequence looks at each of the source: `[B, heads, 1, most source rows]`.
    func weightsOfFirst(_ x: Tensor, _ segments: Segments, source: Tensor, _ sourceSegments: Segments)
        throws -> Tensor
    {
        let single = try Segments.single(segments.count, device: x.device)
        return try attention.weights(
            query: query(x.gathered(segments.firstRows())), key: key(source), querySegments: single,
            sourceSegments: sourceSegments)
    }

    /// How many heads there are.
    var heads: Int { attention.heads }

    func roundToInt8() throws {
        for layer in [query, key, value] { try layer.roundToInt8() }
    }
}

/// The last step of a block whose norm comes last: `norm(x + dropout(linear(branch)))`.
final class NormedSum: Module {
    override class var checkpointNames: [String: String] { ["linear": "dense", "norm": "LayerNorm"] }
    let linear: Linear
    let norm: LayerNorm
    private let dropout: Dropout

    init(_ inputWidth: Int, _ sizes: TransformerSizes) throws {
        linear = try Linear(inputWidth, sizes.width)
        norm = try LayerNorm(sizes.width, epsilon: sizes.epsilon)
        dropout = Dropout(sizes.dropout)
    }

    func callAsFunction(_ x: Tensor, plus branch: Tensor) throws -> Tensor {
        try norm(linear.added(to: x, branch, dropout))
    }
}

/// A question's pieces as rows: words, positions and types, and their norm.
final class PieceEmbedding: Module {
    override class var checkpointNames: [String: String] {
        [
            "words": "word_embeddings", "positions": "position_embeddings", "types": "token_type_embeddings",
            "norm": "LayerNorm",
        ]
    }
    let words: Embedding
    let positions: Embedding
    let types: Embedding
    let norm: LayerNorm
    private let dropout: Dropout

    /// - Parameters:
    ///   - count: How many pieces there are.
    ///   - positionCount: How many places of a question have a row.
    ///   - sizes: The rows' width, the norm and dropout.
    ///   - fixesFirstRows: Whether the rows of the first place and the first type learn nothing.
    /// - Throws: `TorchError` where memory is short.
    init(
        words count: Int, positions positionCount: Int, _ sizes: TransformerSizes,
        fixesFirstRows: Bool = false
    ) throws {
        let fixedRow = fixesFirstRows ? 0 : nil
        // [PAD] learns nothing either.
        words = try Embedding(count: count, width: sizes.width, fixedRow: 0)
        positions = try Embedding(count: positionCount, width: sizes.width, fixedRow: fixedRow)
        types = try Embedding(count: 2, width: sizes.width, fixedRow: fixedRow)
        norm = try LayerNorm(sizes.width, epsilon: sizes.epsilon)
        dropout = Dropout(sizes.dropout)
    }

    /// - Parameters:
    ///   - pieces: The numbers of the pieces, int64 `[rows]`.
    ///   - segments: Which belong to which question.
    /// - Returns: `[rows, d]`
    func callAsFunction(_ pieces: Tensor, _ segments: Segments) throws -> Tensor {
        let places = try segments.positions()
        // All pieces are of the first type, for there is no second sentence: its number is that of the first place.
        let type = try types(places.narrowed(axis: 0, start: 0, length: 1))
        return try dropout(norm(words(pieces) + type + positions(places)))
    }
}
