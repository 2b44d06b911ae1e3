import Torch
import VQABatches
import VQASettings

/// Deep Modular Co-Attention Network.
///
/// Source: Yu, Yu, Cui, Tao, Tian, "Deep Modular Co-Attention Networks for Visual Question Answering", CVPR 2019. In
/// two forms that differ in little: that of openvqa, and that of mcan-vqa, the paper's own release. Parameter names
/// are theirs. mcan-vqa's network ends in a sigmoid; what is computed here, and saved, are the logits before it.
///
/// Shapes in the comments: R regions and W words of all B questions one below the other, d the hidden size (512), A
/// answers. Everything but attention and pooling works row by row.
public final class MCAN: Module, VQAModel, PoolingModel {
    public override class var checkpointNames: [String: String] {
        [
            "wordFeatures": "lstm", "regionFeatures": "img_feat_linear", "poolRegions": "attflat_img",
            "poolWords": "attflat_lang", "outputNorm": "proj_norm", "output": "proj",
        ]
    }

    let embedding: Embedding
    let wordFeatures: LSTM
    /// openvqa's way from a region's features, and its box, to a row; nil in mcan-vqa's form.
    let adapter: RegionAdapter?
    /// mcan-vqa's; nil in openvqa's form.
    let regionFeatures: Linear?
    let backbone: CoAttention
    let poolRegions: AttentionPooling
    let poolWords: AttentionPooling
    let outputNorm: StandardNorm
    let output: Linear

    /// Where GloVe's vectors can be put before training.
    public var wordEmbedding: Embedding? { embedding }

    /// openvqa's vocabulary has a third word without a meaning, which no question uses.
    public static func reservedWords(_ options: MCANOptions) -> [String] {
        options.release == MCANOptions.openVQA ? ["CLS"] : []
    }

    /// The network with its start values.
    public init(_ c: MCANOptions, inputs: ModelInputs) throws {
        embedding = try Embedding(count: inputs.wordCount, width: c.wordEmbedSize)
        wordFeatures = try LSTM(inputWidth: c.wordEmbedSize, hiddenWidth: c.hiddenSize)
        let isOpenVQA = c.release == MCANOptions.openVQA
        adapter = isOpenVQA ? try RegionAdapter(c, regionWidth: inputs.regionWidth) : nil
        regionFeatures = isOpenVQA ? nil : try Linear(inputs.regionWidth, c.hiddenSize)
        backbone = try CoAttention(c)
        let pooling = PoolingSizes(
            width: c.hiddenSize, hiddenWidth: c.flatMlpSize, glimpses: c.flatGlimpses,
            outputWidth: c.flatOutSize, dropout: c.dropoutR)
        poolRegions = try AttentionPooling(pooling)
        poolWords = try AttentionPooling(pooling)
        outputNorm = try StandardNorm(c.flatOutSize)
        output = try Linear(c.flatOutSize, inputs.answerCount)
    }

    /// Rounds the weights of values, merging and feed-forward networks to 8 bits, five sixths of the work of the
    /// layers. What decides more than it costs stays as it is: queries, keys, pooling and output.
    public func roundToInt8() throws {
        for unit in backbone.questionUnits { try unit.roundToInt8() }
        for unit in backbone.imageUnits { try unit.roundToInt8() }
    }

    /// The logits of every answer to every question: `[B, A]`.
    public func callAsFunction(_ batch: Batch) throws -> Tensor { try pooledLogits(batch) }

    /// The same, with what was attended to.
    public func attention(_ batch: Batch, _ choice: AttentionChoice) throws -> BatchAttention? {
        try pooledAttention(batch, choice)
    }

    var guidedLayers: (count: Int, heads: Int) {
        (backbone.imageUnits.count, backbone.imageUnits.first?.guided.heads ?? 0)
    }

    /// What comes out of the backbone: the words' rows `[W, d]` and the regions' `[R, d]`.
    func attendedRows(_ batch: Batch, _ watch: AttentionWatch?) throws -> (question: Tensor, image: Tensor) {
        let words = batch.wordSegments
        let embedded = try embedding(batch.words)  // [W, 300]
        let x = try wordFeatures(embedded.padded(words)).packed(words)  // [W, d]
        return try backbone(x, words, regionRows(batch), batch.regionSegments, watch)
    }

