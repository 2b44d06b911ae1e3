import Torch
import VQABatches
import VQASettings

/// Deep Modular Co-Attention Network, RWSAN's ancestor.
///
/// Source: Yu, Yu, Cui, Tao, Tian, "Deep Modular Co-Attention Networks for Visual Question Answering", CVPR 2019.
/// Parameter names are those of MILVLG's openvqa, or of the older release mcan-vqa, which ends in a sigmoid that is
/// part of the loss here: both give logits.
///
/// Shapes in the comments: R regions and W words of all B questions one below the other, d the hidden size (512),
/// A answers. Everything but attention and pooling works row by row.
public final class MCAN: Module, VQAModel {
    public override class var checkpointNames: [String: String] {
        [
            "wordFeatures": "lstm", "releaseFeatures": "img_feat_linear", "poolRegions": "attflat_img",
            "poolWords": "attflat_lang", "outputNorm": "proj_norm", "output": "proj",
        ]
    }

    let embedding: Embedding
    let wordFeatures: LSTM
    /// What brings regions to the hidden width: of openvqa, and of the older release.
    let adapter: RegionAdapter?
    let releaseFeatures: Linear?
    let backbone: CoAttention
    let poolRegions: AttentionPooling
    let poolWords: AttentionPooling
    let outputNorm: StandardNorm
    let output: Linear

    /// Where GloVe's vectors can be put before training.
    public var wordEmbedding: Embedding? { embedding }

    /// openvqa's vocabulary has a word for classifying that no question has, and that takes a number all the same.
    public static func reservedWords(_ options: MCANOptions) -> [String] {
        options.release == MCANOptions.openvqa ? ["CLS"] : []
    }

    /// The network with its start values.
    public init(_ c: MCANOptions, inputs: ModelInputs) throws {
        embedding = try Embedding(count: inputs.wordCount, width: c.wordEmbedSize)
        wordFeatures = try LSTM(inputWidth: c.wordEmbedSize, hiddenWidth: c.hiddenSize)
        let isOpenVQA = c.release == MCANOptions.openvqa
        adapter = isOpenVQA ? try RegionAdapter(c, regionWidth: inputs.regionWidth) : nil
        releaseFeatures = isOpenVQA ? nil : try Linear(inputs.regionWidth, c.hiddenSize)
        backbone = try CoAttention(c)
        func pooling() throws -> AttentionPooling {
            try AttentionPooling(
                width: c.hiddenSize, hidden: c.flatMlpSize, glimpses: c.flatGlimpses, output: c.flatOutSize,
                dropout: c.dropoutR)
        }
        poolRegions = try pooling()
        poolWords = try pooling()
        outputNorm = try StandardNorm(c.flatOutSize)
        output = try Linear(c.flatOutSize, inputs.answerCount)
    }

    /// Rounds the weights of the backbone's wide layers to 8 bits; queries, keys, pooling and output stay as they are.
    public func roundToInt8() throws {
        for layer in backbone.questionLayers { try layer.roundToInt8() }
        for layer in backbone.imageLayers { try layer.roundToInt8() }
    }

    /// The logits of every answer to every question: `[B, A]`.
    public func callAsFunction(_ batch: Batch) throws -> Tensor {
        let (words, regions) = (batch.wordSegments, batch.regionSegments)
        let embedded = try embedding(batch.words)  // [W, 300]
        var x = try wordFeatures(embedded.padded(words)).packed(words)  // [W, d]
        var y = try regionRows(batch)  // [R, d]
        (x, y) = try backbone(x, words, y, regions)
        let pooled = try poolWords(x, words) + poolRegions(y, regions)  // [B, 1024]
        return try output(outputNorm(pooled))  // [B, A]
    }

    private func regionRows(_ batch: Batch) throws -> Tensor {
        if let adapter { return try adapter(batch) }
        guard let releaseFeatures else {
            throw TorchError(operation: "MCAN", reason: "expected an adapter for regions, found none")
        }
        return try releaseFeatures(batch.regions)
    }
}

/// Brings regions, with their boxes where these are used, to the hidden width.
final class RegionAdapter: Module {
    override class var checkpointNames: [String: String] {
        ["boxFeatures": "bbox_linear", "regionFeatures": "frcn_linear"]
    }
    let boxFeatures: Linear?
    let regionFeatures: Linear

    init(_ c: MCANOptions, regionWidth: Int) throws {
        boxFeatures = c.useBboxFeat ? try Linear(5, c.bboxfeatEmbSize) : nil
        regionFeatures = try Linear(regionWidth + (c.useBboxFeat ? c.bboxfeatEmbSize : 0), c.hiddenSize)
    }

    func callAsFunction(_ batch: Batch) throws -> Tensor {
        guard let boxFeatures else { return try regionFeatures(batch.regions) }
        let boxes = try batch.boxes  // [R, 4], fractions of the image
        func column(_ index: Int) throws -> Tensor { try boxes.narrowed(axis: 1, start: index, length: 1) }
        let area = try (column(2) - column(0)) * (column(3) - column(1))
        let features = try boxFeatures(Tensor.concatenate([boxes, area], axis: 1))
        let regions = try batch.regions
        return try regionFeatures(
            Tensor.concatenate([regions, features.converted(to: regions.dtype)], axis: 1))
    }
}

