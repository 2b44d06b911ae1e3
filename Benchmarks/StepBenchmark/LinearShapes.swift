import VQAModels

/// A linear layer at its real shape.
struct LinearShape {
    let rows: Int
    let input: Int
    let output: Int
    /// How often it is applied in a step.
    var times = 1
    /// Whether its input needs no gradient.
    var isFirst = false

    init(_ rows: Int, _ input: Int, _ output: Int, times: Int = 1, isFirst: Bool = false) {
        (self.rows, self.input, self.output) = (rows, input, output)
        (self.times, self.isFirst) = (times, isFirst)
    }
}

/// The linear layers of networks on a batch.
struct LinearShapes {
    /// The regions of all pictures of the batch.
    let regions: Int
    /// The words of all its questions.
    let words: Int
    /// How many questions it has.
    let questions: Int
    /// How many answers there are.
    let answers: Int

    func shapes(of c: RWSANOptions) -> [LinearShape] {
        let d = c.hiddenSize
        let (questionUnits, imageUnits) = (3 * c.srwsaLayer, 3 * c.sgrwsaLayer)
        let guided = c.multiHead * c.sgrwsaGaMidsize
        let question =
            attention(words, d, keys: c.multiHead * c.srwsaMidsize, times: questionUnits)
            + feedForward(words, d, 4 * d, times: questionUnits)
        let image =
            attention(regions, d, keys: c.multiHead * c.sgrwsaSaMidsize, times: imageUnits) + [
                LinearShape(words, d, d), LinearShape(words, d, guided),  // the guide's values and keys
                LinearShape(regions, d, guided, times: imageUnits),
                LinearShape(regions, d, d, times: imageUnits),
            ] + feedForward(regions, d, 4 * d, times: imageUnits)
        return lstm(c.wordEmbedSize, d) + [LinearShape(regions, 2048, d, isFirst: true)] + question + image
            + pooling(words, d, c.flatMlpSize, c.flatOutSize)
            + pooling(regions, d, c.flatMlpSize, c.flatOutSize)
            + [LinearShape(questions, c.flatOutSize, answers)]
    }

    /// Of the network without boxes, and with one glimpse.
    func shapes(of c: MCANOptions) -> [LinearShape] {
        let d = c.hiddenSize
        let question =
            attention(words, d, keys: d, times: c.layer) + feedForward(words, d, c.ffSize, times: c.layer)
        let image =
            attention(regions, d, keys: d, times: c.layer) + [
                LinearShape(words, d, d, times: 2 * c.layer),  // the guides' values and keys
                LinearShape(regions, d, d, times: 2 * c.layer),
            ] + feedForward(regions, d, c.ffSize, times: c.layer)
        return lstm(c.wordEmbedSize, d) + [LinearShape(regions, 2048, d, isFirst: true)] + question + image
            + pooling(words, d, c.flatMlpSize, c.flatOutSize)
            + pooling(regions, d, c.flatMlpSize, c.flatOutSize)
            + [LinearShape(questions, c.flatOutSize, answers)]
    }

    /// The last layer is asked for a row a question alone.
    func shapes(of c: ViLTOptions) -> [LinearShape] {
        let (d, rows) = (c.hiddenSize, words + questions + regions)
        let last = [LinearShape(rows, d, d, times: 2), LinearShape(questions, d, d, times: 2)]
        return [LinearShape(regions, 3 * c.patchSize * c.patchSize, d, isFirst: true)]
            + attention(rows, d, keys: d, times: c.layer - 1)
            + feedForward(rows, d, c.ffSize, times: c.layer - 1)
            + last + feedForward(questions, d, c.ffSize, times: 1) + head(d)
    }

    /// The last layer is asked for a row a question alone, and for none of the regions'.
    func shapes(of c: LXMERTOptions) -> [LinearShape] {
        let (d, cross) = (c.hiddenSize, c.crossLayer - 1)
        func own(_ rows: Int, _ times: Int) -> [LinearShape] {
            attention(rows, d, keys: d, times: times) + feedForward(rows, d, c.ffSize, times: times)
        }
        let both = attention(words, d, keys: d, times: cross) + attention(regions, d, keys: d, times: cross)
        let last = [
            LinearShape(words, d, d, times: 4), LinearShape(regions, d, d, times: 2),
            LinearShape(questions, d, d, times: 2),
        ]
        return [LinearShape(regions, 2048, d, isFirst: true)] + own(words, c.layer)
            + own(regions, c.regionLayer) + both + own(words, cross) + own(regions, cross) + last
            + feedForward(questions, d, c.ffSize, times: 1) + head(d)
    }

    /// The pooler and the classifier of published models.
    private func head(_ d: Int) -> [LinearShape] {
        [
            LinearShape(questions, d, d), LinearShape(questions, d, 2 * d),
            LinearShape(questions, 2 * d, answers),
        ]
    }

    private func lstm(_ embedding: Int, _ d: Int) -> [LinearShape] {
        [LinearShape(words, embedding, 4 * d), LinearShape(words, d, 4 * d)]
    }

    private func attention(_ rows: Int, _ d: Int, keys: Int, times: Int) -> [LinearShape] {
        [
            LinearShape(rows, d, d, times: 2 * times),  // values, merging
            LinearShape(rows, d, keys, times: 2 * times),  // queries, keys
        ]
    }

    private func feedForward(_ rows: Int, _ d: Int, _ inside: Int, times: Int) -> [LinearShape] {
        [LinearShape(rows, d, inside, times: times), LinearShape(rows, inside, d, times: times)]
    }

    private func pooling(_ rows: Int, _ d: Int, _ inside: Int, _ output: Int) -> [LinearShape] {
        [LinearShape(rows, d, inside), LinearShape(rows, inside, 1), LinearShape(questions, d, output)]
    }
}
