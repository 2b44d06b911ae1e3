import Torch

/// The matrix products of a network's linear layers and LSTM at their real shapes, and nothing else: what a step
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
    ///   - shapes: The linear layers.
    ///   - dtype: What is multiplied.
    ///   - device: Where.
    init(_ shapes: [LinearShape], dtype: DType = .float32, device: Device = .cpu) throws {
        layers = try shapes.map { shape in
            func random(_ shape: [Int]) throws -> Tensor {
                try Tensor.uniform(shape, dtype: dtype, device: device)
            }
            let (rows, input, output) = (shape.rows, shape.input, shape.output)
            return Layer(
                input: try random([rows, input]), weight: try random([output, input]),
                gradient: try random([rows, output]), output: try random([rows, output]),
                inputGradient: try random([rows, input]), weightGradient: try random([output, input]),
                applications: shape.times, needsInputGradient: !shape.isFirst)
        }
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
