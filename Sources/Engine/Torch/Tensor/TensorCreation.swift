extension Tensor {
    private enum Operators {
        static let zeros = Operator("aten::zeros")
        static let ones = Operator("aten::ones")
        static let full = Operator("aten::full")
        static let empty = Operator("aten::empty.memory_format")
        static let arange = Operator("aten::arange.start_step")
        static let normal = Operator("aten::randn")
        static let uniform = Operator("aten::rand")
        static let permutation = Operator("aten::randperm")
        static let concatenate = Operator("aten::cat")
        static let stack = Operator("aten::stack")
    }

    /// A tensor of zeros.
    public static func zeros(_ shape: [Int], dtype: DType = .float32, device: Device = .cpu)
        throws(TorchError) -> Tensor
    {
        try Operators.zeros.tensor(.ints(shape), .dtype(dtype), .none, .device(device))
    }

    /// A tensor of ones.
    public static func ones(_ shape: [Int], dtype: DType = .float32, device: Device = .cpu)
        throws(TorchError) -> Tensor
    {
        try Operators.ones.tensor(.ints(shape), .dtype(dtype), .none, .device(device))
    }

    /// A tensor whose elements are all `value`.
    public static func full(
        _ shape: [Int], _ value: some TensorScalar, dtype: DType = .float32, device: Device = .cpu
    ) throws(TorchError) -> Tensor {
        try Operators.full.tensor(
            .ints(shape), value.operatorValue, .dtype(dtype), .none, .device(device))
    }

    /// A tensor whose elements have yet to be written.
    public static func uninitialized(_ shape: [Int], dtype: DType = .float32, device: Device = .cpu)
        throws(TorchError) -> Tensor
    {
        try Operators.empty.tensor(.ints(shape), .dtype(dtype), .none, .device(device))
    }

    /// The numbers from `start` up to, and without, `end`: int64 `[(end - start) / step]`.
    public static func range(_ start: Int, _ end: Int, by step: Int = 1, device: Device = .cpu)
        throws(TorchError) -> Tensor
    {
        try Operators.arange.tensor(
            .int(start), .int(end), .int(step), .dtype(.int64), .none, .device(device))
    }

    /// Draws from the normal distribution with mean 0 and variance 1.
    public static func normal(_ shape: [Int], dtype: DType = .float32, device: Device = .cpu)
        throws(TorchError) -> Tensor
    {
        guard !StartValues.areOmitted else { return try uninitialized(shape, dtype: dtype, device: device) }
        return try Operators.normal.tensor(.ints(shape), .dtype(dtype), .none, .device(device))
    }

    /// Draws uniformly between `range`'s bounds.
    public static func uniform(
        _ shape: [Int], in range: ClosedRange<Double> = 0...1, dtype: DType = .float32, device: Device = .cpu
    ) throws(TorchError) -> Tensor {
        guard !StartValues.areOmitted else { return try uninitialized(shape, dtype: dtype, device: device) }
        let unit = try Operators.uniform.tensor(.ints(shape), .dtype(dtype), .none, .device(device))
        return try unit * (range.upperBound - range.lowerBound) + range.lowerBound
    }

    /// The numbers below `count` in random order: int64 `[count]`.
    public static func permutation(_ count: Int) throws(TorchError) -> Tensor {
        try Operators.permutation.tensor(.int(count))
    }

    /// Joins tensors along an axis they have.
    public static func concatenate(_ tensors: [Tensor], axis: Int = 0) throws(TorchError) -> Tensor {
        try Operators.concatenate.tensor(.tensors(tensors), .int(axis))
    }

    /// Joins tensors of one shape along a new axis.
    public static func stack(_ tensors: [Tensor], axis: Int = 0) throws(TorchError) -> Tensor {
        try Operators.stack.tensor(.tensors(tensors), .int(axis))
    }
}
