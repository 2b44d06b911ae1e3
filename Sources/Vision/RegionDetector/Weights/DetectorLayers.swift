import Torch

extension DetectorWeights {
    /// A tensor that there is in a network of this shape.
    ///
    /// - Throws: `DetectorWeightsError.Problem.missing`.
    func tensor(_ name: String) throws -> Tensor {
        guard let tensor = state[name] else { throw DetectorWeightsError.Problem.missing(names: [name]) }
        return tensor
    }

    /// A convolution with the batch norm behind it, which is `NAME.norm`, folded in: in double precision, then rounded.
    ///
    /// - Throws: As ``tensor(_:)``; `TorchError` where memory is short.
    func foldedConvolution(_ name: String) throws -> ConvolutionParameters {
        func number(_ part: String) throws -> Tensor {
            try tensor("\(name).norm.\(part)").converted(to: .float64)
        }
        let epsilon = 1e-5
        let scale = try number("weight") / (number("running_var") + epsilon).squareRoot()
        let weight = try tensor(name + ".weight").converted(to: .float64)
        return ConvolutionParameters(
            weight: try (weight * scale.reshaped([-1, 1, 1, 1])).converted(to: .float32),
            bias: try (number("bias") - number("running_mean") * scale).converted(to: .float32))
    }

    /// A layer that has a weight and a bias of its own; one of a fully connected layer is `[out, in]`.
    ///
    /// - Throws: As ``tensor(_:)``.
    func layer(_ name: String) throws -> ConvolutionParameters {
        ConvolutionParameters(weight: try tensor(name + ".weight"), bias: try tensor(name + ".bias"))
    }
}
