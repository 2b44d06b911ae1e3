import Hub
import VisualQuestionAnswering

/// What a server says of its model.
struct ModelDescription: Sendable {
    /// The model's name, and what tells its weights from others.
    let identity: ModelIdentity
    /// How many words, or pieces of words, it knows.
    let wordCount: Int
    /// How many answers it chooses from.
    let answerCount: Int
    /// How many words of a question it reads.
    let mostWords: Int
    /// How many regions of an image it looks at.
    let mostRegions: Int
    /// How wide the features of a region are.
    let featureWidth: Int
    /// Whether it takes features that were made before.
    let takesFeatures: Bool
    /// In what precision it computes, and where.
    let precision: String
    let device: String

    /// - Throws: `HubError` where the file of weights cannot be read; `CheckpointError`.
    init(of answerer: Answerer) throws {
        let configuration = answerer.configuration
        let checksum = try BlobChecksum.sha256.text(of: answerer.weightFile) ?? ""
        identity = ModelIdentity(name: configuration.model.name, weights: "sha256:" + checksum)
        wordCount = answerer.vocabulary.count
        answerCount = answerer.answers.count
        mostWords = configuration.data.maxToken
        mostRegions = configuration.data.imgFeatPadSize
        featureWidth = configuration.data.imgFeatSize
        takesFeatures = try answerer.takesFeatures
        precision = answerer.precision.rawValue
        device = "\(answerer.device)"
    }
}

/// Which model answers: every answer says it.
struct ModelIdentity: Sendable, Encodable {
    /// As `--set model=` has it.
    let name: String
    /// The SHA-256 of the file of weights.
    let weights: String
}
