import Torch

/// A convolution for inference, with the batch norm behind it folded into its weights, and a rectifier and a sum in the
/// same pass.
///
/// On the CPU it runs on oneDNN, with weights laid out for it once; elsewhere on libtorch's own convolution.
struct FoldedConvolution {
    private let weight: Tensor
    private let bias: Tensor
    private let stride: Int
    private let padding: Int
    /// Whether the weights are laid out for oneDNN.
    private let isPacked: Bool

    /// - Parameters:
    ///   - parameters: The weights `[out, in, k, k]` and bias `[out]`.
    ///   - precision: The type of weights and inputs.
    init(
        _ parameters: ConvolutionParameters, stride: Int = 1, padding: Int = 0, in precision: DType,
        on device: Device
    )
        throws(TorchError)
    {
        self.stride = stride
        self.padding = padding
        let weight = try parameters.weight.converted(to: precision).moved(to: device)
        bias = try parameters.bias.converted(to: precision).moved(to: device)
        isPacked = device == .cpu && Self.hasOneDNN
        self.weight =
            isPacked
            ? try Operators.packWeight.tensor(
                .tensor(weight), .ints([padding, padding]), .ints([stride, stride]), .ints([1, 1]), 1)
            : weight
    }

    /// `[n, in, h, w]` gives `[n, out, h', w']`, channels last in memory as they came.
    ///
    /// - Parameters:
    ///   - isRectified: Whether what is negative becomes 0, after the sum.
    ///   - other: `[n, out, h', w']` to be added.
    func callAsFunction(_ x: Tensor, rectified isRectified: Bool, adding other: Tensor? = nil)
        throws(TorchError)
        -> Tensor
    {
        let (padding, stride): ([Int], [Int]) = ([padding, padding], [stride, stride])
        guard isPacked else {
            var y = try Operators.convolution.tensor(
                .tensor(x), .tensor(weight), .tensor(bias), .ints(stride), .ints(padding), .ints([1, 1]), 1)
            if let other { y = try y + other }
            return isRectified ? try y.relu() : y
        }
        if let other {
            return try Operators.convolutionAndSum.tensor(
                .tensor(x), .tensor(other), .tensor(weight), .tensor(bias), .ints(padding), .ints(stride),
                .ints([1, 1]), 1, "add", .none, isRectified ? "relu" : .none, .ints([]), .none)
        }
        return try Operators.packedConvolution.tensor(
            .tensor(x), .tensor(weight), .tensor(bias), .ints(padding), .ints(stride), .ints([1, 1]), 1,
            isRectified ? "relu" : "none", .ints([]), .none)
    }

    private static let hasOneDNN = (try? Operators.packWeight(.tensor(.zeros([1, 1, 1, 1])))) != nil

    private enum Operators {
        static let convolution = Operator("aten::conv2d")
        static let packWeight = Operator("mkldnn::_reorder_convolution_weight")
        static let packedConvolution = Operator("mkldnn::_convolution_pointwise")
        static let convolutionAndSum = Operator("mkldnn::_convolution_pointwise.binary")
    }
}

/// What a convolution computes with.
struct ConvolutionParameters {
    /// `[out, in, k, k]`, float32
    let weight: Tensor
    /// `[out]`, float32
    let bias: Tensor
}

/// The tensors of a network by name, of which some are missing.
struct NamedTensors {
    let tensors: [String: Tensor]

    /// - Throws: `DetectorError.missingTensor`.
    subscript(name: String) -> Tensor {
        get throws {
            guard let tensor = tensors[name] else { throw DetectorError.missingTensor(name) }
            return tensor
        }
    }

    /// A convolution and the batch norm behind it, which is `NAME.norm`; in double precision, then rounded.
    ///
    /// - Throws: `DetectorError.missingTensor`; `TorchError` where shapes do not fit.
    func foldedConvolution(_ name: String) throws -> ConvolutionParameters {
        func number(_ part: String) throws -> Tensor {
            try self["\(name).norm.\(part)"].converted(to: .float64)
        }
        let epsilon = 1e-5
        let scale = try number("weight") / (number("running_var") + epsilon).squareRoot()
        let weight = try self[name + ".weight"].converted(to: .float64)
        return ConvolutionParameters(
            weight: try (weight * scale.reshaped([-1, 1, 1, 1])).converted(to: .float32),
            bias: try (number("bias") - number("running_mean") * scale).converted(to: .float32))
    }

    /// A layer that has a weight and a bias of its own; one of a fully connected layer is `[out, in]`.
    func layer(_ name: String) throws -> ConvolutionParameters {
        ConvolutionParameters(weight: try self[name + ".weight"], bias: try self[name + ".bias"])
    }

    /// How many numbered parts there are: `NAME.0` and so on.
    func count(of name: String) -> Int {
        (0...).lazy.prefix { tensors["\(name).\($0).conv1.weight"] != nil }.count
    }
}
