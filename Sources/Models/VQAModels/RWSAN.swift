import Torch
import VQABatches
import VQASettings

/// Deep Residual Weight-Sharing Attention Network with Low-Rank Attention.
///
/// Source: Qin, Hu, Zhuang, "Deep Residual Weight-Sharing Attention Network with Low-Rank Attention for
/// Visual Question Answering", IEEE TMM 2022, doi 10.1109/TMM.2022.3173131. Parameter names are those of
/// the official release.
///
/// Shapes in the comments: R regions and W words of all B questions one below the other, d the hidden
/// size (512), h heads (4), A answers. Everything but attention and pooling works row by row.
public final class RWSAN: Module, VQAModel, PoolingModel {
    public override class var checkpointNames: [String: String] {
        [
            "wordFeatures": "lstm", "regionFeatures": "img_feat_linear", "backbone": "RWSA_layer",
            "poolRegions": "attflat_img", "poolWords": "attflat_lang", "outputNorm": "proj_norm",
            "output": "proj",
        ]
    }

    /// The one form of the official release.
    public static let presets = [ModelPreset("rwsan", "RWSAN, as the official release has it.")]

    let embedding: Embedding
    let wordFeatures: LSTM
    let regionFeatures: Linear
    let backbone: Backbone
    let poolRegions: AttentionPooling
    let poolWords: AttentionPooling
    let outputNorm: StandardNorm
    let output: Linear

    /// Where GloVe's vectors can be put before training.
    public var wordEmbedding: Embedding? { embedding }

    /// The network with its start values.
    public init(_ c: RWSANOptions, inputs: ModelInputs) throws {
        embedding = try Embedding(count: inputs.wordCount, width: c.wordEmbedSize)
        wordFeatures = try LSTM(inputWidth: c.wordEmbedSize, hiddenWidth: c.hiddenSize)
        regionFeatures = try Linear(inputs.regionWidth, c.hiddenSize)
        backbone = try Backbone(c)
        poolRegions = try AttentionPooling(c.pooling)
        poolWords = try AttentionPooling(c.pooling)
        outputNorm = try StandardNorm(c.flatOutSize)
        output = try Linear(c.flatOutSize, inputs.answerCount)
    }

    /// Rounds the weights of the backbone's wide layers to 8 bits, nine tenths of the work. What decides more than
    /// it costs stays as it is: queries, keys, pooling and output.
    public func roundToInt8() throws {
        try backbone.questionLayer.unit.roundToInt8()
        try backbone.imageLayer.unit.roundToInt8()
    }

    /// Tensors of the official names.
    public static func likeness(of shapes: [String: [Int]]) -> ModelLikeness? {
        shapes.keys.contains { $0.hasPrefix("RWSA_layer.") } ? ModelLikeness(preset: "rwsan") : nil
    }

    /// The logits of every answer to every question: `[B, A]`.
    public func callAsFunction(_ batch: Batch) throws -> Tensor { try pooledLogits(batch) }

    /// The same, with what was attended to.
    public func attention(_ batch: Batch, _ choice: AttentionChoice) throws -> BatchAttention? {
        try pooledAttention(batch, choice)
    }

    var guidedLayers: (count: Int, heads: Int) {
        (backbone.guidedUnitCount, backbone.imageLayer.unit.guided.heads)
    }

    /// What comes out of the backbone: the words' rows `[W, d]` and the regions' `[R, d]`.
    func attendedRows(_ batch: Batch, _ watch: AttentionWatch?) throws -> (question: Tensor, image: Tensor) {
        let (words, regions) = (batch.wordSegments, batch.regionSegments)
        let embedded = try embedding(batch.words)  // [W, 300]
        let x = try wordFeatures(embedded.padded(words)).packed(words)  // [W, d]
        let y = try regionFeatures(batch.regions)  // [R, d]
        return try backbone(x, words, y, regions, watch)
    }
}

/// The question's layers, then the image's, each the same weights every time.
final class Backbone: Module {
    override class var checkpointNames: [String: String] {
        ["questionLayer": "srwsa", "imageLayer": "sgrwsa"]
    }
    let questionLayer: QuestionLayer
    let imageLayer: ImageLayer
    private let questionDepth: Int
    private let imageDepth: Int

    init(_ c: RWSANOptions) throws {
        questionLayer = try QuestionLayer(c)
        imageLayer = try ImageLayer(c)
        questionDepth = c.srwsaLayer
        imageDepth = c.sgrwsaLayer
    }

    func callAsFunction(
        _ words: Tensor, _ wordSegments: Segments, _ regions: Tensor, _ regionSegments: Segments,
        _ watch: AttentionWatch? = nil
    ) throws -> (question: Tensor, image: Tensor) {
        var (x, y) = (words, regions)
        for _ in 0..<questionDepth { x = try questionLayer(x, wordSegments) }
        // The question is finished before the image starts: what the image is guided by stays the same.
        let guide = try imageLayer.unit.guided.project(source: x, wordSegments)
        for _ in 0..<imageDepth { y = try imageLayer(y, regionSegments, guide, watch) }
        return (x, y)
    }

