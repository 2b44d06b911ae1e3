import CTorch

extension Tensor {
    private enum Operators {
        static let reshape = Operator("aten::reshape")
        static let flatten = Operator("aten::flatten.using_ints")
        static let transpose = Operator("aten::transpose.int")
        static let permute = Operator("aten::permute")
        static let unsqueeze = Operator("aten::unsqueeze")
        static let squeeze = Operator("aten::squeeze.dim")
        static let expand = Operator("aten::expand")
        static let contiguous = Operator("aten::contiguous")
        static let narrow = Operator("aten::narrow")
        static let select = Operator("aten::select.int")
        static let split = Operator("aten::split_with_sizes")
        static let indexSelect = Operator("aten::index_select")
        static let index = Operator("aten::index.Tensor")
        static let pad = Operator("aten::constant_pad_nd")
        static let to = Operator("aten::_to_copy")
        static let clone = Operator("aten::clone")
        static let flip = Operator("aten::flip")
    }

    /// The same elements in another shape; one length may be -1, to be found.
    public func reshaped(_ shape: [Int]) throws(TorchError) -> Tensor {
        try Operators.reshape.tensor(.tensor(self), .ints(shape))
    }
    /// All elements on one axis.
    public func flattened() throws(TorchError) -> Tensor { try reshaped([-1]) }
    /// The axes from `start` to `end` made one.
    public func flattened(from start: Int, through end: Int = -1) throws(TorchError) -> Tensor {
        try Operators.flatten.tensor(.tensor(self), .int(start), .int(end))
    }
    /// Swaps two axes.
    public func transposed(_ first: Int = -2, _ second: Int = -1) throws(TorchError) -> Tensor {
        try Operators.transpose.tensor(.tensor(self), .int(first), .int(second))
    }
    /// The axes in another order.
    public func permuted(_ axes: [Int]) throws(TorchError) -> Tensor {
        try Operators.permute.tensor(.tensor(self), .ints(axes))
    }
    /// A new axis of length 1.
    public func expandingAxis(_ axis: Int) throws(TorchError) -> Tensor {
        try Operators.unsqueeze.tensor(.tensor(self), .int(axis))
    }
    /// Without an axis of length 1.
    public func droppingAxis(_ axis: Int) throws(TorchError) -> Tensor {
        try Operators.squeeze.tensor(.tensor(self), .int(axis))
    }
    /// Axes of length 1 repeated to the shape's lengths, without a copy.
    public func broadcast(to shape: [Int]) throws(TorchError) -> Tensor {
        try Operators.expand.tensor(.tensor(self), .ints(shape))
    }
    /// The same elements row by row in memory; itself where they are.
    public func contiguous() throws(TorchError) -> Tensor {
        isContiguous ? self : try Operators.contiguous.tensor(.tensor(self))
    }
    /// `length` positions of an axis from `start` on, sharing memory.
    public func narrowed(axis: Int, start: Int, length: Int) throws(TorchError) -> Tensor {
        try Operators.narrow.tensor(.tensor(self), .int(axis), .int(start), .int(length))
    }
    /// Parts of these lengths along an axis, sharing memory.
    public func split(_ lengths: [Int], axis: Int = 0) throws(TorchError) -> [Tensor] {
        try Operators.split.tensors(.tensor(self), .ints(lengths), .int(axis))
    }
    /// The positions of an axis that `indices` (int64 `[n]`) names, copied.
    public func gathered(_ indices: Tensor, axis: Int = 0) throws(TorchError) -> Tensor {
        try Operators.indexSelect.tensor(.tensor(self), .int(axis), .tensor(indices))
    }
    /// Adds `before` and `after` positions holding `value` to axes, from the last axis on.
    public func padded(_ widths: [(before: Int, after: Int)], value: Double = 0) throws(TorchError) -> Tensor
    {
        let flat = widths.flatMap { [$0.before, $0.after] }
        return try Operators.pad.tensor(.tensor(self), .ints(flat), .double(value))
    }
    /// The positions of an axis in reverse.
    public func flipped(axis: Int) throws(TorchError) -> Tensor {
        try Operators.flip.tensor(.tensor(self), .ints([axis]))
    }

    /// The elements as another type; itself where they are.
    public func converted(to dtype: DType) throws(TorchError) -> Tensor {
        self.dtype == dtype ? self : try Operators.to.tensor(.tensor(self), .dtype(dtype))
    }
    /// The tensor on another device; itself where it is.
    public func moved(to device: Device) throws(TorchError) -> Tensor {
        self.device == device
            ? self : try Operators.to.tensor(.tensor(self), .none, .none, .device(device))
    }
    /// The tensor on another device, copied while that computes where this lies in page-locked memory. What this
    /// thread gives to the device from here on waits for the copy.
    package func uploaded(to device: Device) throws(TorchError) -> Tensor {
        guard case .cuda(let index) = device, self.device == .cpu else { return try moved(to: device) }
        return Tensor(
            owning: try withBridgeError("upload") { ctorch_tensor_upload(handle, Int32(clamping: index), $0) }
        )
    }
    /// A copy with memory of its own.
    public func cloned() throws(TorchError) -> Tensor { try Operators.clone.tensor(.tensor(self)) }

    /// Part of the tensor: one index for each axis from the first on.
    ///
    ///     try x[0]                // the first row
    ///     try x[1..<3, .all, -1]  // rows 1 and 2, last position of the third axis
    ///     try x[.at(rows)]        // the rows that the int64 or bool tensor `rows` names
    ///
    /// Integers and ranges share memory; tensors copy.
    public subscript(_ indices: TensorIndex...) -> Tensor {
        get throws(TorchError) {
            var result = self
            var axis = 0
            for index in indices {
                switch index {
                case .position(let position):
                    result = try Operators.select.tensor(.tensor(result), .int(axis), .int(position))
                case .range(let start, let end):
                    let length = max(0, min(end, result.size(axis)) - start)
                    result = try result.narrowed(axis: axis, start: start, length: length)
                    axis += 1
                case .all: axis += 1
                case .at(let places):
                    let gaps = [Tensor?](repeating: nil, count: axis)
                    result = try Operators.index.tensor(.tensor(result), .optionalTensors(gaps + [places]))
                    axis += 1
                }
            }
            return result
        }
    }
}

/// Which positions of an axis to take.
public enum TensorIndex: Sendable, ExpressibleByIntegerLiteral {
    /// One position, whose axis goes away; negative from the end.
    case position(Int)
    /// Positions from `start` up to, and without, `end`.
    case range(Int, Int)
    /// Every position.
    case all
    /// The positions an int64 tensor names, or those where a bool tensor holds true.
    case at(Tensor)

    /// One position, written as a number.
    public init(integerLiteral value: Int) { self = .position(value) }

    /// `1..<3` as an index.
    public static func ..< (start: TensorIndex, end: TensorIndex) -> TensorIndex {
        guard case .position(let start) = start, case .position(let end) = end else { return .all }
        return .range(start, end)
    }
}
