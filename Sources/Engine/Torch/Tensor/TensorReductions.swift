extension Tensor {
    private enum Operators {
        static let sum = Operator("aten::sum")
        static let sumAxes = Operator("aten::sum.dim_IntList")
        static let mean = Operator("aten::mean")
        static let meanAxes = Operator("aten::mean.dim")
        static let deviation = Operator("aten::std.correction")
        static let maximum = Operator("aten::max")
        static let minimum = Operator("aten::min")
        static let maximumAxis = Operator("aten::max.dim")
        static let argmax = Operator("aten::argmax")
        static let all = Operator("aten::all")
        static let cumulative = Operator("aten::cumsum")
        static let norm = Operator("aten::linalg_vector_norm")
        static let topk = Operator("aten::topk")
    }

    /// The sum of all elements, or along axes.
    public func sum(axes: [Int]? = nil, keepingAxes: Bool = false) throws(TorchError) -> Tensor {
        guard let axes else { return try Operators.sum.tensor(.tensor(self)) }
        return try Operators.sumAxes.tensor(.tensor(self), .ints(axes), .bool(keepingAxes))
    }
    /// The mean of all elements, or along axes.
    public func mean(axes: [Int]? = nil, keepingAxes: Bool = false) throws(TorchError) -> Tensor {
        guard let axes else { return try Operators.mean.tensor(.tensor(self)) }
        return try Operators.meanAxes.tensor(.tensor(self), .ints(axes), .bool(keepingAxes))
    }
    /// The standard deviation along axes, with `n - correction` in the denominator.
    public func standardDeviation(axes: [Int], correction: Int = 1, keepingAxes: Bool = false)
        throws(TorchError) -> Tensor
    {
        try Operators.deviation.tensor(
            .tensor(self), .ints(axes), .int(correction), .bool(keepingAxes))
    }
    /// The largest of all elements.
    public func maximum() throws(TorchError) -> Tensor { try Operators.maximum.tensor(.tensor(self)) }
    /// The smallest of all elements.
    public func minimum() throws(TorchError) -> Tensor { try Operators.minimum.tensor(.tensor(self)) }
    /// The largest element along an axis.
    public func maximum(axis: Int) throws(TorchError) -> Tensor {
        try Operators.maximumAxis.tensors(.tensor(self), .int(axis))[0]
    }
    /// The position of the largest element along an axis: int64.
    public func argmax(axis: Int) throws(TorchError) -> Tensor {
        try Operators.argmax.tensor(.tensor(self), .int(axis))
    }
    /// The `count` largest elements along an axis in falling order, and their positions (int64).
    public func largest(_ count: Int, axis: Int = -1) throws(TorchError) -> (
        values: Tensor, positions: Tensor
    ) {
        let results = try Operators.topk.tensors(.tensor(self), .int(count), .int(axis))
        return (results[0], results[1])
    }
    /// Whether every element is true: bool, one element.
    public func all() throws(TorchError) -> Tensor { try Operators.all.tensor(.tensor(self)) }
    /// The running sum along an axis.
    public func cumulativeSum(axis: Int) throws(TorchError) -> Tensor {
        try Operators.cumulative.tensor(.tensor(self), .int(axis))
    }
    /// The square root of the sum of squares of all elements.
    public func norm() throws(TorchError) -> Tensor { try Operators.norm.tensor(.tensor(self)) }
}
