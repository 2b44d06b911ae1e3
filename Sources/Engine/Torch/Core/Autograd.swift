import CTorch

extension Tensor {
    private static let detach = Operator("aten::detach")

    /// Whether operations on the tensor are recorded, so that backward reaches it.
    public var requiresGradient: Bool { ctorch_tensor_requires_grad(handle) }

    /// Asks for, or ends, the recording of operations on this tensor.
    ///
    /// - Throws: `TorchError` for types that carry no gradient, and for results of recorded operations.
    @discardableResult
    public func requiringGradient(_ value: Bool = true) throws(TorchError) -> Tensor {
        try checkBridge("requires_grad") { ctorch_tensor_set_requires_grad(handle, value, $0) }
        return self
    }

    /// Whether the tensor is not the result of a recorded operation.
    public var isLeaf: Bool { ctorch_tensor_is_leaf(handle) }

    /// The gradient that backward has accumulated here, of the tensor's own shape; nil where there is none.
    public var gradient: Tensor? {
        ctorch_tensor_grad(handle).map(Tensor.init(owning:))
    }

    /// Replaces the accumulated gradient; nil drops it.
    ///
    /// - Throws: `TorchError` where the shapes or types disagree.
    public func setGradient(_ gradient: Tensor?) throws(TorchError) {
        try checkBridge("grad") { ctorch_tensor_set_grad(handle, gradient?.handle, $0) }
    }

    /// Accumulates, in every leaf that requires it, the gradient of this tensor by that leaf.
    ///
    /// - Parameter gradient: The gradient by this tensor; 1 where the tensor has one element.
    /// - Throws: `TorchError` where there is nothing recorded, or an operator's backward fails.
    public func backward(gradient: Tensor? = nil) throws(TorchError) {
        try checkBridge("backward") { ctorch_tensor_backward(handle, gradient?.handle, $0) }
    }

    /// Has something done whenever backward has added to the gradient of this tensor, a leaf; nil ends it.
    ///
    /// - Parameters:
    ///   - body: Called on the thread that adds: another one than backward's caller for a tensor on a GPU, which waits
    ///     meanwhile.
    ///   - context: What `body` is given, which has to live as long as it is called.
    /// - Throws: `TorchError` where the tensor is no leaf that requires a gradient.
    package func afterGradient(
        _ body: (@convention(c) (UnsafeMutableRawPointer?) -> Void)?, context: UnsafeMutableRawPointer? = nil
    ) throws(TorchError) {
        try checkBridge("gradient hook") { ctorch_tensor_after_gradient(handle, body, context, $0) }
    }

    /// The same memory, without its history.
    public func detached() throws(TorchError) -> Tensor { try Tensor.detach.tensor(.tensor(self)) }

    /// Takes over another tensor's memory, type and device, staying the same parameter to everybody who
    /// holds it.
    func replaceStorage(with other: Tensor) throws(TorchError) {
        try checkBridge("set_data") { ctorch_tensor_set_data(handle, other.handle, $0) }
    }
}

/// Runs `body` without recording operations: for inference, evaluation and changes to parameters.
///
/// What is recorded is a property of the thread: `body` must not wait for other tasks, and cannot.
public func withoutGradients<Result, Failure: Error>(_ body: () throws(Failure) -> Result) throws(Failure)
    -> Result
{
    let enabled = ctorch_grad_enabled()
    ctorch_set_grad_enabled(false)
    defer { ctorch_set_grad_enabled(enabled) }
    return try body()
}
