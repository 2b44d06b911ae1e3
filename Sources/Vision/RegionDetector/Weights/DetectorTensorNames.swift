/// The names of the tensors of a detector, as bottom-up-attention.pytorch has them.
enum DetectorTensorNames {
    static let stem = "backbone.stem.conv1"
    /// What the names of the blocks of a stage begin with, before their numbers.
    static let stages = ["backbone.res2.", "backbone.res3.", "backbone.res4.", "roi_heads.res5."]
    static let proposals = "proposal_generator.rpn_head.conv"
    static let objectness = "proposal_generator.rpn_head.objectness_logits"
    static let deltas = "proposal_generator.rpn_head.anchor_deltas"
    static let anchors = "proposal_generator.anchor_generator.cell_anchors.0"
    static let classScores = "roi_heads.box_predictor.cls_score"
    static let classEmbedding = "roi_heads.box_predictor.cls_embed"
    static let attributeHidden = "roi_heads.box_predictor.attr_linear1"
    static let attributeScores = "roi_heads.box_predictor.attr_linear2"

    /// The same layers in the ports by airsplay and Hugging Face.
    static let ported = [
        classEmbedding: "roi_heads.box_predictor.cls_embedding",
        attributeHidden: "roi_heads.box_predictor.fc_attr",
        attributeScores: "roi_heads.box_predictor.attr_score",
    ]

    /// Weight and bias of a layer.
    static func biased(_ layer: String) -> [String] { ["\(layer).weight", "\(layer).bias"] }

    /// All that tells attributes.
    static let attributeHead =
        ["\(classEmbedding).weight"] + biased(attributeHidden) + biased(attributeScores)

    /// Whether a tensor of a file is looked at: one of a detector, and not what features do without, which are the
    /// boxes' last corrections and how many batches training saw.
    static func isUsed(_ name: String) -> Bool {
        let isOfDetector = ["backbone.", "proposal_generator.", "roi_heads."].contains(where: name.hasPrefix)
        return isOfDetector && !name.hasSuffix(".num_batches_tracked")
            && !name.hasPrefix("roi_heads.box_predictor.bbox_pred.")
    }

    /// Whether a tensor belongs to the convolutions that all features come through, where one more means that they are
    /// those of another network.
    static func isOfTrunk(_ name: String) -> Bool {
        name.hasPrefix("backbone.") || name.hasPrefix("roi_heads.res")
    }
}
