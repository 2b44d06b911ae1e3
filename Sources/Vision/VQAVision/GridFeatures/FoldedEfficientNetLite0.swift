import Torch

/// EfficientNet-Lite0 as it is computed: norms folded into the convolutions, rectifiers and sums in their passes.
///
/// Several threads may use one.
struct FoldedEfficientNetLite0: Sendable {
    let stem: SamePaddedConvolution
    let blocks: [FoldedResidualBlock]
    /// nil where it is not asked for.
    let head: SamePaddedConvolution?

    /// As those of ``EfficientNetLite0``, for no stages but those that the network was folded up to.
    func featureMaps(of input: Tensor, after stages: [EfficientNetLite0.Stage]) throws(TorchError) -> [Tensor]
    {
        guard !stages.isEmpty else { return [] }
        return try withoutGradients { () throws(TorchError) in
            var maps: [EfficientNetLite0.Stage: Tensor] = [:]
            var x = try stem(input, .relu6)
            for (stage, block) in zip(EfficientNetLite0.Stage.blocks, blocks) {
                x = try block(x)
                maps[stage] = x
            }
            if let head { maps[.head] = try head(x, .relu6) }
            return stages.compactMap { maps[$0] }
        }
    }
}

/// An inverted-residual block as it is computed.
struct FoldedResidualBlock: Sendable {
    /// nil where the block does not widen its input.
    let expansion: SamePaddedConvolution?
    let depthwise: SamePaddedConvolution
    let projection: SamePaddedConvolution
    let isResidual: Bool

    /// `[B, inputChannels, h, w]` gives `[B, outputChannels, h / stride, w / stride]`, rounded up.
    func callAsFunction(_ input: Tensor) throws(TorchError) -> Tensor {
        let expanded = if let expansion { try expansion(input, .relu6) } else { input }
        return try projection(depthwise(expanded, .relu6), adding: isResidual ? input : nil)
    }
}

/// A convolution that gives `h / stride` rows and `w / stride` columns, rounded up, with the norm behind it folded in.
///
/// As TensorFlow's 'same' has it: where the number of zeros around the picture is odd, the bottom and the right get one more.
struct SamePaddedConvolution: Sendable {
    /// Of pictures around which there are as many zeros on all sides, in oneDNN's own pass.
    private let symmetric: PackedConvolution
    /// Of those of an even width and height, where the kernel moves by 2: the kernel has zeros of its own, above and to the
    /// left, for those that the pictures then have too many. Only where each channel is filtered by itself, which takes less
    /// time than to copy the pictures.
    private let even: PackedConvolution?
    /// Of pictures that have their zeros already.
    private let unpadded: PackedConvolution
    private let kernel: Int
    private let stride: Int

    init(_ convolution: Convolution, _ norm: BatchNorm) throws(TorchError) {
        let (weight, bias) = try norm.folded(into: convolution.weight)
        let kernel = weight.size(2)
        func packed(_ weight: Tensor, padding: Int) throws(TorchError) -> PackedConvolution {
            try PackedConvolution(
                weight: weight, bias: bias, stride: convolution.stride, padding: padding,
                groups: convolution.groups)
        }
        symmetric = try packed(weight, padding: kernel / 2)
        unpadded = convolution.stride == 1 ? symmetric : try packed(weight, padding: 0)
        let isDepthwise = convolution.groups > 1
        even =
            convolution.stride == 2 && isDepthwise
            ? try packed(weight.padded([(2, 0), (2, 0)]), padding: kernel / 2 + 1) : nil
        (self.kernel, stride) = (kernel, convolution.stride)
    }

    /// `[B, in, h, w]` gives `[B, out, h / stride, w / stride]`, rounded up.
    func callAsFunction(
        _ x: Tensor, _ rectifier: PackedConvolution.Rectifier = .none, adding other: Tensor? = nil
    ) throws(TorchError) -> Tensor {
        let (width, height) = (zeros(x.size(-1)), zeros(x.size(-2)))
        if width == height, width.before == width.after {
            return try symmetric(x, rectifier, adding: other)
        }
        if let even, x.size(-1).isMultiple(of: 2), x.size(-2).isMultiple(of: 2) {
            return try even(x, rectifier, adding: other)
        }
        return try unpadded(x.padded([width, height]), rectifier, adding: other)
    }

    /// How many zeros lie before and behind a row of this length.
    private func zeros(_ length: Int) -> (before: Int, after: Int) {
        let outputLength = (length + stride - 1) / stride
        let total = max(0, (outputLength - 1) * stride + kernel - length)
        return (total / 2, total - total / 2)
    }
}
