import CTorch

/// One of libtorch's operators, by its name in the dispatcher: `aten::add.Tensor`.
///
/// Every function of `Tensor` and every layer stands on this one call; a model of your own can reach any
/// operator the same way, and autograd and mixed precision apply to it as in PyTorch:
///
///     let erf = Operator("aten::erf")
///     let y = try erf.tensor(.tensor(x))
public struct Operator: Sendable {
    /// The operator's name with its overload, `aten::add.Tensor`.
    public let name: String
    private let resolved: Result<Handle, TorchError>

    /// What the bridge found, given back with the last copy of the operator. Calling an operator changes nothing in it.
    private final class Handle: @unchecked Sendable {
        let pointer: OpaquePointer

        init(pointer: OpaquePointer) { self.pointer = pointer }

        deinit { ctorch_operator_free(pointer) }
    }

    /// Finds an operator. One that libtorch does not have throws when it is called.
    public init(_ name: String) {
        self.name = name
        let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
        let overload = parts.count == 2 ? parts[1] : ""
        resolved = Result { () throws(TorchError) in
            Handle(
                pointer: try withBridgeError(name) { ctorch_operator_find(parts.first ?? "", overload, $0) })
        }
    }

    /// Calls the operator with positional arguments; those left out at the end take their defaults.
    ///
    /// - Throws: `TorchError` with libtorch's reason and the types and shapes given.
    @discardableResult
    public func callAsFunction(_ arguments: OperatorValue...) throws(TorchError) -> [OperatorValue] {
        try call(arguments)
    }

    /// Calls an operator whose first result is a tensor, and returns that.
    ///
    /// - Throws: `TorchError` as `callAsFunction`, or where the first result is no tensor.
    public func tensor(_ arguments: OperatorValue...) throws(TorchError) -> Tensor {
        guard let first = try call(arguments).first, let tensor = first.tensor else {
            throw TorchError(operation: name, reason: "expected a tensor as its first result")
        }
        return tensor
    }

    /// Calls an operator whose results are tensors, or one list of tensors.
    ///
    /// - Throws: `TorchError` as `callAsFunction`, or where a result is no tensor.
    public func tensors(_ arguments: OperatorValue...) throws(TorchError) -> [Tensor] {
        let results = try call(arguments)
        if results.count == 1, case .tensors(let list) = results[0] { return list }
        let tensors = results.compactMap(\.tensor)
        guard tensors.count == results.count else {
            throw TorchError(operation: name, reason: "expected tensors as its results")
        }
        return tensors
    }

    func call(_ arguments: [OperatorValue]) throws(TorchError) -> [OperatorValue] {
        let handle = try resolved.get()
        defer { withExtendedLifetime(handle) {} }
        let storage = ArgumentStorage(arguments)
        defer { storage.free() }
        let capacity = 16
        return try withUnsafeTemporaryAllocation(of: ctorch_value.self, capacity: capacity) {
            results throws(TorchError) -> [OperatorValue] in
            var count: Int32 = 0
            var message: UnsafeMutablePointer<CChar>?
            let succeeded = ctorch_operator_call(
                handle.pointer, storage.values, Int32(arguments.count), results.baseAddress, Int32(capacity),
                &count,
                &message)
            guard succeeded else {
                defer { ctorch_free(message) }
                throw TorchError(
                    operation: name, reason: message.map { String(cString: $0) } ?? "failed",
                    arguments: arguments.map(\.summary))
            }
            return results.prefix(Int(count)).map(OperatorValue.init(taking:))
        }
    }
}

/// The arguments of one call in the bridge's form, with the memory their lists need.
private struct ArgumentStorage {
    private(set) var values: [ctorch_value] = []
    private var allocations: [UnsafeMutableRawPointer] = []
    /// The bridge borrows the tensors: they must outlive the call.
    private let arguments: [OperatorValue]

