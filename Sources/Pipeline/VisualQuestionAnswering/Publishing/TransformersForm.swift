import Foundation
import VQADatasets
import VQAModels
import VQASettings
import VQAVision

/// A fine-tuned ViLT or LXMERT in the form in which transformers has these models.
struct TransformersForm {
    let architecture: PublishedArchitecture
    private let answerer: Answerer
    private let pieces: WordPieceList
    /// How pictures become patches; nil for LXMERT.
    private let patches: PatchRecipe?

    /// Nil for a model of ours.
    ///
    /// - Throws: ``ModelExportError`` where the checkpoint lacks what belongs to such a model.
    init?(_ answerer: Answerer) throws {
        let model = answerer.configuration.model
        guard ModelRegistry.published.entries.contains(where: { $0.type == model.type }),
            let architecture = PublishedArchitecture.allCases.first(where: { $0.model == model.name })
        else { return nil }
        guard let pieces = answerer.vocabulary.pieceList else {
            throw ModelExportError(
                path: answerer.path,
                reason: "expected pieces of words, which \(model.name) reads, found words")
        }
        let recipe = answerer.featureRecipe.flatMap { try? FeatureRecipe(parsing: $0) }
        patches = if case .patches(let patches) = recipe { patches } else { nil }
        guard architecture != .viLT || patches != nil else {
            throw ModelExportError(
                path: answerer.path, reason: "expected a note on how pictures become patches, found none")
        }
        (self.architecture, self.answerer, self.pieces) = (architecture, answerer, pieces)
    }

    /// The files beside weights, words, page and `config.json`.
    func files() throws -> [(name: String, contents: Data)] {
        var files = [(PublishedFiles.pieceFile, try tokenizer())]
        if let patches { files.append((PublishedFiles.pictureFile, try preprocessor(patches.settings))) }
        guard architecture == .lxmert else { return files }
        files.append((PublishedFiles.answerFile, Data(try HubJSON.text(answerer.answers.answers).utf8)))
        if let recipe = answerer.featureRecipe {
            files.append((PublishedFiles.recipeFile, Data(recipe.utf8)))
        }
        return files
    }

    /// The `config.json`.
    func configuration() throws -> Data {
        let values = answerer.configuration.dictionary
        func value(_ key: String) -> SettingValue { values[key] ?? .null }
        let dropout = value("dropout_r")
        var members: [(key: String, value: SettingValue)] = [
            ("model_type", .string(architecture.model)), ("torch_dtype", "float32"), ("hidden_act", "gelu"),
            ("hidden_size", value("hidden_size")), ("intermediate_size", value("ff_size")),
            ("num_attention_heads", value("multi_head")), ("hidden_dropout_prob", dropout),
            ("vocab_size", .int(answerer.vocabulary.count)), ("type_vocab_size", 2),
            ("max_position_embeddings", value("max_position_embeddings")),
        ]
        switch architecture {
        case .viLT:
            members += [
                ("num_hidden_layers", value("layer")), ("attention_probs_dropout_prob", 0.0),
                ("layer_norm_eps", value("layer_norm_eps")), ("image_size", value("image_size")),
                ("patch_size", value("patch_size")), ("num_channels", 3), ("modality_type_vocab_size", 2),
                ("qkv_bias", true), ("max_image_length", -1),
            ]
        case .lxmert:
            members += [
                ("l_layers", value("layer")), ("r_layers", value("region_layer")),
                ("x_layers", value("cross_layer")), ("attention_probs_dropout_prob", dropout),
                ("layer_norm_eps", 1e-12), ("visual_feat_dim", value("img_feat_size")),
                ("visual_pos_dim", 4), ("num_qa_labels", .int(answerer.answers.count)),
            ]
        }
        let answers = answerer.answers.answers
        return try HubJSON.file(
            [("architectures", try HubJSON.text([architecture.rawValue]))] + HubJSON.members(members) + [
                (
                    "id2label",
                    try HubJSON.object(answers.enumerated().map { ("\($0)", try HubJSON.text($1)) })
                ),
                ("label2id", try HubJSON.object(answers.enumerated().map { ($1, "\($0)") })),
            ])
    }

    private func tokenizer() throws -> Data {
        let settings = pieces.settings
        return try HubJSON.file(
            HubJSON.members([
                ("tokenizer_class", "BertTokenizer"), ("do_lower_case", .bool(settings.isLowercasing)),
                ("strip_accents", .bool(settings.dropsAccents)),
                ("tokenize_chinese_chars", .bool(settings.separatesIdeographs)), ("pad_token", "[PAD]"),
                ("unk_token", "[UNK]"), ("cls_token", "[CLS]"), ("sep_token", "[SEP]"),
                ("mask_token", "[MASK]"),
                ("model_max_length", .int(answerer.configuration.data.maxToken)),
            ]))
    }

    private func preprocessor(_ settings: PatchSettings) throws -> Data {
        func list(_ numbers: [Double]) -> SettingValue { .list(numbers.map { .double($0) }) }
        return try HubJSON.file(
            HubJSON.members([
                ("image_processor_type", "ViltImageProcessor"), ("do_resize", true),
                ("size", .int(settings.shortestEdge)), ("size_divisor", .int(settings.divisor)),
                ("resample", 3),
                ("do_rescale", true), ("rescale_factor", .double(settings.rescaleFactor)),
                ("do_normalize", true),
                ("image_mean", list(settings.means)), ("image_std", list(settings.deviations)),
                ("do_pad", true),
            ]))
    }
}