/// The question's layers, then the image's, each with weights of its own.
final class CoAttention: Module {
    override class var checkpointNames: [String: String] {
        ["questionLayers": "enc_list", "imageLayers": "dec_list"]
    }
    let questionLayers: [SelfUnit]
    let imageLayers: [GuidedUnit]

    init(_ c: MCANOptions) throws {
        let sizes = AttentionLayerSizes(
            width: c.hiddenSize, heads: c.multiHead, inner: c.ffSize, dropout: c.dropoutR)
        let rank = c.hiddenSize / c.multiHead
        questionLayers = try (0..<c.layer).map { _ in try SelfUnit(sizes, rank: rank) }
        imageLayers = try (0..<c.layer).map { _ in try GuidedUnit(sizes, rank: rank, guidedRank: rank) }
    }

    func callAsFunction(
        _ words: Tensor, _ wordSegments: Segments, _ regions: Tensor, _ regionSegments: Segments
    ) throws -> (question: Tensor, image: Tensor) {
        var (x, y) = (words, regions)
        for layer in questionLayers { x = try layer(x, wordSegments) }
        for layer in imageLayers {
            y = try layer(y, regionSegments, layer.guided.project(source: x, wordSegments))
        }
        return (x, y)
    }
}

/// The settings of MCAN. The defaults are those of openvqa's small model.
public struct MCANOptions: SettingsGroup {
    static let openvqa = "openvqa"
    static let mcanVQA = "mcan-vqa"

    /// Whose names the tensors have: `openvqa` or `mcan-vqa`.
    public var release = Self.openvqa
    /// How many layers the question has, and how many the image.
    public var layer = 6
    /// The width of all hidden rows.
    public var hiddenSize = 512
    /// The width within a feed-forward network.
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
    /// Whether a region's box is looked at.
    public var useBboxFeat = false
    /// The width to which a box is brought.
    public var bboxfeatEmbSize = 2048
    /// The width of a word's embedding.
    public var wordEmbedSize = 300

    /// The small model.
    public init() {}

    /// Every setting.
    public static let settings: [Setting<Self>] = [
        .word(
            "release", \.release, oneOf: [openvqa, mcanVQA],
            "Whose names the tensors have, for checkpoints from there."),
        .count("layer", \.layer, upTo: 64, "How many layers the question has, and how many the image."),
        .count("hidden_size", \.hiddenSize, "The width of all hidden rows, a multiple of multi_head."),
        .count("ff_size", \.ffSize, "The width within a feed-forward network."),
        .count("multi_head", \.multiHead, "How many heads an attention has."),
        .number("dropout_r", \.dropoutR, in: 0..<1, "How likely dropout sets an element to zero."),
        .count("flat_mlp_size", \.flatMlpSize, "The hidden width of the pooling's scores."),
        .count("flat_glimpses", \.flatGlimpses, upTo: 64, "How many weighted sums the pooling makes."),
        .count("flat_out_size", \.flatOutSize, "The width of the pooled rows."),
        .flag("use_bbox_feat", \.useBboxFeat, "Whether a region's box is looked at."),
        .count("bboxfeat_emb_size", \.bboxfeatEmbSize, "The width to which a box is brought."),
        .count("word_embed_size", \.wordEmbedSize, "The width of a word's embedding; GloVe's is 300."),
    ]

    /// Makes sure that the heads share the hidden width, and that the older release has no boxes.
    public func validate() throws(ConfigurationError) {
        guard hiddenSize % multiHead == 0 else {
            throw ConfigurationError(
                key: "hidden_size",
                reason: "expected a multiple of multi_head (\(multiHead)), found \(hiddenSize)")
        }
        guard !useBboxFeat || release == Self.openvqa else {
            throw ConfigurationError(
                key: "use_bbox_feat", reason: "expected false with release = \(release), found true")
        }
    }
}

extension MCAN {
    /// openvqa's models on VQA-v2, and those of mcan-vqa, with what they were trained with.
    public static let presets = [
        ModelPreset("mcan_small", "MCAN of openvqa: 6 layers, 512 wide.", settings: small),
        ModelPreset(
            "mcan_large", "MCAN of openvqa: 6 layers, 1,024 wide.", settings: large + [("lr_base", 7e-5)]),
        ModelPreset("mcan_release_small", "MCAN of mcan-vqa: 6 layers, 512 wide.", settings: small + release),
        ModelPreset(
            "mcan_release_large", "MCAN of mcan-vqa: 6 layers, 1,024 wide.",
            settings: large + release + [("lr_base", 5e-5)]),
    ]

    private static let small: [(key: String, value: SettingValue)] = [
        ("max_token", 14), ("lr_decay_list", [10, 12]), ("max_epoch", 13),
    ]
    private static let large: [(key: String, value: SettingValue)] =
        small + [
            ("hidden_size", 1024), ("ff_size", 4096), ("flat_out_size", 2048), ("grad_accu_steps", 2),
        ]
    private static let release: [(key: String, value: SettingValue)] = [
        ("release", .string(MCANOptions.mcanVQA)), ("split", "train+val+vg"),
    ]
}
