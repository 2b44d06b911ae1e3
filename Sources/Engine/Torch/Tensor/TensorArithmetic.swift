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
        static let reciprocal = Operator("aten::reciprocal")
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
        static let gelu = Operator("aten::gelu")
        static let floor = Operator("aten::floor")
        static let round = Operator("aten::round")
        static let tanh = Operator("aten::tanh")
        static let exponential = Operator("aten::exp")
        static let logarithm = Operator("aten::log")
        static let squareRoot = Operator("aten::sqrt")
        static let absolute = Operator("aten::abs")
        static let softmax = Operator("aten::softmax.int")
        static let isFinite = Operator("aten::isfinite")
    }

    // Element by element; shapes broadcast.

    /// The sum, element by element; shapes broadcast.
    public static func + (left: Tensor, right: Tensor) throws(TorchError) -> Tensor {
        try Operators.add.tensor(.tensor(left), .tensor(right))
    }
    /// A number added to each element.
    public static func + (left: Tensor, right: some TensorScalar) throws(TorchError) -> Tensor {
        try Operators.addScalar.tensor(.tensor(left), right.operatorValue)
    }
    /// A number added to each element.
    public static func + (left: some TensorScalar, right: Tensor) throws(TorchError) -> Tensor {
        try right + left
    }
    /// The difference, element by element; shapes broadcast.
    public static func - (left: Tensor, right: Tensor) throws(TorchError) -> Tensor {
        try Operators.subtract.tensor(.tensor(left), .tensor(right))
    }
    /// Each element less a number.
    public static func - (left: Tensor, right: some TensorScalar) throws(TorchError) -> Tensor {
        try Operators.subtractScalar.tensor(.tensor(left), right.operatorValue)
    }
    /// A number less each element.
    public static func - (left: some TensorScalar, right: Tensor) throws(TorchError) -> Tensor {
        try Operators.reverseSubtract.tensor(.tensor(right), left.operatorValue)
    }
    /// The product, element by element; shapes broadcast.
    public static func * (left: Tensor, right: Tensor) throws(TorchError) -> Tensor {
        try Operators.multiply.tensor(.tensor(left), .tensor(right))
    }
    /// Each element times a number.
    public static func * (left: Tensor, right: some TensorScalar) throws(TorchError) -> Tensor {
        try Operators.multiplyScalar.tensor(.tensor(left), right.operatorValue)
    }
    /// Each element times a number.
    public static func * (left: some TensorScalar, right: Tensor) throws(TorchError) -> Tensor {
        try right * left
    }
    /// The quotient, element by element; shapes broadcast.
    public static func / (left: Tensor, right: Tensor) throws(TorchError) -> Tensor {
        try Operators.divide.tensor(.tensor(left), .tensor(right))
    }
    /// Each element divided by a number.
    public static func / (left: Tensor, right: some TensorScalar) throws(TorchError) -> Tensor {
        try Operators.divideScalar.tensor(.tensor(left), right.operatorValue)
    }
    /// A number divided by each element.
    public static func / (left: some TensorScalar, right: Tensor) throws(TorchError) -> Tensor {
        try Operators.reciprocal.tensor(.tensor(right)) * left
    }
    /// Each element with the other sign.
    public static prefix func - (operand: Tensor) throws(TorchError) -> Tensor {
        try Operators.negative.tensor(.tensor(operand))
    }

    /// The matrix product over the last two axes: `[.., n, k]` by `[.., k, m]` gives `[.., n, m]`.
    public func matmul(_ other: Tensor) throws(TorchError) -> Tensor {
        try Operators.matmul.tensor(.tensor(self), .tensor(other))
    }

    // Comparisons, which give bool tensors.

    /// Where elements are equal: bool; shapes broadcast.
    public func equals(_ other: Tensor) throws(TorchError) -> Tensor {
        try Operators.equal.tensor(.tensor(self), .tensor(other))
    }
    /// Where elements equal a number: bool.
    public func equals(_ value: some TensorScalar) throws(TorchError) -> Tensor {
        try Operators.equalScalar.tensor(.tensor(self), value.operatorValue)
    }
    /// Where elements are less than another tensor's: bool; shapes broadcast.
    public func isLess(than other: Tensor) throws(TorchError) -> Tensor {
        try Operators.less.tensor(.tensor(self), .tensor(other))
    }
    /// Where elements are less than a number: bool.
    public func isLess(than value: some TensorScalar) throws(TorchError) -> Tensor {
        try Operators.lessScalar.tensor(.tensor(self), value.operatorValue)
    }
    /// Where elements are greater than a number: bool.
    public func isGreater(than value: some TensorScalar) throws(TorchError) -> Tensor {
        try Operators.greaterScalar.tensor(.tensor(self), value.operatorValue)
    }
    /// Where elements are greater than another tensor's: bool; shapes broadcast.
    public func isGreater(than other: Tensor) throws(TorchError) -> Tensor {
        try Operators.greater.tensor(.tensor(self), .tensor(other))
    }
    /// Where elements are not less than another tensor's: bool; shapes broadcast.
    public func isAtLeast(_ other: Tensor) throws(TorchError) -> Tensor {
        try Operators.greaterEqual.tensor(.tensor(self), .tensor(other))
    }
    /// Where either tensor is not zero: bool; shapes broadcast.
    public func or(_ other: Tensor) throws(TorchError) -> Tensor {
        try Operators.logicalOr.tensor(.tensor(self), .tensor(other))
    }
    /// Where elements are zero or false: bool.
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

    /// `max(x, 0)`
    public func relu() throws(TorchError) -> Tensor { try Operators.relu.tensor(.tensor(self)) }
    /// `1 / (1 + exp(-x))`
    public func sigmoid() throws(TorchError) -> Tensor { try Operators.sigmoid.tensor(.tensor(self)) }
    /// The hyperbolic tangent.
    public func tanh() throws(TorchError) -> Tensor { try Operators.tanh.tensor(.tensor(self)) }
    /// `x Φ(x)`, Φ the distribution function of the standard normal distribution: exact, not its approximation by tanh.
    ///
    /// Source: Hendrycks, Gimpel 2016, "Gaussian Error Linear Units", arXiv 1606.08415.
    public func gelu() throws(TorchError) -> Tensor { try Operators.gelu.tensor(.tensor(self)) }
    /// The largest whole number that is not above each element.
    public func floor() throws(TorchError) -> Tensor { try Operators.floor.tensor(.tensor(self)) }
    /// The whole number nearest to each element; of two, the even one.
    public func rounded() throws(TorchError) -> Tensor { try Operators.round.tensor(.tensor(self)) }
    /// e to the power of each element.
    public func exp() throws(TorchError) -> Tensor { try Operators.exponential.tensor(.tensor(self)) }
    /// The natural logarithm.
    public func log() throws(TorchError) -> Tensor { try Operators.logarithm.tensor(.tensor(self)) }
    /// The square root.
    public func squareRoot() throws(TorchError) -> Tensor { try Operators.squareRoot.tensor(.tensor(self)) }
    /// The absolute value.
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
