import Torch
import VQABatches

/// A network that ends as MCAN does: a sum of words and one of regions, each weighed by attention, are added, and answers are
/// scored from that.
///
/// Shapes in the comments: W words and R regions of all B questions one below the other, d the hidden width, A answers.
protocol PoolingModel: VQAModel {
    var poolWords: AttentionPooling { get }
    var poolRegions: AttentionPooling { get }
    var outputNorm: StandardNorm { get }
    var output: Linear { get }
    /// How many times regions look at words, and how many heads each of these has.
    var guidedLayers: (count: Int, heads: Int) { get }

    /// What is pooled: the words' rows `[W, d]` and the regions' `[R, d]`.
    ///
    /// - Parameter watch: Looks on where regions look at words.
    func attendedRows(_ batch: Batch, _ watch: AttentionWatch?) throws -> (question: Tensor, image: Tensor)
}

extension PoolingModel {
    /// `[B, A]`
    func pooledLogits(_ batch: Batch) throws -> Tensor {
        let (question, image) = try attendedRows(batch, nil)
        return try logits(question, image, batch)
    }

    /// The same, with what the poolings or a guided layer attended to.
    func pooledAttention(_ batch: Batch, _ choice: AttentionChoice) throws -> BatchAttention {
        let watch = try AttentionWatch(
            choice, of: self, layers: guidedLayers.count, heads: guidedLayers.heads)
        let (question, image) = try attendedRows(batch, watch)
        return try BatchAttention(
            logits: logits(question, image, batch),
            pooling: (
                poolWords.weights(question, batch.wordSegments),
                poolRegions.weights(image, batch.regionSegments)
            ), guided: watch.weights.first, of: batch)
    }

    private func logits(_ question: Tensor, _ image: Tensor, _ batch: Batch) throws -> Tensor {
        let pooled = try poolWords(question, batch.wordSegments) + poolRegions(image, batch.regionSegments)
        return try output(outputNorm(pooled))
    }
}
