import Torch
import VQAModels

/// The matrix products of RWSAN's linear layers and LSTM at their real shapes, and nothing else: what a step
/// would take if everything between them were free.
///
/// The products within attention are left out: with them the limit would be a little higher.
struct ProductsAlone {
    private static let product = Operator("aten::mm.out")

    /// One linear layer: its operands and its results.
    private struct Layer {
        let input, weight, gradient: Tensor
        let output, inputGradient, weightGradient: Tensor
        let applications: Int
        let needsInputGradient: Bool
    }

    private let layers: [Layer]

    /// - Parameters:
    ///   - c: The network's sizes.
    ///   - regions: The regions of all pictures of a batch.
    ///   - words: The words of all its questions.
    ///   - questions: How many questions it has.
    init(
        _ c: RWSANOptions, regions: Int, words: Int, questions: Int, answers: Int, dtype: DType = .float32,
        device: Device = .cpu
    ) throws {
        func layer(_ rows: Int, _ input: Int, _ output: Int, times: Int = 1, isFirst: Bool = false) throws
            -> Layer
        {
            func random(_ shape: [Int]) throws -> Tensor {
                try Tensor.uniform(shape, dtype: dtype, device: device)
            }
            return Layer(
                input: try random([rows, input]), weight: try random([output, input]),
                gradient: try random([rows, output]), output: try random([rows, output]),
                inputGradient: try random([rows, input]), weightGradient: try random([output, input]),
                applications: times, needsInputGradient: !isFirst)
        }
        let d = c.hiddenSize
        func attention(_ rows: Int, _ rank: Int, times: Int) throws -> [Layer] {
            try [
                layer(rows, d, d, times: 2 * times),  // values, merging
                layer(rows, d, c.multiHead * rank, times: 2 * times),  // queries, keys
            ]
        }
        func feedForward(_ rows: Int, times: Int) throws -> [Layer] {
            try [layer(rows, d, 4 * d, times: times), layer(rows, 4 * d, d, times: times)]
        }
        func pooling(_ rows: Int) throws -> [Layer] {
            try [
                layer(rows, d, c.flatMlpSize), layer(rows, c.flatMlpSize, 1),
                layer(questions, d, c.flatOutSize),
            ]
        }
        let (questionUnits, imageUnits) = (3 * c.srwsaLayer, 3 * c.sgrwsaLayer)
        let guided = c.multiHead * c.sgrwsaGaMidsize
        layers =
            try [
                layer(words, c.wordEmbedSize, 4 * d), layer(words, d, 4 * d),  // the LSTM
                layer(regions, 2048, d, isFirst: true),
                layer(words, d, d), layer(words, d, guided),  // the guide's values and keys
                layer(regions, d, guided, times: imageUnits), layer(regions, d, d, times: imageUnits),
                layer(questions, c.flatOutSize, answers),
            ]
            + attention(words, c.srwsaMidsize, times: questionUnits)
            + attention(regions, c.sgrwsaSaMidsize, times: imageUnits)
            + feedForward(words, times: questionUnits) + feedForward(regions, times: imageUnits)
            + pooling(words) + pooling(regions)
    }

    /// The products of inference.
    func infer() throws {
        for layer in layers {
            for _ in 0..<layer.applications {
                try Self.product(
                    .tensor(layer.input), .tensor(layer.weight.transposed()), .tensor(layer.output))
            }
        }
    }

    /// The products of a training step: those of inference, and those of both gradients.
    func train() throws {
        try infer()
        for layer in layers {
            let gradient = try layer.gradient.transposed()
            for _ in 0..<layer.applications {
                try Self.product(.tensor(gradient), .tensor(layer.input), .tensor(layer.weightGradient))
                guard layer.needsInputGradient else { continue }
                try Self.product(.tensor(layer.gradient), .tensor(layer.weight), .tensor(layer.inputGradient))
            }
        }
    }
}