    /// How many times the guided unit is applied.
    var guidedUnitCount: Int { ImageLayer.unitCount * imageDepth }
}

/// SRWSA: one self-attention unit three times, with residuals (paper, section III-C).
final class QuestionLayer: Module {
    override class var checkpointNames: [String: String] {
        ["unit": "denceenc1", "normA": "norm1", "normB": "norm2"]
    }
    let unit: SelfUnit
    let normA: StandardNorm
    let normB: StandardNorm

    init(_ c: RWSANOptions) throws {
        unit = try SelfUnit(c.unit, rank: c.srwsaMidsize)
        normA = try StandardNorm(c.hiddenSize)
        normB = try StandardNorm(c.hiddenSize)
    }

    func callAsFunction(_ x: Tensor, _ segments: Segments) throws -> Tensor {
        let x1 = try unit(x, segments)
        let x2 = try unit(normA(x1, plus: x), segments)
        return try unit(normB(x2, plus: x), segments)
    }
}

/// SGRWSA: one guided unit three times, with residuals; where they go is not as in SRWSA.
final class ImageLayer: Module {
    override class var checkpointNames: [String: String] {
        ["unit": "dec1", "normA": "norm1", "normC": "norm3"]
    }
    let unit: GuidedUnit
    let normA: StandardNorm
    let normC: StandardNorm

    init(_ c: RWSANOptions) throws {
        unit = try GuidedUnit(
            c.unit, rank: c.sgrwsaSaMidsize, guidedRank: c.sgrwsaGaMidsize)
        normA = try StandardNorm(c.hiddenSize)
        normC = try StandardNorm(c.hiddenSize)
    }

    /// How many times it applies its unit.
    static let unitCount = 3

    func callAsFunction(
        _ y: Tensor, _ segments: Segments, _ guide: AttentionSource, _ watch: AttentionWatch? = nil
    ) throws -> Tensor {
        let y1 = try unit(y, segments, guide, watch)
        let y2 = try unit(normA(y1, plus: y), segments, guide, watch)
        let y3 = try unit(y2, segments, guide, watch)
        return try normC(y3, plus: y)
    }
}

/// The settings of RWSAN. The defaults are the official release's.
public struct RWSANOptions: SettingsGroup {
    /// How many times the question's layer is applied.
    public var srwsaLayer = 3
    /// How many times the image's layer is applied.
    public var sgrwsaLayer = 3
    /// The width of all hidden rows.
    public var hiddenSize = 512
    /// How many heads an attention has.
    public var multiHead = 4
    /// How likely dropout sets an element to zero.
    public var dropoutR = 0.1
    /// The hidden width of the pooling's scores.
    public var flatMlpSize = 256
    /// The width of the pooled rows.
    public var flatOutSize = 1024
    /// The rank of a head's queries and keys where words look at words.
    public var srwsaMidsize = 4
    /// The rank where regions look at regions.
    public var sgrwsaSaMidsize = 16
    /// The rank where regions look at words.
    public var sgrwsaGaMidsize = 64
    /// The width of a word's embedding.
    public var wordEmbedSize = 300

    /// The official defaults.
    public init() {}

    /// Every setting.
    public static let settings: [Setting<Self>] = [
        .count(
            "srwsa_layer", \.srwsaLayer, upTo: 256, "How many times the question's layer is applied."),
        .count(
            "sgrwsa_layer", \.sgrwsaLayer, upTo: 256, "How many times the image's layer is applied."),
        .count(
            "hidden_size", \.hiddenSize,
            "The width of all hidden rows, a multiple of multi_head; feed-forward networks are 4 times as wide inside."
        ),
        .count("multi_head", \.multiHead, "How many heads an attention has."),
        .number("dropout_r", \.dropoutR, in: 0..<1, "How likely dropout sets an element to zero."),
        .count("flat_mlp_size", \.flatMlpSize, "The hidden width of the pooling's scores."),
        .count("flat_out_size", \.flatOutSize, "The width of the pooled rows."),
        .count(
            "srwsa_midsize", \.srwsaMidsize,
            "The rank of a head's queries and keys where words look at words."),
        .count("sgrwsa_sa_midsize", \.sgrwsaSaMidsize, "The rank where regions look at regions."),
        .count("sgrwsa_ga_midsize", \.sgrwsaGaMidsize, "The rank where regions look at words."),
        .count("word_embed_size", \.wordEmbedSize, "The width of a word's embedding; GloVe's is 300."),
    ]

    /// The sizes of a unit: feed-forward networks are four times as wide inside.
    var unit: UnitSizes {
        UnitSizes(
            width: hiddenSize, heads: multiHead, feedForwardWidth: 4 * hiddenSize, dropout: dropoutR)
    }

    /// The sizes of AttFlat.
    var pooling: PoolingSizes {
        PoolingSizes(
            width: hiddenSize, hiddenWidth: flatMlpSize, glimpses: 1, outputWidth: flatOutSize,
            dropout: dropoutR)
    }

    /// Makes sure that the heads share the hidden width.
    public func validate() throws(ConfigurationError) {
        try requireShared(hiddenSize: hiddenSize, multiHead: multiHead)
    }
}
