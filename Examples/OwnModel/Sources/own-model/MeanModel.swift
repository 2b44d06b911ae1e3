import VisualQuestionAnswering

/// The mean of a question's words times the mean of an image's regions: about the least that can answer.
final class MeanModel: Module, VQAModel {
    /// The settings, with their defaults.
    struct Options: SettingsGroup {
        var hiddenSize = 128
        var wordEmbedSize = 300

        static let settings: [Setting<Self>] = [
            .count("hidden_size", \.hiddenSize, "The width of the hidden rows."),
            .count("word_embed_size", \.wordEmbedSize, "The width of a word's embedding."),
        ]
    }

    static let presets = [
        ModelPreset("mean", "Means of words and regions.", settings: ["lr_base": 1e-3])
    ]

    let embedding: Embedding
    let question: Linear
    let image: Linear
    let output: Linear

    init(_ options: Options, inputs: ModelInputs) throws {
        embedding = try Embedding(count: inputs.wordCount, width: options.wordEmbedSize)
        question = try Linear(options.wordEmbedSize, options.hiddenSize)
        image = try Linear(inputs.regionWidth, options.hiddenSize)
        output = try Linear(options.hiddenSize, inputs.answerCount)
    }

    /// The logits of every answer to every question: `[B, answers]`.
    func callAsFunction(_ batch: Batch) throws -> Tensor {
        let words = try mean(embedding(batch.words), batch.wordSegments)
        let regions = try mean(batch.regions, batch.regionSegments)
        return try output(question(words).relu() * image(regions).relu())
    }

    /// The mean of each segment's rows: `[rows, width]` to `[B, width]`.
    private func mean(_ rows: Tensor, _ segments: Segments) throws -> Tensor {
        let alike = try Tensor.zeros([segments.rowCount, 1], device: rows.device)
        return try SegmentPooling.weightedSum(of: rows, scores: alike, segments)
    }
}
