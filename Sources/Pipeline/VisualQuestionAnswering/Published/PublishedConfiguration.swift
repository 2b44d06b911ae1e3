import VQASettings

/// What the `config.json` of a published model says of its network. Keys that it leaves out have transformers' defaults.
///
/// Format: https://huggingface.co/docs/transformers/main_classes/configuration
struct PublishedConfiguration: Decodable {
    let architectures: [String]?
    let answers: [String: String]?

    private let activation: String?
    private let hiddenSize: Int?
    private let feedForwardSize: Int?
    private let headCount: Int?
    private let dropout: Double?
    private let wordCount: Int?
    private let positionCount: Int?
    private let typeCount: Int?
    private let answerCount: Int?
    // ViLT's.
    private let layerCount: FlexibleCount?
    private let epsilon: Double?
    private let imageSize: Int?
    private let patchSize: Int?
    private let channelCount: Int?
    private let kindCount: Int?
    private let hasBiases: Bool?
    private let longestImage: Int?
    // LXMERT's.
    private let wordLayerCount: Int?
    private let regionLayerCount: Int?
    private let crossLayerCount: Int?
    private let regionWidth: Int?
    private let boxWidth: Int?

    private enum CodingKeys: String, CodingKey {
        case architectures
        case answers = "id2label"
        case activation = "hidden_act"
        case hiddenSize = "hidden_size"
        case feedForwardSize = "intermediate_size"
        case headCount = "num_attention_heads"
        case dropout = "hidden_dropout_prob"
        case wordCount = "vocab_size"
        case positionCount = "max_position_embeddings"
        case typeCount = "type_vocab_size"
        case answerCount = "num_qa_labels"
        case layerCount = "num_hidden_layers"
        case epsilon = "layer_norm_eps"
        case imageSize = "image_size"
        case patchSize = "patch_size"
        case channelCount = "num_channels"
        case kindCount = "modality_type_vocab_size"
        case hasBiases = "qkv_bias"
        case longestImage = "max_image_length"
        case wordLayerCount = "l_layers"
        case regionLayerCount = "r_layers"
        case crossLayerCount = "x_layers"
        case regionWidth = "visual_feat_dim"
        case boxWidth = "visual_pos_dim"
    }

    /// A number; LXMERT's file has an object in its place, which says nothing that other keys do not.
    private struct FlexibleCount: Decodable {
        let value: Int?

        init(from decoder: any Decoder) throws {
            let isObject = (try? decoder.container(keyedBy: AnyKey.self)) != nil
            value = isObject ? nil : try decoder.singleValueContainer().decode(Int.self)
        }

        private struct AnyKey: CodingKey {
            let stringValue: String
            let intValue: Int? = nil
            init?(stringValue: String) { self.stringValue = stringValue }
            init?(intValue: Int) { nil }
        }
    }
}

/// The published models that can be read.
enum PublishedArchitecture: String, CaseIterable {
    case viLT = "ViltForQuestionAnswering"
    case lxmert = "LxmertForQuestionAnswering"

    /// Its name among the models.
    var model: String {
        switch self {
        case .viLT: "vilt"
        case .lxmert: "lxmert"
        }
    }

    /// How many pieces of a question it was trained on, [CLS] and [SEP] with them; nil where its positions say it.
    var wordLimit: Int? {
        switch self {
        case .viLT: nil
        case .lxmert: 20
        }
    }
}

extension PublishedConfiguration {
    /// What is asked for and not computed here, in one line; nil where there is nothing.
    func problem(_ architecture: PublishedArchitecture) -> String? {
        if let activation, activation != "gelu" {
            return "hidden_act: expected gelu, found '\(activation)'"
        }
        let fixed: [(CodingKeys, Int?, Int)] =
            switch architecture {
            case .viLT:
                [
                    (.channelCount, channelCount, 3), (.typeCount, typeCount, 2), (.kindCount, kindCount, 2),
                    (.longestImage, longestImage, -1),
                ]
            case .lxmert: [(.boxWidth, boxWidth, 4), (.typeCount, typeCount, 2)]
            }
        for (key, found, expected) in fixed {
            if let found, found != expected { return "\(key.rawValue): expected \(expected), found \(found)" }
        }
        if hasBiases == false { return "qkv_bias: expected true, found false" }
        return nil
    }

    /// How many words the vocabulary has.
    var vocabularySize: Int { wordCount ?? 30522 }

    /// A question has no more words; LXMERT reads 20 of them, though it has positions for more.
    private static let mostWords = 1024

    /// The side of a patch, in pixels.
    var patchSide: Int { patchSize ?? 32 }

    /// How many answers an LXMERT has.
    var lxmertAnswerCount: Int { answerCount ?? 9500 }

    /// The network's settings, by key.
    func settings(_ architecture: PublishedArchitecture) -> [(key: String, value: SettingValue)] {
        let shared: [(key: String, value: SettingValue)] = [
            ("model", .string(architecture.model)), ("hidden_size", .int(hiddenSize ?? 768)),
            ("ff_size", .int(feedForwardSize ?? 3072)), ("multi_head", .int(headCount ?? 12)),
        ]
        switch architecture {
        case .viLT:
            let positions = positionCount ?? 40
            // Of a patch's three channels; bounded, so that no product of numbers from a file overflows.
            let side = min(max(0, patchSide), 1 << 10)
            return shared + [
                ("dropout_r", .double(dropout ?? 0)), ("layer", .int(layerCount?.value ?? 12)),
                ("layer_norm_eps", .double(epsilon ?? 1e-12)), ("image_size", .int(imageSize ?? 384)),
                ("patch_size", .int(patchSide)), ("max_position_embeddings", .int(positions)),
                ("max_token", .int(min(positions, Self.mostWords))), ("img_feat_size", .int(3 * side * side)),
            ]
        case .lxmert:
            return shared + [
                ("dropout_r", .double(dropout ?? 0.1)), ("layer", .int(wordLayerCount ?? 9)),
                ("region_layer", .int(regionLayerCount ?? 5)), ("cross_layer", .int(crossLayerCount ?? 5)),
                ("max_position_embeddings", .int(positionCount ?? 512)),
                ("max_token", .int(min(positionCount ?? 512, architecture.wordLimit ?? 20))),
                ("img_feat_size", .int(regionWidth ?? 2048)),
            ]
        }
    }
}
