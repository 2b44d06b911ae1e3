import Torch
import VQABatches
import VQASettings

/// Vision-and-Language Transformer, which reads a picture's patches without a network before it.
///
/// Source: Kim, Son, Kim, "ViLT: Vision-and-Language Transformer Without Convolution or Region Supervision", ICML 2021,
/// arXiv 2102.03334; parameters have the names of the Hugging Face hub's `ViltForQuestionAnswering`.
///
/// A region is a patch: its pixels, channel by channel and row by row, and the box that tells where in the grid it lies.
/// Patches are taken row by row; transformers draws their order, which changes nothing but rounding.
///
/// Shapes in the comments: W pieces of words and R patches of all B questions one below the other, d the width of a row
/// (768), A answers.
public final class ViLT: Module, VQAModel {
    public override class var checkpointNames: [String: String] {
        [
            "words": "vilt.embeddings.text_embeddings",
            "patches": "vilt.embeddings", "layers": "vilt.encoder.layer", "norm": "vilt.layernorm",
            "pooler": "vilt.pooler.dense", "hidden": "classifier.0", "hiddenNorm": "classifier.1",
            "output": "classifier.3",
        ]
    }

    let words: PieceEmbedding
    let patches: PatchEmbedding
    let layers: [ViLTLayer]
    let norm: LayerNorm
    let pooler: Linear
    let hidden: Linear
    let hiddenNorm: LayerNorm
    let output: Linear

    /// The network with its start values.
    public init(_ c: ViLTOptions, inputs: ModelInputs) throws {
        let sizes = c.sizes
        words = try PieceEmbedding(
            words: inputs.wordCount, positions: c.maxPositionEmbeddings, sizes)
        patches = try PatchEmbedding(c)
        layers = try (0..<c.layer).map { _ in try ViLTLayer(sizes) }
        norm = try LayerNorm(sizes.width, epsilon: sizes.epsilon)
        pooler = try Linear(sizes.width, sizes.width)
        hidden = try Linear(sizes.width, 2 * sizes.width)
        // 1e-5 whatever the other norms have: the classifier is PyTorch's own layers.
        hiddenNorm = try LayerNorm(2 * sizes.width)
        output = try Linear(2 * sizes.width, inputs.answerCount)
    }

    /// Rounds the layers' weights to 8 bits; embeddings, pooler and classifier stay as they are.
    public func roundToInt8() throws {
        for layer in layers { try layer.roundToInt8() }
    }

    /// The logits of every answer to every question: `[B, A]`.
    public func callAsFunction(_ batch: Batch) throws -> Tensor {
        let (joined, rows) = try joinedRows(batch)
        return try logits(rows, joined.segments)
    }

    /// The same, with what the row of each question's [CLS] attended to.
    public func attention(_ batch: Batch, _ choice: AttentionChoice) throws -> BatchAttention? {
        let choice = choice == .output ? .layer(layers.count) : choice
        let watch = try AttentionWatch(
            choice, of: self, layers: layers.count, heads: layers.first?.attention.heads ?? 0)
        let (joined, rows) = try joinedRows(batch)
        let logits = try logits(rows, joined.segments, watch)
        return try watch.weights.first.map { weights in
            let parts = try joined.parts(weights.droppingAxis(1).packed(joined.segments))
            return try BatchAttention(logits: logits, words: parts[0], regions: parts[2], sharedIn: batch)
        }
    }

    private func logits(_ rows: Tensor, _ joined: Segments, _ watch: AttentionWatch? = nil) throws -> Tensor {
        var x = rows
        for layer in layers.dropLast() {
            try watch?.pass { [try layer.weightsOfFirst(x, joined)] }
            x = try layer(x, joined)
        }
        try layers.last.map { layer in try watch?.pass { [try layer.weightsOfFirst(x, joined)] } }
        // Of the last layer only the row of each question's [CLS] is looked at.
        let first = try layers.last.map { try $0.first(x, joined) } ?? x.gathered(joined.firstRows())
        let pooled = try pooler(norm(first)).tanh()  // [B, d]
        return try output(hiddenNorm(hidden(pooled)).gelu())  // [B, A]
    }

    /// What the first layer gets: of each question its pieces, the picture's own row, and its patches.
    func joinedRows(_ batch: Batch) throws -> (JoinedSegments, rows: Tensor) {
        let (wordSegments, regionSegments) = (batch.wordSegments, batch.regionSegments)
        let single = try Segments.single(wordSegments.count, device: batch.words.device)
        let joined = try JoinedSegments([wordSegments, single, regionSegments])
        let text = try words(batch.words, wordSegments) + patches.kind(.text)
        let picture = try patches.pictureRows(wordSegments.count)
        let rows = try joined.rows([text, picture, patches(batch.regions, batch.boxes)])
        return (joined, rows)
    }
}

