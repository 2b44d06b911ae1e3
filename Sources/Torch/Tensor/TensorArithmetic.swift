extension Tensor {
    private enum Operators {
        static let add = Operator("aten::add.Tensor")
        static let addScalar = Operator("aten::add.Scalar")
        static let subtract = Operator("aten::sub.Tensor")
        static let subtractScalar = Operator("aten::sub.Scalar")
        static let reverseSubtract = Operator("aten::rsub.Scalar")
        static let multiply = Operator("aten::mul.Tensor")
        static let multiplyScalar = Operator("aten::mul.Scalar")
        static let divide = Operator("aten::div.Tensor")
        static let divideScalar = Operator("aten::div.Scalar")
        static let negative = Operator("aten::neg")
        static let matmul = Operator("aten::matmul")
        static let addInPlace = Operator("aten::add_.Tensor")
        static let multiplyInPlace = Operator("aten::mul_.Scalar")
        static let copy = Operator("aten::copy_")
        static let fill = Operator("aten::fill_.Scalar")
        static let maskedFill = Operator("aten::masked_fill.Scalar")
        static let equal = Operator("aten::eq.Tensor")
        static let equalScalar = Operator("aten::eq.Scalar")
        static let lessScalar = Operator("aten::lt.Scalar")
        static let less = Operator("aten::lt.Tensor")
        static let greaterScalar = Operator("aten::gt.Scalar")
        static let greater = Operator("aten::gt.Tensor")
        static let greaterEqual = Operator("aten::ge.Tensor")
        static let logicalOr = Operator("aten::logical_or")
        static let logicalNot = Operator("aten::logical_not")
        static let select = Operator("aten::where.self")
        static let clamp = Operator("aten::clamp")
        static let relu = Operator("aten::relu")
        static let sigmoid = Operator("aten::sigmoid")
        static let tanh = Operator("aten::tanh")
        static let exponential = Operator("aten::exp")
        static let logarithm = Operator("aten::log")
        static let squareRoot = Operator("aten::sqrt")
        static let absolute = Operator("aten::abs")
        static let softmax = Operator("aten::softmax.int")
        static let isFinite = Operator("aten::isfinite")
    }

    // Element by element; shapes broadcast.

    public static func + (left: Tensor, right: Tensor) throws(TorchError) -> Tensor {
        try Operators.add.tensor(.tensor(left), .tensor(right))
    }
    public static func + (left: Tensor, right: some TensorScalar) throws(TorchError) -> Tensor {
        try Operators.addScalar.tensor(.tensor(left), right.operatorValue)
    }
    public static func + (left: some TensorScalar, right: Tensor) throws(TorchError) -> Tensor {
        try right + left
    }
    public static func - (left: Tensor, right: Tensor) throws(TorchError) -> Tensor {
        try Operators.subtract.tensor(.tensor(left), .tensor(right))
    }
    public static func - (left: Tensor, right: some TensorScalar) throws(TorchError) -> Tensor {
        try Operators.subtractScalar.tensor(.tensor(left), right.operatorValue)
    }
    public static func - (left: some TensorScalar, right: Tensor) throws(TorchError) -> Tensor {
        try Operators.reverseSubtract.tensor(.tensor(right), left.operatorValue)
    }
    public static func * (left: Tensor, right: Tensor) throws(TorchError) -> Tensor {
        try Operators.multiply.tensor(.tensor(left), .tensor(right))
    }
    public static func * (left: Tensor, right: some TensorScalar) throws(TorchError) -> Tensor {
        try Operators.multiplyScalar.tensor(.tensor(left), right.operatorValue)
    }
    public static func * (left: some TensorScalar, right: Tensor) throws(TorchError) -> Tensor {
        try right * left
    }
    public static func / (left: Tensor, right: Tensor) throws(TorchError) -> Tensor {
        try Operators.divide.tensor(.tensor(left), .tensor(right))
    }
    public static func / (left: Tensor, right: some TensorScalar) throws(TorchError) -> Tensor {
        try Operators.divideScalar.tensor(.tensor(left), right.operatorValue)
    }
    public static prefix func - (operand: Tensor) throws(TorchError) -> Tensor {
        try Operators.negative.tensor(.tensor(operand))
    }

    /// The matrix product over the last two axes: `[.., n, k]` by `[.., k, m]` gives `[.., n, m]`.
    public func matmul(_ other: Tensor) throws(TorchError) -> Tensor {
        try Operators.matmul.tensor(.tensor(self), .tensor(other))
    }

    // Comparisons, which give bool tensors.

    public func equals(_ other: Tensor) throws(TorchError) -> Tensor {
        try Operators.equal.tensor(.tensor(self), .tensor(other))
    }
    public func equals(_ value: some TensorScalar) throws(TorchError) -> Tensor {
        try Operators.equalScalar.tensor(.tensor(self), value.operatorValue)
    }
    public func isLess(than other: Tensor) throws(TorchError) -> Tensor {
        try Operators.less.tensor(.tensor(self), .tensor(other))
    }
    public func isLess(than value: some TensorScalar) throws(TorchError) -> Tensor {
        try Operators.lessScalar.tensor(.tensor(self), value.operatorValue)
    }
    public func isGreater(than value: some TensorScalar) throws(TorchError) -> Tensor {
        try Operators.greaterScalar.tensor(.tensor(self), value.operatorValue)
    }
    public func isGreater(than other: Tensor) throws(TorchError) -> Tensor {
        try Operators.greater.tensor(.tensor(self), .tensor(other))
    }
    public func isAtLeast(_ other: Tensor) throws(TorchError) -> Tensor {
        try Operators.greaterEqual.tensor(.tensor(self), .tensor(other))
    }
    public func or(_ other: Tensor) throws(TorchError) -> Tensor {
        try Operators.logicalOr.tensor(.tensor(self), .tensor(other))
    }
    public func not() throws(TorchError) -> Tensor { try Operators.logicalNot.tensor(.tensor(self)) }
    /// Where an element is neither infinite nor NaN.
    public func isFinite() throws(TorchError) -> Tensor { try Operators.isFinite.tensor(.tensor(self)) }

    /// Elements of `self` where `condition` holds, else those of `other`.
    public func selected(where condition: Tensor, else other: Tensor) throws(TorchError) -> Tensor {
        try Operators.select.tensor(.tensor(condition), .tensor(self), .tensor(other))
    }
    /// `value` where `mask` holds, else the element.
    public func filled(where mask: Tensor, with value: some TensorScalar) throws(TorchError) -> Tensor {
        try Operators.maskedFill.tensor(.tensor(self), .tensor(mask), value.operatorValue)
    }

    // Functions of each element.

    public func relu() throws(TorchError) -> Tensor { try Operators.relu.tensor(.tensor(self)) }
    public func sigmoid() throws(TorchError) -> Tensor { try Operators.sigmoid.tensor(.tensor(self)) }
    public func tanh() throws(TorchError) -> Tensor { try Operators.tanh.tensor(.tensor(self)) }
    public func exp() throws(TorchError) -> Tensor { try Operators.exponential.tensor(.tensor(self)) }
    public func log() throws(TorchError) -> Tensor { try Operators.logarithm.tensor(.tensor(self)) }
    public func squareRoot() throws(TorchError) -> Tensor { try Operators.squareRoot.tensor(.tensor(self)) }
    public func absolute() throws(TorchError) -> Tensor { try Operators.absolute.tensor(.tensor(self)) }
    /// Elements below the range become its lower bound, those above its upper.
    public func clamped(to range: ClosedRange<Double>) throws(TorchError) -> Tensor {
        try Operators.clamp.tensor(.tensor(self), .double(range.lowerBound), .double(range.upperBound))
    }
    /// `exp(x) / sum(exp(x))` along an axis.
    public func softmax(axis: Int) throws(TorchError) -> Tensor {
        try Operators.softmax.tensor(.tensor(self), .int(axis))
    }

    // In place.

    /// Adds `scale * other` to the elements.
    public func addInPlace(_ other: Tensor, scale: Double = 1) throws(TorchError) {
        try Operators.addInPlace(.tensor(self), .tensor(other), .double(scale))
    }
    /// Multiplies the elements by a number.
    public func multiplyInPlace(_ value: some TensorScalar) throws(TorchError) {
        try Operators.multiplyInPlace(.tensor(self), value.operatorValue)
    }
    /// Takes over another tensor's elements, converting and broadcasting them.
    public func copy(from other: Tensor) throws(TorchError) {
        try Operators.copy(.tensor(self), .tensor(other))
    }
    /// Sets every element.
    public func fill(_ value: some TensorScalar) throws(TorchError) {
        try Operators.fill(.tensor(self), value.operatorValue)
    }
}
