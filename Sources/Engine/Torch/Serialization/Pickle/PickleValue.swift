/// A plain Python value, as `torch.save` and `pickle.dump` store it.
public enum PickleValue: Sendable {
    /// `None`.
    case none
    /// `True` or `False`.
    case bool(Bool)
    /// An integer of up to 64 bits.
    case int(Int)
    /// A float.
    case double(Double)
    /// A `str`.
    case string(String)
    /// A `bytes` or a `bytearray`.
    case bytes([UInt8])
    /// A `list`.
    case list([PickleValue])
    /// A `tuple`, or a `torch.Size`.
    case tuple([PickleValue])
    /// A `dict` or an `OrderedDict`; the attributes of the latter are left out.
    case dictionary(PickleDictionary)
    /// A `torch.Tensor`, a `torch.nn.Parameter`, or a `numpy.ndarray` of numbers.
    case tensor(PickledTensor)

    /// The value that a dictionary has for a string; nil where this is no dictionary or has none.
    public subscript(key: String) -> PickleValue? { dictionary?[.string(key)] }

    /// The value that a dictionary has for an integer; nil where this is no dictionary or has none.
    public subscript(key: Int) -> PickleValue? { dictionary?[.int(key)] }

    /// The integer that this is, or nil.
    public var int: Int? {
        if case .int(let value) = self { value } else { nil }
    }

    /// The number that this is, be it a Python float or int, or nil.
    public var double: Double? {
        switch self {
        case .double(let value): value
        case .int(let value): Double(value)
        default: nil
        }
    }

    /// The string that this is, or nil.
    public var string: String? {
        if case .string(let value) = self { value } else { nil }
    }

    /// The elements of the list or tuple that this is, or nil.
    public var elements: [PickleValue]? {
        switch self {
        case .list(let elements), .tuple(let elements): elements
        default: nil
        }
    }

    /// The dictionary that this is, or nil.
    public var dictionary: PickleDictionary? {
        if case .dictionary(let value) = self { value } else { nil }
    }

    /// The tensor that this is, or nil.
    public var tensor: PickledTensor? {
        if case .tensor(let value) = self { value } else { nil }
    }
}

/// A key of a Python dictionary: of the types that can be keys, those that checkpoints use.
public enum PickleKey: Hashable, Sendable {
    /// A `str`.
    case string(String)
    /// An integer of up to 64 bits.
    case int(Int)
    /// A float.
    case double(Double)
    /// `True` or `False`.
    case bool(Bool)
}

/// A Python dictionary: unique keys, in the order of their insertion.
public struct PickleDictionary: Sendable {
    /// The keys, in the order of their insertion.
    public private(set) var keys: [PickleKey] = []
    /// The values, in the order of their keys.
    public private(set) var values: [PickleValue] = []
    private var indices: [PickleKey: Int] = [:]

    /// Inserts pairs in turn. As in Python, a key that is there already keeps its place and gets the new value.
    init(_ pairs: some Sequence<(PickleKey, PickleValue)>) {
        for (key, value) in pairs {
            if let index = indices[key] {
                values[index] = value
            } else {
                indices[key] = keys.count
                keys.append(key)
                values.append(value)
            }
        }
    }

    /// The number of keys.
    public var count: Int { keys.count }

    /// The value for a key, or nil.
    public subscript(key: PickleKey) -> PickleValue? { indices[key].map { values[$0] } }

    /// The tensors that have strings for keys, in the order of the dictionary.
    public var tensors: [(name: String, tensor: PickledTensor)] {
        zip(keys, values).compactMap { key, value in
            guard case (.string(let name), .tensor(let tensor)) = (key, value) else { return nil }
            return (name, tensor)
        }
    }
}