/// A picture's patches as rows, and the row that stands for all of them.
final class PatchEmbedding: Module {
    override class var checkpointNames: [String: String] {
        [
            "picture": "cls_token", "positions": "position_embeddings",
            "weight": "patch_embeddings.projection.weight",
            "bias": "patch_embeddings.projection.bias", "kinds": "token_type_embeddings",
        ]
    }
    let picture: Tensor  // [1, 1, d]
    let positions: Tensor  // [1, side² + 1, d]: the picture's own, then a square grid's, row by row
    let weight: Tensor  // [d, 3, P, P]
    let bias: Tensor  // [d]
    let kinds: Embedding
    private let dropout: Dropout
    /// How many patches the grid of positions has on a side.
    private let side: Int

    private static let linear = Operator("rwsan::linear")

    enum Kind: Int {
        case text, picture
    }

    init(_ c: ViLTOptions) throws {
        side = c.imageSize / c.patchSize
        picture = try Tensor.zeros([1, 1, c.hiddenSize]).requiringGradient()
        positions = try Tensor.zeros([1, side * side + 1, c.hiddenSize]).requiringGradient()
        let bound = 1 / Double(3 * c.patchSize * c.patchSize).squareRoot()
        weight = try Tensor.uniform([c.hiddenSize, 3, c.patchSize, c.patchSize], in: -bound...bound)
            .requiringGradient()
        bias = try Tensor.uniform([c.hiddenSize], in: -bound...bound).requiringGradient()
        kinds = try Embedding(count: 2, width: c.hiddenSize)
        dropout = Dropout(c.dropoutR)
    }

    /// What is added to the rows of text, or of pictures: `[1, d]`.
    func kind(_ kind: Kind) throws -> Tensor {
        try kinds.weight.narrowed(axis: 0, start: kind.rawValue, length: 1)
    }

    /// The pictures' own rows: `[B, d]`.
    func pictureRows(_ count: Int) throws -> Tensor {
        let width = bias.count
        let row =
            try picture.reshaped([1, width])
            + positions.narrowed(axis: 1, start: 0, length: 1).reshaped([1, width])
        return try dropout(row.broadcast(to: [count, width])) + kind(.picture)
    }

    /// - Parameters:
    ///   - pixels: `[R, 3 P P]`, channel by channel and row by row.
    ///   - boxes: `[R, 4]`, the patches' corners as fractions of the picture.
    /// - Returns: `[R, d]`
    func callAsFunction(_ pixels: Tensor, _ boxes: Tensor) throws -> Tensor {
        // A convolution whose stride is its size is a product of each patch with all of its weights.
        let rows = try Self.linear.tensor(
            .tensor(pixels), .tensor(weight.flattened(from: 1)), .tensor(bias))
        return try dropout(rows + gridPositions(boxes)) + kind(.picture)
    }

    /// The grid's positions, stretched over the picture's own grid: linear between the nearest four, corners on corners.
    ///
    /// Boxes tell the grid: a patch is as wide as the picture divided by the number of columns.
    func gridPositions(_ boxes: Tensor) throws -> Tensor {
        let corners = try boxes.split([1, 1, 1, 1], axis: 1).map { try $0.reshaped([-1]) }
        let (left, right) = try neighbours(from: corners[0], to: corners[2])
        let (top, bottom) = try neighbours(from: corners[1], to: corners[3])
        let grid = try positions.narrowed(axis: 1, start: 1, length: side * side).droppingAxis(0)
        func rows(_ y: (cell: Tensor, share: Tensor), _ x: (cell: Tensor, share: Tensor)) throws -> Tensor {
            try grid.gathered((y.cell * side + x.cell).converted(to: .int64))
                * (y.share * x.share).expandingAxis(1)
        }
        return try rows(top, left) + rows(top, right) + rows(bottom, left) + rows(bottom, right)
    }

    /// On one axis: the two cells of the grid between which each patch lies, and how much each of them counts.
    private func neighbours(from low: Tensor, to high: Tensor) throws -> (
        (cell: Tensor, share: Tensor), (cell: Tensor, share: Tensor)
    ) {
        // An image without patches is one box of no width.
        let counts = try (1.0 / (high - low)).rounded().clamped(to: 1...Double(Int32.max))
        let place = try (low * counts).rounded()
        let last = Double(side - 1)
        // A grid of one has its only patch on the first cell.
        let steps = try (counts - 1).clamped(to: 1...Double(Int32.max))
        let target = try (place * last / steps).clamped(to: 0...last)
        let before = try target.floor()
        let after = try (before + 1).clamped(to: 0...last)
        let share = try target - before
        return ((before, try 1 - share), (after, share))
    }
}

/// Rows look at all rows of their question, then each goes through the feed-forward network; norms come first.
final class ViLTLayer: Module {
    override class var checkpointNames: [String: String] {
        [
            "attention": "attention.attention", "merge": "attention.output.dense",
            "expand": "intermediate.dense",
            "contract": "output.dense", "normBefore": "layernorm_before", "normAfter": "layernorm_after",
        ]
    }
    let attention: HeadAttention
    let merge: Linear
    let expand: Linear
    let contract: Linear
    let normBefore: LayerNorm
    let normAfter: LayerNorm
    private let dropout: Dropout