    init(_ arguments: [OperatorValue]) {
        self.arguments = arguments
        values.reserveCapacity(arguments.count)
        for argument in arguments { values.append(bridged(argument)) }
    }

    func free() {
        for allocation in allocations { allocation.deallocate() }
        withExtendedLifetime(arguments) {}
    }

    private mutating func bridged(_ argument: OperatorValue) -> ctorch_value {
        switch argument {
        case .none: ctorch_value(kind: CTORCH_NONE)
        case .default: ctorch_value(kind: CTORCH_DEFAULT)
        case .bool(let value): ctorch_value(kind: CTORCH_BOOL, integer: value ? 1 : 0)
        case .int(let value): ctorch_value(kind: CTORCH_INT, integer: Int64(value))
        case .double(let value): ctorch_value(kind: CTORCH_DOUBLE, number: value)
        case .string(let value): ctorch_value(kind: CTORCH_STRING, pointer: copy(Array(value.utf8CString)))
        case .device(let value):
            place(on: value)
        case .tensor(let tensor): ctorch_value(kind: CTORCH_TENSOR, pointer: UnsafeRawPointer(tensor.handle))
        case .tensors(let tensors): list(CTORCH_TENSOR_LIST, tensors.map(\.handle))
        case .optionalTensors(let tensors): list(CTORCH_OPTIONAL_TENSOR_LIST, tensors.map { $0?.handle })
        case .ints(let values): list(CTORCH_INT_LIST, values.map(Int64.init))
        case .doubles(let values): list(CTORCH_DOUBLE_LIST, values)
        }
    }

    private mutating func place(on device: Device) -> ctorch_value {
        let (type, index) = ShapesOnly.isOn ? ("meta", -1) : (device.type, device.index)
        return ctorch_value(
            kind: CTORCH_DEVICE, integer: Int64(index), pointer: copy(Array(type.utf8CString)))
    }

    private mutating func list<Element>(_ kind: ctorch_kind, _ elements: [Element]) -> ctorch_value {
        ctorch_value(kind: kind, integer: Int64(elements.count), pointer: copy(elements))
    }

    private mutating func copy<Element>(_ elements: [Element]) -> UnsafeRawPointer {
        let memory = UnsafeMutablePointer<Element>.allocate(capacity: elements.count)
        memory.initialize(from: elements, count: elements.count)
        allocations.append(UnsafeMutableRawPointer(memory))
        return UnsafeRawPointer(memory)
    }
}

extension ctorch_value {
    fileprivate init(
        kind: ctorch_kind, integer: Int64 = 0, number: Double = 0, pointer: UnsafeRawPointer? = nil
    ) {
        self.init()
        self.kind = kind
        self.integer = integer
        self.number = number
        self.pointer = pointer
    }
}

extension OperatorValue {
    /// Takes over what the bridge hands out.
    fileprivate init(taking value: ctorch_value) {
        let count = Int(value.integer)
        switch value.kind {
        case CTORCH_BOOL: self = .bool(value.integer != 0)
        case CTORCH_INT: self = .int(count)
        case CTORCH_DOUBLE: self = .double(value.number)
        case CTORCH_TENSOR:
            self = value.pointer.map { .tensor(Tensor(owning: OpaquePointer($0))) } ?? .none
        case CTORCH_TENSOR_LIST:
            defer { ctorch_free(UnsafeMutableRawPointer(mutating: value.pointer)) }
            let handles = value.pointer?.assumingMemoryBound(to: OpaquePointer.self)
            self = .tensors(UnsafeBufferPointer(start: handles, count: count).map(Tensor.init(owning:)))
        case CTORCH_INT_LIST:
            defer { ctorch_free(UnsafeMutableRawPointer(mutating: value.pointer)) }
            let numbers = value.pointer?.assumingMemoryBound(to: Int64.self)
            self = .ints(UnsafeBufferPointer(start: numbers, count: count).map(Int.init))
        default: self = .none
        }
    }
}
