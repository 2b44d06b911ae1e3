import Torch
import VQABatches
import VQADatasets
import VQAFeatures
import VQAModels

extension Answerer {
    /// The best answers to a question, and what they rest on.
    ///
    /// - Parameters:
    ///   - question: Some words.
    ///   - regions: The features of the image: `regions(of:)`, or a file of features.
    ///   - method: How weights are found.
    ///   - choice: Which attention of the model is told; of no concern to occlusion.
    ///   - count: How many answers.
    /// - Throws: As ``explain(_:about:by:attention:top:)-([String],_,_,_,_)``.
    public func explain(
        _ question: String, about regions: RegionFeatures, by method: ExplanationMethod,
        attention choice: AttentionChoice = .output, top count: Int = 3
    ) throws -> Explanation {
        try explain([question], about: regions, by: method, attention: choice, top: count)[0]
    }

    /// The best answers to several questions about an image, and what they rest on.
    ///
    /// Occlusion asks again without each region and each word, all in packed batches of bounded size. Without its only region,
    /// an image is one region of zeros, and without its only word, a question is one without words.
    ///
    /// - Parameters:
    ///   - questions: Some words each.
    ///   - regions: The features of the image.
    ///   - method: How weights are found.
    ///   - choice: Which attention of the model is told; of no concern to occlusion.
    ///   - count: How many answers to each.
    /// - Throws: ``AttentionError`` where the model gives no attention; `AttentionChoiceError` where it has no such layer or
    ///   head; `FeatureWidthError` where the regions are not those that the model expects; `LogitsNotFiniteError` where it
    ///   answers with no numbers; `TorchError` where memory is short.
    public func explain(
        _ questions: [String], about regions: RegionFeatures, by method: ExplanationMethod,
        attention choice: AttentionChoice = .output, top count: Int = 3
    ) throws -> [Explanation] {
        switch method {
        case .attention: try attention(to: questions, about: regions, choice, top: count)
        case .occlusion: try questions.map { try occlusion(of: $0, about: regions, top: count) }
        }
    }

    /// How many regions the questions of a batch have together: memory grows with them.
    private static let batchRegions = 4096

    /// Goes through questions in batches whose size is bounded.
    ///
    /// - Parameter body: Given a batch on the device, and which of the questions are in it.
    private func inBatches(
        _ builder: BatchBuilder, regions: RegionFeatures, _ body: (Batch, Range<Int>) throws -> Void
    ) throws {
        let perQuestion = max(1, min(regions.count, configuration.data.imgFeatPadSize))
        let size = max(1, Self.batchRegions / perQuestion)
        for start in stride(from: 0, to: builder.count, by: size) {
            let rows = start..<min(builder.count, start + size)
            try body(try builder.batch(rows: rows).moved(to: device), rows)
        }
    }

    // MARK: - Attention

    private func attention(
        to questions: [String], about regions: RegionFeatures, _ choice: AttentionChoice, top count: Int
    ) throws -> [Explanation] {
        let read = regions.readRegions(maximumCount: configuration.data.imgFeatPadSize)
        var explanations: [Explanation] = []
        try withoutGradients {
            try inBatches(builder(of: questions, about: regions), regions: regions) { batch, rows in
                let found = try precision.autocast(on: device) { try model.attention(batch, choice) }
                guard let found else { throw AttentionError.none(model: "\(type(of: model))") }
                let answers = try scoredAnswers(finite(found.logits, of: batch), top: count)
                let words = try weights(found.words, batch.wordSegments, "word")
                let regionWeights = try weights(found.regions, batch.regionSegments, "region")
                for (place, row) in rows.enumerated() {
                    explanations.append(
                        Explanation(
                            answers: answers[place], method: .attention,
                            regions: shares(regionWeights[place], of: read, among: regions.count),
                            words: shares(words[place], ofWordsOf: questions[row])))
                }
            }
        }
        return explanations
    }

    /// The weights of each question's rows.
    ///
    /// - Throws: ``AttentionError`` where they are not a weight for each row.
    private func weights(_ weights: Tensor, _ segments: Segments, _ what: String) throws -> [[Double]] {
        let values = try weights.converted(to: .float32).moved(to: .cpu).array(of: Float.self)
        func unfit(_ reason: String) -> AttentionError { .unfit(model: "\(type(of: model))", reason: reason) }
        guard values.count == segments.rowCount else {
            throw unfit("expected a weight for each of \(segments.rowCount) \(what)s, found \(values.count)")
        }
        if let value = values.first(where: { !$0.isFinite || $0 < 0 }) {
            throw unfit("expected weights of \(what)s from 0 on, found \(value)")
        }
        var start = 0
        return segments.lengths.map { length in
            defer { start += length }
            return values[start..<start + length].map { Double($0) }
        }
    }

    /// The weights of rows, for all regions: those that were read have the rows.
    private func shares(_ weights: [Double], of read: [Int], among count: Int) -> [Double] {
        var all = [Double](repeating: 0, count: count)
        for (region, share) in zip(read, shares(Array(weights.prefix(read.count)))) { all[region] = share }
        return all
    }

    /// The weights of rows, for the words as they were written.
    private func shares(_ weights: [Double], ofWordsOf question: String) -> [WordWeight] {
        let words = vocabulary.writtenWords(of: question, maximumCount: configuration.data.maxToken)
        let read = words.indices.filter { !words[$0].rows.isEmpty }
        let sums = shares(read.map { weights[words[$0].rows.clamped(to: weights.indices)].reduce(0, +) })
        var all = words.map { WordWeight(text: $0.text, weight: 0) }
        for (word, share) in zip(read, sums) { all[word] = WordWeight(text: words[word].text, weight: share) }
        return all
    }

    /// Weights as shares of their sum; all alike where that is 0.
    private func shares(_ weights: [Double]) -> [Double] {
        let sum = weights.reduce(0, +)
        return weights.map { sum > 0 ? $0 / sum : 1 / Double(weights.count) }
    }

    // MARK: - Occlusion

    private func occlusion(of question: String, about regions: RegionFeatures, top count: Int) throws
        -> Explanation
    {
        let asked = OccludedQuestion(
            question, regions, vocabulary, maximumWords: configuration.data.maxToken,
            maximumRegions: configuration.data.imgFeatPadSize)
        let builder = try builder(
            Examples(
                questions: asked.table(), vocabulary: vocabulary, maximumWords: configuration.data.maxToken),
            asked)
        var answers: [ScoredAnswer] = []
        var best = 0
        var logits: [Double] = []
        try withoutGradients {
            try inBatches(builder, regions: regions) { batch, rows in
                let found = try self.logits(of: batch)
                if rows.lowerBound == 0 {
                    // The question as it is comes first.
                    let whole = try found.narrowed(axis: 0, start: 0, length: 1)
                    answers = try scoredAnswers(whole, top: count)[0]
                    best = Int(try whole.flattened().largest(1).positions.array(of: Int64.self)[0])
                }
                logits += try found.narrowed(axis: 1, start: best, length: 1).moved(to: .cpu).array(
                    of: Float.self
                )
                .map { Double($0) }
            }
        }
        let (regionWeights, words) = asked.falls(logits)
        return Explanation(answers: answers, method: .occlusion, regions: regionWeights, words: words)
    }
}