    /// What the image's units begin with: `[R, d]`.
    private func regionRows(_ batch: Batch) throws -> Tensor {
        if let adapter { return try adapter(batch) }
        guard let regionFeatures else {
            throw TorchError(operation: "MCAN", reason: "expected a layer for regions, found none")
        }
        return try regionFeatures(batch.regions)
    }
}

/// A region's features, and where it lies if the network is told so, as a row of the hidden width.
final class RegionAdapter: Module {
    override class var checkpointNames: [String: String] {
        ["boxFeatures": "bbox_linear", "regionFeatures": "frcn_linear"]
    }
    let boxFeatures: Linear?
    let regionFeatures: Linear

    init(_ c: MCANOptions, regionWidth: Int) throws {
        boxFeatures = c.useBboxFeat ? try Linear(Self.boxWidth, c.bboxfeatEmbSize) : nil
        regionFeatures = try Linear(
            regionWidth + (c.useBboxFeat ? c.bboxfeatEmbSize : 0), c.hiddenSize)
    }

    /// Two corners and an area.
    private static let boxWidth = 5

    func callAsFunction(_ batch: Batch) throws -> Tensor {
        let features = try batch.regions  // [R, 2048]
        guard let boxFeatures else { return try regionFeatures(features) }
        let places = try boxFeatures(Self.withAreas(batch.boxes)).converted(to: features.dtype)
        return try regionFeatures(Tensor.concatenate([features, places], axis: 1))
    }

    /// x1, y1, x2, y2 as fractions of the picture, `[R, 4]`, and behind them the share of the picture that they
    /// enclose: `[R, 5]`.
    private static func withAreas(_ boxes: Tensor) throws -> Tensor {
        let corners = try boxes.split([1, 1, 1, 1], axis: 1)
        let area = try (corners[2] - corners[0]) * (corners[3] - corners[1])
        return try Tensor.concatenate([boxes, area], axis: 1)
    }
}

/// The question's units, then the image's, which the finished question guides. Each has weights of its own.
final class CoAttention: Module {
    override class var checkpointNames: [String: String] {
        ["questionUnits": "enc_list", "imageUnits": "dec_list"]
    }
    let questionUnits: [SelfUnit]
    let imageUnits: [GuidedUnit]

    init(_ c: MCANOptions) throws {
        let sizes = UnitSizes(
            width: c.hiddenSize, heads: c.multiHead, feedForwardWidth: c.ffSize, dropout: c.dropoutR)
        questionUnits = try (0..<c.layer).map { _ in try SelfUnit(sizes, rank: sizes.fullRank) }
        imageUnits = try (0..<c.layer).map { _ in
            try GuidedUnit(sizes, rank: sizes.fullRank, guidedRank: sizes.fullRank)
        }
    }

    func callAsFunction(
        _ words: Tensor, _ wordSegments: Segments, _ regions: Tensor, _ regionSegments: Segments,
        _ watch: AttentionWatch? = nil
    ) throws -> (question: Tensor, image: Tensor) {
        var (x, y) = (words, regions)
        for unit in questionUnits { x = try unit(x, wordSegments) }
        for unit in imageUnits {
            y = try unit(y, regionSegments, unit.guided.project(source: x, wordSegments), watch)
        }
        return (x, y)
    }
}

// MARK: - Presets

extension MCAN {
    /// The two sizes, as openvqa has them and as mcan-vqa has.
    public static let presets = [
        preset("mcan_small", "MCAN, as openvqa has it.", small),
        preset("mcan_large", "MCAN, twice as wide, as openvqa has it.", large + [("lr_base", 7e-5)]),
        preset(
            "mcan_release_small", "MCAN, as mcan-vqa, the paper's own release, has it.", small + ofRelease,
            split: "train+val+vg"),
        preset(
            "mcan_release_large", "MCAN, twice as wide, as mcan-vqa has it.",
            large + ofRelease + [("lr_base", 5e-5)], split: "train+val+vg"),
    ]

    private typealias Settings = [(key: String, value: SettingValue)]

    private static let small: Settings = [
        ("hidden_size", 512), ("ff_size", 2048), ("flat_out_size", 1024), ("lr_base", 1e-4),
        ("grad_accu_steps", 1),
    ]
    private static let large: Settings = [
        ("hidden_size", 1024), ("ff_size", 4096), ("flat_out_size", 2048), ("grad_accu_steps", 2),
    ]
    private static let ofRelease: Settings = [("release", .string(MCANOptions.mcanVQA))]
    private static let schedule: Settings = [
        ("max_token", 14), ("batch_size", 64), ("lr_decay_r", 0.2), ("lr_decay_list", [10, 12]),
        ("max_epoch", 13), ("opt_betas", [0.9, 0.98]), ("opt_eps", 1e-9),
    ]

