/// `x W^T + b` on the last axis.
///
/// Start values are uniform in ±1/√inputWidth, weight and bias, as PyTorch's.
public final class Linear: Module {
    private static let linear = Operator("rwsan::linear")

    /// `[outputWidth, inputWidth]`
    public let weight: Tensor
    /// `[outputWidth]`
    public let bias: Tensor?
    private var rounded: Int8Weight?
    private var packed: PackedWeight?

    /// - Parameters:
    ///   - inputWidth: The length of the last axis of the input.
    ///   - outputWidth: The length of the last axis of the output.
    ///   - hasBias: Whether a bias is added.
    /// - Throws: `TorchError` where memory is short.
    public init(_ inputWidth: Int, _ outputWidth: Int, hasBias: Bool = true) throws {
        let bound = 1 / Double(max(inputWidth, 1)).squareRoot()
        weight = try Tensor.uniform([outputWidth, inputWidth], in: -bound...bound).requiringGradient()
        bias = hasBias ? try Tensor.uniform([outputWidth], in: -bound...bound).requiringGradient() : nil
    }

    /// `[.., inputWidth]` gives `[.., outputWidth]`.
    public func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        if let rounded, !isTraining { return try rounded(x, bias) }
        if let packed = packed(for: x) { return try packed(x, bias) }
        return try Self.linear.tensor(.tensor(x), .tensor(weight), .optional(bias))
    }

    /// `dropout(relu(x W^T + b))`: the inside of a feed-forward network.
    public func relu(_ x: Tensor, _ dropout: Dropout) throws(TorchError) -> Tensor {
        if let rounded, !isTraining { return try rounded(x, bias, relu: true) }
        if let packed = packed(for: x) { return try dropout(packed(x, bias, .relu)) }
        return try dropout.relu(self(x))
    }

    /// `gelu(x W^T + b)`: the inside of a transformer's feed-forward network.
    public func gelu(_ x: Tensor) throws(TorchError) -> Tensor {
        if let packed = packed(for: x) { return try packed(x, bias, .gelu) }
        return try self(x).gelu()
    }

    /// `base + dropout(x W^T + b)`: the end of a branch beside rows that go on as they are.
    public func added(to base: Tensor, _ x: Tensor, _ dropout: Dropout) throws(TorchError) -> Tensor {
        if let packed = packed(for: x), base.hasFloat32Kernels, dropout.currentProbability == 0 {
            return try packed(x, bias, plus: base)
        }
        return try base + dropout(self(x))
    }

    /// Switches between training and inference. Weights that are trained are not those that were packed.
    public override func setTraining(_ isTraining: Bool) {
        super.setTraining(isTraining)
        if isTraining { packed = nil }
    }

    private func packed(for x: Tensor) -> PackedWeight? {
        rounded != nil || !x.hasFloat32Kernels ? nil : packed
    }

    /// Makes inference use weights of 8 bits from now on, rounded from the weights as they are; training goes on
    /// to use those.
    ///
    /// Each output's weights have a scale of their own, and so has each row of the input, which is rounded to 8
    /// bits too: their products are sums of whole numbers.
    ///
    /// - Throws: `TorchError` where the processor has no instructions for it, or the layer is on a GPU.
    public func roundToInt8() throws(TorchError) {
        rounded = try Int8Weight(rounding: weight)
    }

    /// Makes inference in float32 faster until the layer is trained again, with the weights as they are now put into the
    /// order in which they are read.
    fileprivate func pack() throws(TorchError) { packed = try PackedWeight(weight) }
}

extension Module {
    /// Converts the weights of all linear layers for inference in mixed precision, which else does so each time.
    ///
    /// - Parameter precision: Where it is not mixed, nothing is done.
    package func convertLinearLayers(for precision: Precision) throws(TorchError) {
        guard let type = precision.autocastType else { return }
        if let linear = self as? Linear {
            try withoutGradients { () throws(TorchError) in
                for tensor in [linear.weight, linear.bias].compactMap({ $0 }) {
                    try tensor.replaceStorage(with: tensor.detached().converted(to: type))
                }
            }
        }
        for (_, child) in children { try child.convertLinearLayers(for: precision) }
    }
}

extension Module {
    /// Prepares all linear layers for inference in float32, until they are trained again, where that makes it faster: on
    /// processors with AVX-512. The weights are in memory twice then.
    ///
    /// - Parameter afterEach: Called after each layer, whose weight is not read any more in inference.
    package func packLinearLayers(afterEach: () -> Void = {}) throws(TorchError) {
        guard PackedWeight.isSupported else { return }
        if let linear = self as? Linear, linear.weight.hasFloat32Kernels {
            try linear.pack()
            afterEach()
        }
        for (_, child) in children { try child.packLinearLayers(afterEach: afterEach) }
    }
}

/// A linear layer's weight in 8 bits, for inference on the CPU.
package struct Int8Weight: Sendable {
    private static let linear = Operator("rwsan::int8_linear")
    private static let quantizeRows = Operator("rwsan::quantize_rows")

    /// int8 `[outputWidth, inputWidth]`
    private let values: Tensor
    /// What one step of each output's weights is worth: `[outputWidth]`
    private let scales: Tensor

    /// Rounds a weight `[outputWidth, inputWidth]`.
    ///
    /// - Throws: `TorchError` where the processor has no instructions for it, or the weight is on a GPU.
    package init(rounding weight: Tensor) throws(TorchError) {
        try TorchRuntime.requireInt8Products()
        let parts = try Self.quantizeRows.tensors(.tensor(weight.detached()))
        (values, scales) = (parts[0], parts[1])
    }

    /// `x W^T + bias`, and what is negative 0 where that is asked for: `[rows, inputWidth]` gives `[rows, outputWidth]`.
    package func callAsFunction(_ x: Tensor, _ bias: Tensor?, relu: Bool = false) throws(TorchError) -> Tensor
    {
        let bias = if let bias { bias } else { try Tensor.zeros([scales.count]) }
        return try Self.linear.tensor(
            .tensor(x), .tensor(values), .tensor(scales), .tensor(bias), .bool(relu))
    }
}
