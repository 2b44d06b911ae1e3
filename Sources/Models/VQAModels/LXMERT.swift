import Torch
import VQABatches
import VQASettings

/// Learning Cross-Modality Encoder Representations from Transformers: words and regions each go through layers of their
/// own, then look at one another.
///
/// Source: Tan, Bansal, "LXMERT: Learning Cross-Modality Encoder Representations from Transformers", EMNLP 2019,
/// arXiv 1908.07490; parameters have the names of the Hugging Face hub's `LxmertForQuestionAnswering`.
///
/// Shapes in the comments: W pieces of words and R regions of all B questions one below the other, d the width of a row
/// (768), A answers.
public final class LXMERT: Module, VQAModel {
    public override class var checkpointNames: [String: String] {
        [
            "words": "lxmert.embeddings", "regions": "lxmert.encoder.visn_fc",
            "wordLayers": "lxmert.encoder.layer",
            "regionLayers": "lxmert.encoder.r_layers", "crossLayers": "lxmert.encoder.x_layers",
            "pooler": "lxmert.pooler.dense", "hidden": "answer_head.logit_fc.0",
            "hiddenNorm": "answer_head.logit_fc.2", "output": "answer_head.logit_fc.3",
        ]
    }

    let words: PieceEmbedding
    let regions: RegionEmbedding
    let wordLayers: [PostNormLayer]
    let regionLayers: [PostNormLayer]
    let crossLayers: [CrossLayer]
    let pooler: Linear
    let hidden: Linear
    let hiddenNorm: LayerNorm
    let output: Linear

    /// The network with its start values.
    public init(_ c: LXMERTOptions, inputs: ModelInputs) throws {
        let sizes = c.sizes
        // As its authors have it: [PAD] has the number 0, and the rows of that number learn nothing in all three tables.
        words = try PieceEmbedding(
            words: inputs.wordCount, positions: c.maxPositionEmbeddings, sizes, fixesFirstRows: true)
        regions = try RegionEmbedding(inputs.regionWidth, sizes)
        wordLayers = try (0..<c.layer).map { _ in try PostNormLayer(sizes) }
        regionLayers = try (0..<c.regionLayer).map { _ in try PostNormLayer(sizes) }
        crossLayers = try (0..<c.crossLayer).map { _ in try CrossLayer(sizes) }
        pooler = try Linear(sizes.width, sizes.width)
        hidden = try Linear(sizes.width, 2 * sizes.width)
        hiddenNorm = try LayerNorm(2 * sizes.width, epsilon: sizes.epsilon)
        output = try Linear(2 * sizes.width, inputs.answerCount)
    }

    /// Rounds the layers' weights to 8 bits; embeddings, pooler and classifier stay as they are.
    public func roundToInt8() throws {
        for layer in wordLayers + regionLayers { try layer.roundToInt8() }
        for layer in crossLayers { try layer.roundToInt8() }
    }

    /// The logits of every answer to every question: `[B, A]`.
    public func callAsFunction(_ batch: Batch) throws -> Tensor { try logits(batch) }

    /// The same, with what the row of each question's [CLS] attended to.
    public func attention(_ batch: Batch, _ choice: AttentionChoice) throws -> BatchAttention? {
        let choice = choice == .output ? .layer(crossLayers.count) : choice
        let watch = try AttentionWatch(
            choice, of: self, layers: crossLayers.count, heads: crossLayers.first?.cross.attention.heads ?? 0)
        let logits = try logits(batch, watch)
        let weights = try watch.weights.map { try $0.droppingAxis(1) }
        guard weights.count == 2 else { return nil }
        return try BatchAttention(
            logits: logits, words: weights[0].packed(batch.wordSegments),
            regions: weights[1].packed(batch.regionSegments), sharedIn: batch)
    }

    private func logits(_ batch: Batch, _ watch: AttentionWatch? = nil) throws -> Tensor {
        let (wordSegments, regionSegments) = (batch.wordSegments, batch.regionSegments)
        var x = try words(batch.words, wordSegments)  // [W, d]
        for layer in wordLayers { x = try layer(x, wordSegments) }
        var y = try regions(batch.regions, batch.boxes)  // [R, d]
        for layer in regionLayers { y = try layer(y, regionSegments) }
        for layer in crossLayers.dropLast() {
            try watch?.pass { try layer.weightsOfFirst(x, wordSegments, y, regionSegments) }
            (x, y) = try layer(x, wordSegments, y, regionSegments)
        }
        try crossLayers.last.map { layer in
            try watch?.pass { try layer.weightsOfFirst(x, wordSegments, y, regionSegments) }
        }
        // Of the last layer only the row of each question's [CLS] is looked at.
        let first =
            try crossLayers.last.map { try $0.first(x, wordSegments, y, regionSegments) }
            ?? x.gathered(wordSegments.firstRows())
        let pooled = try pooler(first).tanh()  // [B, d]
        return try output(hiddenNorm(hidden(pooled).gelu()))  // [B, A]
    }
}

