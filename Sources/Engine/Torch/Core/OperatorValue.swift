/// An argument or a result of an operator.
public enum OperatorValue: Sendable {
    /// Python's `None`.
    case none
    /// The value that the operator's schema names as the default.
    case `default`
    case bool(Bool)
    case int(Int)
    case double(Double)
    case string(String)
    case device(Device)
    case tensor(Tensor)
    case tensors([Tensor])
    /// A list with gaps, as indexing takes.
    case optionalTensors([Tensor?])
    case ints([Int])
    case doubles([Double])

    /// An element type, which operators take as a number.
    public static func dtype(_ dtype: DType) -> OperatorValue { .int(Int(dtype.rawValue)) }

    /// A tensor where there is one, else none.
    public static func optional(_ tensor: Tensor?) -> OperatorValue {
        tensor.map { .tensor($0) } ?? .none
    }

    /// The tensor, where the value is one.
    public var tensor: Tensor? {
        if case .tensor(let tensor) = self { tensor } else { nil }
    }

    /// What an error message shows of the value: type and shape of a tensor, else the value.
    var summary: String {
        switch self {
        case .none: "none"
        case .default: "default"
        case .bool(let value): "\(value)"
        case .int(let value): "\(value)"
        case .double(let value): "\(value)"
        case .string(let value): "'\(value)'"
        case .device(let value): "\(value)"
        case .tensor(let tensor): tensor.summary
        case .tensors(let tensors): "[" + tensors.map(\.summary).joined(separator: ", ") + "]"
        case .optionalTensors(let tensors):
            "[" + tensors.map { $0?.summary ?? "none" }.joined(separator: ", ") + "]"
        case .ints(let values): "\(values)"
        case .doubles(let values): "\(values)"
        }
    }
}

extension OperatorValue: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringLiteral
{
    /// Makes `true` and `false` arguments.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// Makes whole numbers arguments.
    public init(integerLiteral value: Int) { self = .int(value) }
    /// Makes numbers with a fraction arguments.
    public init(floatLiteral value: Double) { self = .double(value) }
    /// Makes text an argument.
    public init(stringLiteral value: String) { self = .string(value) }
}

/// A number that can stand beside a tensor in an expression.
public protocol TensorScalar: Sendable {
    /// The number as an operator takes it: integers stay integers, so that they do not promote a tensor.
    var operatorValue: OperatorValue { get }
}

extension Int: TensorScalar {
    /// The number as an operator takes it.
    public var operatorValue: OperatorValue { .int(self) }
}

extension Double: TensorScalar {
    /// The number as an operator takes it.
    public var operatorValue: OperatorValue { .double(self) }
}

extension Float: TensorScalar {
    /// The number as an operator takes it.
    public var operatorValue: OperatorValue { .double(Double(self)) }
}

extension Bool: TensorScalar {
    /// The number as an operator takes it.
    public var operatorValue: OperatorValue { .bool(self) }
}
