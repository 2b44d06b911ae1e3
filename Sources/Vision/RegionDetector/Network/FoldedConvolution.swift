import Torch

/// A convolution for inference, with the batch norm behind it folded into its weights, and a rectifier and a sum in the
/// same pass.
///
/// On the CPU it runs on oneDNN (``PackedConvolution``), on a kernel that makes fewer products, or on products of 8 bits;
/// elsewhere on libtorch's own convolution.
struct FoldedConvolution {
    private let bias: Tensor
    private let kernel: Kernel

    /// What computes it, with the weights as it takes them.
    private enum Kernel {
        case packed(PackedConvolution)
        case winograd(Tensor)
        case int8(Int8Weight)
    }

    /// What a convolution is given.
    enum Input {
        case pictures
        /// Many pictures of a few pixels, for which fewer products of 3 x 3 are worth their memory: four times that of the
        /// weights.
        case smallPictures
        /// The same, with those of 1 x 1 in whole numbers of 8 bits.
        case smallPicturesInInt8
    }

    /// - Parameters:
    ///   - parameters: The weights `[out, in, k, k]` and bias `[out]`.
    ///   - input: What it is given.
    ///   - precision: The type of weights and inputs.
    /// - Throws: `TorchError` where memory is short, or there are no products of 8 bits.
    init(
        _ parameters: ConvolutionParameters, stride: Int = 1, padding: Int = 0,
        of input: Input = .pictures, in precision: DType, on device: Device
    ) throws(TorchError) {
        let weight = try parameters.weight.converted(to: precision).moved(to: device)
        bias = try parameters.bias.converted(to: precision).moved(to: device)
        let fillsLanes = weight.shape.prefix(2).allSatisfy { $0.isMultiple(of: Self.winogradLanes) }
        let isPoint = weight.shape.suffix(2) == [1, 1]
        if case .smallPicturesInInt8 = input, isPoint {
            guard device == .cpu else {
                throw TorchError(
                    operation: "int8", reason: "expected a detector on the CPU, found one on \(device)")
            }
            kernel = .int8(try Int8Weight(rounding: weight.reshaped([weight.size(0), -1])))
        } else if device == .cpu, input != .pictures, !isPoint, precision == .float32, fillsLanes {
            kernel = .winograd(try Operators.winogradWeights.tensor(.tensor(weight)))
        } else {
            kernel = .packed(
                try PackedConvolution(weight: weight, bias: bias, stride: stride, padding: padding))
        }
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
        switch kernel {
        case .winograd(let weight):
            // Rectified in the same pass, but where something is to be added first.
            let y = try Operators.winograd.tensor(
                .tensor(x), .tensor(weight), .tensor(bias), .bool(isRectified && other == nil))
            return try summed(y, other, rectified: isRectified && other != nil)
        case .int8(let rounded):
            let y = try inInt8(x, rounded, rectified: isRectified && other == nil)
            return try summed(y, other, rectified: isRectified && other != nil)
        case .packed(let convolution):
            return try convolution(x, isRectified ? .relu : .none, adding: other)
        }
    }

    private func summed(_ y: Tensor, _ other: Tensor?, rectified isRectified: Bool) throws(TorchError)
        -> Tensor
    {
        let sum = try other.map { other throws(TorchError) in try y + other } ?? y
        return isRectified ? try sum.relu() : sum
    }

    /// A product of each pixel's channels, channels last in memory, with all of the weights.
    private func inInt8(_ x: Tensor, _ rounded: Int8Weight, rectified isRectified: Bool) throws(TorchError)
        -> Tensor
    {
        let (count, height, width) = (x.size(0), x.size(2), x.size(3))
        let rows = try x.permuted([0, 2, 3, 1]).reshaped([count * height * width, x.size(1)])
        let y = try rounded(rows, bias, relu: isRectified)
        return try y.reshaped([count, height, width, -1]).permuted([0, 3, 1, 2])
    }

    /// How many channels the kernel computes with at once.
    private static let winogradLanes = 16

    private enum Operators {
        static let winogradWeights = Operator("rwsan::winograd_weights")
        static let winograd = Operator("rwsan::winograd_convolution")
    }
}

/// What a convolution computes with.
struct ConvolutionParameters {
    /// `[out, in, k, k]`, float32
    let weight: Tensor
    /// `[out]`, float32
    let bias: Tensor
}