    init(_ sizes: TransformerSizes) throws {
        attention = try HeadAttention(sizes)
        merge = try Linear(sizes.width, sizes.width)
        expand = try Linear(sizes.width, sizes.feedForwardWidth)
        contract = try Linear(sizes.feedForwardWidth, sizes.width)
        normBefore = try LayerNorm(sizes.width, epsilon: sizes.epsilon)
        normAfter = try LayerNorm(sizes.width, epsilon: sizes.epsilon)
        dropout = Dropout(sizes.dropout)
    }

    func roundToInt8() throws {
        try attention.roundToInt8()
        for layer in [merge, expand, contract] { try layer.roundToInt8() }
    }

    /// `[rows, d]` gives `[rows, d]`.
    func callAsFunction(_ x: Tensor, _ segments: Segments) throws -> Tensor {
        let normed = try normBefore(x)
        return try finished(x, attention(normed, segments, source: normed, segments))
    }

    /// The same of the first row of each question alone: `[rows, d]` gives `[B, d]`.
    func first(_ x: Tensor, _ segments: Segments) throws -> Tensor {
        let normed = try normBefore(x)
        let rows = try segments.firstRows()
        let single = try Segments.single(segments.count, device: x.device)
        let attended = try attention(normed.gathered(rows), single, source: normed, segments)
        return try finished(x.gathered(rows), attended)
    }

    /// How much the first row of each question looks at all of its rows: `[B, heads, 1, most rows]`.
    func weightsOfFirst(_ x: Tensor, _ segments: Segments) throws -> Tensor {
        let normed = try normBefore(x)
        return try attention.weightsOfFirst(normed, segments, source: normed, segments)
    }

    private func finished(_ x: Tensor, _ attended: Tensor) throws -> Tensor {
        let informed = try merge.added(to: x, attended, dropout)
        return try contract.added(to: informed, expand.gelu(normAfter(informed)), dropout)
    }
}

// MARK: - Settings

extension ViLT {
    /// The published size.
    public static let presets = [
        ModelPreset(
            "vilt", "ViLT, as the Hugging Face hub publishes it.",
            settings: [
                "max_token": 40, "img_feat_size": 3072, "img_feat_pad_size": 260, "use_glove": false,
                "batch_size": 256, "grad_accu_steps": 16, "max_epoch": 10, "optimizer": "adamw",
                "opt_betas": [0.9, 0.98],
                "opt_eps": 1e-8, "weight_decay": 0.01, "lr_base": 1e-4, "lr_schedule": "linear",
                "warmup_ratio": 0.1,
            ])
    ]
}

/// The hyper-parameters of ViLT. The defaults are those of `dandelin/vilt-b32-finetuned-vqa`, and the dropout that its
/// authors trained it with.
public struct ViLTOptions: SettingsGroup {
    /// How many layers there are.
    public var layer = 12
    /// The width of all hidden rows.
    public var hiddenSize = 768
    /// The width inside feed-forward networks.
    public var ffSize = 3072
    /// How many heads an attention has.
    public var multiHead = 12
    /// How likely dropout sets an element to zero, of rows and not of attention's weights.
    public var dropoutR = 0.1
    /// What norms add to the variance.
    public var layerNormEps = 1e-12
    /// The side of the square picture whose grid has the stored positions, in pixels.
    public var imageSize = 384
    /// The side of a patch, in pixels.
    public var patchSize = 32
    /// How many pieces of words have a position.
    public var maxPositionEmbeddings = 40

    /// The defaults.
    public init() {}

    /// Every setting.
    public static let settings: [Setting<Self>] = [
        .count("layer", \.layer, upTo: 256, "How many layers there are."),
        .count("hidden_size", \.hiddenSize, "The width of all hidden rows, a multiple of multi_head."),
        .count("ff_size", \.ffSize, "The width inside feed-forward networks."),
        .count("multi_head", \.multiHead, "How many heads an attention has."),
        .number("dropout_r", \.dropoutR, in: 0..<1, "How likely dropout sets an element to zero."),
        .number("layer_norm_eps", \.layerNormEps, in: 0..<1, "What norms add to the variance."),
        .count(
            "image_size", \.imageSize,
            "The side of the square picture whose grid has the stored positions, a multiple of patch_size."),
        .count("patch_size", \.patchSize, upTo: 256, "The side of a patch, in pixels."),
        .count(
            "max_position_embeddings", \.maxPositionEmbeddings, "How many pieces of words have a position."),
    ]

    var sizes: TransformerSizes {
        TransformerSizes(
            width: hiddenSize, heads: multiHead, feedForwardWidth: ffSize, epsilon: layerNormEps,
            dropout: dropoutR, attentionDropout: 0)
    }

    /// Makes sure that the heads share the hidden width, and patches the picture.
    public func validate() throws(ConfigurationError) {
        try requireShared(hiddenSize: hiddenSize, multiHead: multiHead)
        guard imageSize % patchSize == 0 else {
            throw ConfigurationError(
                key: "image_size",
                reason: "expected a multiple of patch_size (\(patchSize)), found \(imageSize)")
        }
    }
}
