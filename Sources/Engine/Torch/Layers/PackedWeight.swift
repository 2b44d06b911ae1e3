import CTorch

/// A linear layer's weight in the order in which it is read, for inference in float32 on a CPU with AVX-512.
///
/// A row of the result is the same to the bit whatever other rows there are, and however many threads.
package struct PackedWeight: Sendable {
    private static let pack = Operator("rwsan::pack_linear")
    private static let linear = Operator("rwsan::packed_linear")

    /// What is done to the result before anything is added to it.
    package enum Activation: Int {
        case none, relu, gelu
    }

    /// Whether the processor has the instructions.
    package static var isSupported: Bool { ctorch_has_packed_products() }

    private let values: Tensor
    private let outputWidth: Int

    /// Copies a weight `[outputWidth, inputWidth]` of float32 on the CPU.
    ///
    /// - Throws: `TorchError` where memory is short.
    package init(_ weight: Tensor) throws(TorchError) {
        values = try Self.pack.tensor(.tensor(weight.detached()))
        outputWidth = weight.shape.first ?? 0
    }

    /// `activation(x W^T + bias) + base`: `[.., inputWidth]` gives `[.., outputWidth]`.
    package func callAsFunction(
        _ x: Tensor, _ bias: Tensor?, _ activation: Activation = .none, plus base: Tensor? = nil
    ) throws(TorchError) -> Tensor {
        try Self.linear.tensor(
            .tensor(x), .tensor(values), .optional(bias), .int(outputWidth), .optional(base),
            .int(activation.rawValue))
    }
}