/// A region's features and its box as a row: the mean of both.
final class RegionEmbedding: Module {
    override class var checkpointNames: [String: String] {
        [
            "features": "visn_fc", "featureNorm": "visn_layer_norm", "boxes": "box_fc",
            "boxNorm": "box_layer_norm",
        ]
    }
    let features: Linear
    let featureNorm: LayerNorm
    let boxes: Linear
    let boxNorm: LayerNorm
    private let dropout: Dropout

    init(_ regionWidth: Int, _ sizes: TransformerSizes) throws {
        features = try Linear(regionWidth, sizes.width)
        featureNorm = try LayerNorm(sizes.width, epsilon: sizes.epsilon)
        boxes = try Linear(4, sizes.width)
        boxNorm = try LayerNorm(sizes.width, epsilon: sizes.epsilon)
        dropout = Dropout(sizes.dropout)
    }

    /// Features `[R, width]` and boxes `[R, 4]` as fractions of the picture give `[R, d]`.
    func callAsFunction(_ x: Tensor, _ places: Tensor) throws -> Tensor {
        try dropout((featureNorm(features(x)) + boxNorm(boxes(places))) / 2)
    }
}

/// Attention and what merges its heads, with the norm behind.
class NormedAttention: Module {
    override class var checkpointNames: [String: String] { ["attention": "self", "merge": "output"] }
    let attention: HeadAttention
    let merge: NormedSum

    init(_ sizes: TransformerSizes) throws {
        attention = try HeadAttention(sizes)
        merge = try NormedSum(sizes.width, sizes)
    }

    func callAsFunction(_ x: Tensor, _ segments: Segments, source: Tensor, _ sourceSegments: Segments)
        throws -> Tensor
    {
        try merge(x, plus: attention(x, segments, source: source, sourceSegments))
    }

    func roundToInt8() throws {
        try attention.roundToInt8()
        try merge.linear.roundToInt8()
    }
}

/// The same, where the hub's files call the attention `att`.
final class NormedCrossAttention: NormedAttention {
    override class var checkpointNames: [String: String] { ["attention": "att", "merge": "output"] }
}

/// Rows look at rows of their own kind, then each goes through the feed-forward network; norms come last, as in BERT.
final class PostNormLayer: Module {
    override class var checkpointNames: [String: String] {
        ["expand": "intermediate.dense", "contract": "output"]
    }
    let attention: NormedAttention
    let expand: Linear
    let contract: NormedSum

    init(_ sizes: TransformerSizes) throws {
        attention = try NormedAttention(sizes)
        expand = try Linear(sizes.width, sizes.feedForwardWidth)
        contract = try NormedSum(sizes.feedForwardWidth, sizes)
    }

    func callAsFunction(_ x: Tensor, _ segments: Segments) throws -> Tensor {
        let attended = try attention(x, segments, source: x, segments)
        return try contract(attended, plus: expand.gelu(attended))
    }

    func roundToInt8() throws {
        try attention.roundToInt8()
        for layer in [expand, contract.linear] { try layer.roundToInt8() }
    }
}

/// Words look at regions and regions at words, with one set of weights; then each kind at itself, and through a
/// feed-forward network of its own.
final class CrossLayer: Module {
    override class var checkpointNames: [String: String] {
        [
            "cross": "visual_attention", "wordAttention": "lang_self_att", "regionAttention": "visn_self_att",
            "wordExpand": "lang_inter.dense", "wordContract": "lang_output",
            "regionExpand": "visn_inter.dense",
            "regionContract": "visn_output",
        ]
    }
    let cross: NormedCrossAttention
    let wordAttention: NormedAttention
    let regionAttention: NormedAttention
    let wordExpand: Linear
    let wordContract: NormedSum
    let regionExpand: Linear
    let regionContract: NormedSum

    init(_ sizes: TransformerSizes) throws {
        cross = try NormedCrossAttention(sizes)
        wordAttention = try NormedAttention(sizes)
        regionAttention = try NormedAttention(sizes)
        wordExpand = try Linear(sizes.width, sizes.feedForwardWidth)
        wordContract = try NormedSum(sizes.feedForwardWidth, sizes)
        regionExpand = try Linear(sizes.width, sizes.feedForwardWidth)
        regionContract = try NormedSum(sizes.feedForwardWidth, sizes)
    }

