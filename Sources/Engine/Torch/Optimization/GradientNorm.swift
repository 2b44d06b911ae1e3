/// The norm of many gradients taken as one vector.
package enum GradientNorm {
    private static let norms = Operator("aten::_foreach_norm.Scalar")
    private static let norm = Operator("aten::linalg_vector_norm")
    private static let stack = Operator("aten::stack")

    /// The square root of the sum of all elements' squares: float32 `[]` on the gradients' device.
    ///
    /// - Throws: `TorchError` where they lie on several devices.
    package static func of(_ gradients: [Tensor]) throws(TorchError) -> Tensor {
        guard !gradients.isEmpty else { return try Tensor.zeros([]) }
        let norms = try norms.tensors(.tensors(gradients))
        return try norm.tensor(.tensor(stack.tensor(.tensors(norms))))
    }
}
