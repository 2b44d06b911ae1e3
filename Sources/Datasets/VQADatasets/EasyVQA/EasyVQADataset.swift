import VQASettings

/// easy-VQA as `EasyVQA/importWheel(at:into:)` puts it into VQA-v2's places: its test questions are `val`.
public final class EasyVQADataset: OfficialFormDataset {
    /// The name in a configuration.
    public static let name = "easy-vqa"
    /// What it is, in one line.
    public static let summary = "easy-VQA: 48,248 questions about 5,000 small pictures of coloured shapes."
    /// 28 words need no vectors of GloVe's.
    public static let settings: [(key: String, value: SettingValue)] = [("use_glove", false)]
    /// Those that there are questions of.
    public static let splitNames = [DatasetSplit.train, .val].map(\.rawValue)
    /// Its files.
    public let files: OfficialDataset

    /// Opens the dataset.
    public init(at place: DatasetPlace) throws { files = try OfficialDataset(at: place) }

    /// Which part is wanted, and in what sizes.
    public struct Options: DatasetOptions {
        /// What is trained on.
        public var split = "train"
        /// How many words of a question are kept.
        public var maxToken = 16
        /// How wide the features of a region are.
        public var imgFeatSize = 112
        /// How many regions of an image are kept.
        public var imgFeatPadSize = 16

        /// What block 10 of EfficientNet-Lite0 sees in pictures of 64 pixels.
        public init() {}

        /// Every setting.
        public static let settings: [Setting<Self>] = [
            .word("split", \.split, oneOf: ["train", "train+val"], "What is trained on."),
            .count("max_token", \.maxToken, upTo: 1024, "How many words of a question are kept."),
            .count("img_feat_size", \.imgFeatSize, "How wide the features of a region are."),
            .count("img_feat_pad_size", \.imgFeatPadSize, "How many regions of an image are kept."),
        ]
    }
}