    private static func preset(
        _ name: String, _ summary: String, _ settings: Settings, split: SettingValue = "train"
    ) -> ModelPreset {
        ModelPreset(
            name, summary, settings: settings + schedule, onDatasets: ["vqa-v2": [("split", split)]])
    }

    /// Which of the presets tensors of these names and shapes look like.
    public static func likeness(of shapes: [String: [Int]]) -> ModelLikeness? {
        guard shapes["backbone.enc_list.0.ffn.mlp.fc.linear.weight"] != nil,
            let width = shapes["backbone.dec_list.0.mhatt2.linear_v.weight"]?.first
        else { return nil }
        let size = width > 512 ? "large" : "small"
        if shapes["img_feat_linear.weight"] != nil { return ModelLikeness(preset: "mcan_release_\(size)") }
        guard shapes["adapter.frcn_linear.weight"] != nil else { return nil }
        let hasBoxes = shapes["adapter.bbox_linear.weight"] != nil
        return ModelLikeness(
            preset: "mcan_\(size)", settings: hasBoxes ? [("use_bbox_feat", true)] : [])
    }
}

/// The hyper-parameters of MCAN. The defaults are those of openvqa's small form.
public struct MCANOptions: SettingsGroup {
    /// The value of `release` for the form of openvqa.
    public static let openVQA = "openvqa"
    /// The value of `release` for the form of mcan-vqa.
    public static let mcanVQA = "mcan-vqa"

    /// Whose form the network has.
    public var release = MCANOptions.openVQA
    /// How many units the question has, and how many the image.
    public var layer = 6
    /// The width of all hidden rows.
    public var hiddenSize = 512
    /// The width inside feed-forward networks.
    public var ffSize = 2048
    /// How many heads an attention has.
    public var multiHead = 8
    /// How likely dropout sets an element to zero.
    public var dropoutR = 0.1
    /// The hidden width of the pooling's scores.
    public var flatMlpSize = 512
    /// How many weighted sums the pooling makes.
    public var flatGlimpses = 1
    /// The width of the pooled rows.
    public var flatOutSize = 1024
    /// Whether the network is told where regions lie.
    public var useBboxFeat = false
    /// The width of a box's embedding.
    public var bboxfeatEmbSize = 2048
    /// The width of a word's embedding.
    public var wordEmbedSize = 300

    /// The defaults.
    public init() {}

    /// Every setting.
    public static let settings: [Setting<Self>] = [
        .word(
            "release", \.release, oneOf: [openVQA, mcanVQA],
            "Whose form the network has, and whose checkpoints it reads: they name the first layer of regions differently, and openvqa's vocabulary has a word CLS more."
        ),
        .count("layer", \.layer, upTo: 256, "How many units the question has, and how many the image."),
        .count("hidden_size", \.hiddenSize, "The width of all hidden rows, a multiple of multi_head."),
        .count("ff_size", \.ffSize, "The width inside feed-forward networks; mcan-vqa's is 4 hidden_size."),
        .count("multi_head", \.multiHead, "How many heads an attention has."),
        .number("dropout_r", \.dropoutR, in: 0..<1, "How likely dropout sets an element to zero."),
        .count("flat_mlp_size", \.flatMlpSize, "The hidden width of the pooling's scores."),
        .count("flat_glimpses", \.flatGlimpses, upTo: 256, "How many weighted sums the pooling makes."),
        .count("flat_out_size", \.flatOutSize, "The width of the pooled rows."),
        .flag("use_bbox_feat", \.useBboxFeat, "Whether the network is told where regions lie."),
        .count("bboxfeat_emb_size", \.bboxfeatEmbSize, "The width of a box's embedding."),
        .count("word_embed_size", \.wordEmbedSize, "The width of a word's embedding; GloVe's is 300."),
    ]

    /// Makes sure that the heads share the hidden width, and that mcan-vqa's form is asked for no boxes.
    public func validate() throws(ConfigurationError) {
        try requireShared(hiddenSize: hiddenSize, multiHead: multiHead)
        guard release == Self.openVQA || !useBboxFeat else {
            throw ConfigurationError(
                key: "use_bbox_feat",
                reason: "expected false with release = \(release), which knows no boxes, found true")
        }
    }
}
