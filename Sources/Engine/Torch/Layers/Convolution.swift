/// A convolution over pictures `[B, inputChannels, height, width]`, without padding of its own.
public final class Convolution: Module {
    private static let convolution = Operator("aten::conv2d")

    /// `[outputChannels, inputChannels / groups, kernel, kernel]`
    public let weight: Tensor
    /// How far the kernel moves, in pixels.
    package let stride: Int
    /// Into how many independent groups the channels are split.
    package let groups: Int

    /// - Parameters:
    ///   - inputChannels: Channels of the input.
    ///   - outputChannels: Channels of the output.
    ///   - kernel: Height and width of the kernel, in pixels.
    ///   - stride: How far the kernel moves, in pixels.
    ///   - groups: Into how many independent groups the channels are split; as many as there are channels
    ///     makes the convolution depthwise.
    /// - Throws: `TorchError` where memory is short.
    public init(_ inputChannels: Int, _ outputChannels: Int, kernel: Int, stride: Int = 1, groups: Int = 1)
        throws
    {
        self.stride = stride
        self.groups = groups
        let fanIn = max(inputChannels / max(groups, 1) * kernel * kernel, 1)
        let bound = 1 / Double(fanIn).squareRoot()
        weight = try Tensor.uniform(
            [outputChannels, inputChannels / max(groups, 1), kernel, kernel], in: -bound...bound
        ).requiringGradient()
    }

    /// `[B, inputChannels, h, w]` gives `[B, outputChannels, (h - kernel) / stride + 1, ...]`.
    public func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        try Self.convolution.tensor(
            .tensor(x), .tensor(weight), .none, .ints([stride, stride]), .ints([0, 0]), .ints([1, 1]),
            .int(groups))
    }
}
