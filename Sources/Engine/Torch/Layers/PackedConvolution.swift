/// A convolution for inference, with its bias, a rectifier and a sum in the same pass.
///
/// On the CPU it runs on oneDNN, with weights laid out for it once; elsewhere on libtorch's own convolution. Several threads
/// may use one.
package struct PackedConvolution: Sendable {
    /// What becomes of the results.
    package enum Rectifier: Sendable {
        /// They stay.
        case none
        /// What is negative becomes 0.
        case relu
        /// Besides, what is above 6 becomes 6.
        case relu6
    }

    private let weight: Tensor
    private let bias: Tensor
    private let stride: Int
    private let padding: Int
    private let groups: Int
    private let isPacked: Bool

    private static let convolution = Operator("aten::conv2d")
    private static let packWeight = Operator("mkldnn::_reorder_convolution_weight")
    private static let packedConvolution = Operator("mkldnn::_convolution_pointwise")
    private static let convolutionAndSum = Operator("mkldnn::_convolution_pointwise.binary")
    private static let hasOneDNN = (try? packWeight(.tensor(.zeros([1, 1, 1, 1])))) != nil

    /// - Parameters:
    ///   - weight: `[out, in / groups, k, k]`, of the type and on the device of what it is given.
    ///   - bias: `[out]`, likewise.
    ///   - stride: How far the kernel moves, in pixels.
    ///   - padding: How many zeros lie around the pictures on each side.
    ///   - groups: Into how many independent groups the channels are split.
    /// - Throws: `TorchError` where memory is short.
    package init(weight: Tensor, bias: Tensor, stride: Int = 1, padding: Int = 0, groups: Int = 1)
        throws(TorchError)
    {
        (self.bias, self.stride, self.padding, self.groups) = (bias, stride, padding, groups)
        isPacked = weight.device == .cpu && Self.hasOneDNN
        self.weight =
            isPacked
            ? try Self.packWeight.tensor(
                .tensor(weight), .ints([padding, padding]), .ints([stride, stride]), .ints([1, 1]),
                .int(groups))
            : weight
    }

    /// `[n, in, h, w]` gives `[n, out, h', w']`, channels last in memory as they came.
    ///
    /// - Parameters:
    ///   - x: The pictures.
    ///   - rectifier: What becomes of the results, after the sum.
    ///   - other: `[n, out, h', w']` to be added.
    package func callAsFunction(_ x: Tensor, _ rectifier: Rectifier = .none, adding other: Tensor? = nil)
        throws(TorchError) -> Tensor
    {
        let (padding, stride): ([Int], [Int]) = ([padding, padding], [stride, stride])
        guard isPacked else {
            let y = try Self.convolution.tensor(
                .tensor(x), .tensor(weight), .tensor(bias), .ints(stride), .ints(padding), .ints([1, 1]),
                .int(groups))
            return try rectifier(other.map { other throws(TorchError) in try y + other } ?? y)
        }
        // Of pictures of one pixel libtorch does not find out how the summand lies in memory.
        guard let other, other.size(2) * other.size(3) > 1 else {
            let own = other == nil ? rectifier : .none
            let y = try Self.packedConvolution.tensor(
                .tensor(x), .tensor(weight), .tensor(bias), .ints(padding), .ints(stride), .ints([1, 1]),
                .int(groups), .string(own.nameInOneDNN), .ints(own == .relu6 ? [0, 6] : []), .none)
            return try other.map { other throws(TorchError) in try rectifier(y + other) } ?? y
        }
        let isFused = rectifier != .relu6
        let y = try Self.convolutionAndSum.tensor(
            .tensor(x), .tensor(other), .tensor(weight), .tensor(bias), .ints(padding), .ints(stride),
            .ints([1, 1]), .int(groups), "add", .none, rectifier == .relu ? "relu" : .none, .ints([]), .none)
        return isFused ? y : try rectifier(y)
    }
}

extension PackedConvolution.Rectifier {
    /// As libtorch names what it fuses with oneDNN's convolutions.
    fileprivate var nameInOneDNN: String {
        switch self {
        case .none: "none"
        case .relu: "relu"
        case .relu6: "hardtanh"
        }
    }

    /// The same by libtorch's own operators.
    fileprivate func callAsFunction(_ y: Tensor) throws(TorchError) -> Tensor {
        switch self {
        case .none: y
        case .relu: try y.relu()
        case .relu6: try y.clamped(to: 0...6)
        }
    }
}
