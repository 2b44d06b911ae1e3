/// The type of a tensor's elements. The raw value is libtorch's own number for it (`c10::ScalarType`).
public enum DType: Int32, Sendable, CaseIterable {
    case uint8 = 0
    case int8 = 1
    case int16 = 2
    case int32 = 3
    case int64 = 4
    case float16 = 5
    case float32 = 6
    case float64 = 7
    case bool = 11
    case bfloat16 = 15

    /// How many bytes one element takes.
    public var byteCount: Int {
        switch self {
        case .uint8, .int8, .bool: 1
        case .int16, .float16, .bfloat16: 2
        case .int32, .float32: 4
        case .int64, .float64: 8
        }
    }

    /// Whether elements of this type can carry a gradient.
    public var isFloatingPoint: Bool {
        switch self {
        case .float16, .float32, .float64, .bfloat16: true
        default: false
        }
    }
}

/// A Swift type whose values are the elements of a tensor.
public protocol TensorElement: Sendable {
    /// The type a tensor of these values has.
    static var dtype: DType { get }
}

extension UInt8: TensorElement {
    /// The type of a tensor of these.
    public static var dtype: DType { .uint8 }
}

extension Int8: TensorElement {
    /// The type of a tensor of these.
    public static var dtype: DType { .int8 }
}

extension Int16: TensorElement {
    /// The type of a tensor of these.
    public static var dtype: DType { .int16 }
}

extension Int32: TensorElement {
    /// The type of a tensor of these.
    public static var dtype: DType { .int32 }
}

extension Int64: TensorElement {
    /// The type of a tensor of these.
    public static var dtype: DType { .int64 }
}

extension Float16: TensorElement {
    /// The type of a tensor of these.
    public static var dtype: DType { .float16 }
}

extension Float: TensorElement {
    /// The type of a tensor of these.
    public static var dtype: DType { .float32 }
}

extension Double: TensorElement {
    /// The type of a tensor of these.
    public static var dtype: DType { .float64 }
}

extension Bool: TensorElement {
    /// The type of a tensor of these.
    public static var dtype: DType { .bool }
}
