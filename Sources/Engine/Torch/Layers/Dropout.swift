/// In training, sets each element to zero with a probability and scales the others to keep the mean.
///
/// Source: Srivastava et al. 2014.
public final class Dropout: Module {
    private static let dropout = Operator("aten::dropout")
    private static let fastDropout = Operator("rwsan::dropout")
    private static let fastReluDropout = Operator("rwsan::relu_dropout")

    /// How likely an element becomes zero.
    public let probability: Double

    /// - Parameter probability: How likely an element becomes zero, from 0 up to, and without, 1.
    public init(_ probability: Double) {
        self.probability = probability
    }

    /// How likely an element becomes zero now: 0 in inference.
    var currentProbability: Double { isTraining ? probability : 0 }

    /// `x` with elements dropped; `x` itself in inference.
    public func callAsFunction(_ x: Tensor) throws(TorchError) -> Tensor {
        guard currentProbability > 0 else { return x }
        guard x.hasKernels else {
            return try Self.dropout.tensor(.tensor(x), .double(probability), true)
        }
        return try Self.fastDropout.tensor(.tensor(x), .double(probability))
    }

    /// `relu(x)` with elements dropped.
    public func relu(_ x: Tensor) throws(TorchError) -> Tensor {
        guard x.hasKernels, currentProbability > 0 else { return try self(x.relu()) }
        return try Self.fastReluDropout.tensor(.tensor(x), .double(probability))
    }
}

extension Tensor {
    /// Whether the kernels in `CTorch/Kernels` work on the tensor. Elsewhere the operators that they stand
    /// for are composed of libtorch's own.
    var hasKernels: Bool {
        device == .cpu && (dtype == .float32 || dtype == .bfloat16 || dtype == .float16)
    }

    /// Whether those that take single precision alone do: products with packed weights.
    var hasFloat32Kernels: Bool { device == .cpu && dtype == .float32 }
}