    /// Words `[W, d]` and regions `[R, d]` give the same.
    func callAsFunction(_ x: Tensor, _ words: Segments, _ y: Tensor, _ regions: Segments) throws -> (
        words: Tensor, regions: Tensor
    ) {
        let informed = try cross(x, words, source: y, regions)
        let seen = try cross(y, regions, source: x, words)
        let attended = try wordAttention(informed, words, source: informed, words)
        let regarded = try regionAttention(seen, regions, source: seen, regions)
        return (
            try wordContract(attended, plus: wordExpand(attended).gelu()),
            try regionContract(regarded, plus: regionExpand(regarded).gelu())
        )
    }

    /// Of the words' part the first row of each question alone, and none of the regions': `[B, d]`.
    func first(_ x: Tensor, _ words: Segments, _ y: Tensor, _ regions: Segments) throws -> Tensor {
        let informed = try cross(x, words, source: y, regions)
        let single = try Segments.single(words.count, device: x.device)
        let attended = try wordAttention(
            informed.gathered(words.firstRows()), single, source: informed, words)
        return try wordContract(attended, plus: wordExpand(attended).gelu())
    }

    /// How much the first word of each question looks at its words, `[B, heads, 1, most words]`, and before that at its
    /// regions, `[B, heads, 1, most regions]`.
    func weightsOfFirst(_ x: Tensor, _ words: Segments, _ y: Tensor, _ regions: Segments) throws -> [Tensor] {
        let informed = try cross(x, words, source: y, regions)
        return [
            try wordAttention.attention.weightsOfFirst(informed, words, source: informed, words),
            try cross.attention.weightsOfFirst(x, words, source: y, regions),
        ]
    }

    func roundToInt8() throws {
        try cross.roundToInt8()
        for layer in [wordAttention, regionAttention] { try layer.roundToInt8() }
        for layer in [wordExpand, wordContract.linear, regionExpand, regionContract.linear] {
            try layer.roundToInt8()
        }
    }
}

// MARK: - Settings

extension LXMERT {
    /// The published size.
    public static let presets = [
        ModelPreset(
            "lxmert", "LXMERT, as the Hugging Face hub publishes it.",
            settings: [
                "max_token": 20, "img_feat_size": 2048, "img_feat_pad_size": 300, "use_glove": false,
                "batch_size": 32, "max_epoch": 4, "optimizer": "adamw", "opt_betas": [0.9, 0.999],
                "opt_eps": 1e-6, "weight_decay": 0.01, "lr_base": 5e-5, "lr_schedule": "linear",
                "warmup_ratio": 0.1,
            ])
    ]
}

/// The hyper-parameters of LXMERT. The defaults are those of `unc-nlp/lxmert-vqa-uncased`.
public struct LXMERTOptions: SettingsGroup {
    /// How many layers words have for themselves.
    public var layer = 9
    /// How many layers regions have for themselves.
    public var regionLayer = 5
    /// In how many layers words and regions look at one another.
    public var crossLayer = 5
    /// The width of all hidden rows.
    public var hiddenSize = 768
    /// The width inside feed-forward networks.
    public var ffSize = 3072
    /// How many heads an attention has.
    public var multiHead = 12
    /// How likely dropout sets an element to zero.
    public var dropoutR = 0.1
    /// How many pieces of words have a position.
    public var maxPositionEmbeddings = 512

    /// The defaults.
    public init() {}

    /// Every setting.
    public static let settings: [Setting<Self>] = [
        .count("layer", \.layer, upTo: 256, "How many layers words have for themselves."),
        .count("region_layer", \.regionLayer, upTo: 256, "How many layers regions have for themselves."),
        .count(
            "cross_layer", \.crossLayer, upTo: 256,
            "In how many layers words and regions look at one another."),
        .count("hidden_size", \.hiddenSize, "The width of all hidden rows, a multiple of multi_head."),
        .count("ff_size", \.ffSize, "The width inside feed-forward networks."),
        .count("multi_head", \.multiHead, "How many heads an attention has."),
        .number("dropout_r", \.dropoutR, in: 0..<1, "How likely dropout sets an element to zero."),
        .count(
            "max_position_embeddings", \.maxPositionEmbeddings, "How many pieces of words have a position."),
    ]

    /// Every norm has 1e-12, whatever a configuration says: so it was trained, and so transformers computes it.
    var sizes: TransformerSizes {
        TransformerSizes(
            width: hiddenSize, heads: multiHead, feedForwardWidth: ffSize, epsilon: 1e-12,
            dropout: dropoutR, attentionDropout: dropoutR)
    }

    /// Makes sure that the heads share the hidden width.
    public func validate() throws(ConfigurationError) {
        try requireShared(hiddenSize: hiddenSize, multiHead: multiHead)
    }
}
