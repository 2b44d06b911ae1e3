// What a pickle may construct beyond plain values: ordered dictionaries, sizes, storages and tensors.
extension PickleMachine {
    /// Calls a class or function of the allow-list.
    mutating func call(_ callee: PickleObject, _ arguments: PickleObject) throws(Problem) -> PickleObject {
        guard case .global(let global) = callee else {
            throw .malformed(reason: "\(callee.typeName(in: heap)) is called")
        }
        guard let elements = heap.elements(of: arguments) else {
            throw .malformed(reason: "a call has \(arguments.typeName(in: heap)) for its arguments")
        }
        switch global {
        case .orderedDictionary: return try makeOrderedDictionary(elements)
        case .size: return try makeSize(elements)
        case .rebuildTensor: return try makeTensor(elements)
        case .rebuildParameter:
            // Parameter(data, requires_grad, backward_hooks): the first is all that is stored.
            guard let data = elements.first, case .tensor = data else {
                throw .malformed(reason: "a parameter is made without a tensor")
            }
            return data
        case .storage: throw .malformed(reason: "a storage is made without its bytes")
        case .elementType: return try makeElementType(elements)
        case .reconstructArray: return try makeEmptyArray(elements)
        case .arrayFromBuffer: return try makeArray(elements)
        case .encodeText: return try encodeText(elements)
        case .array: throw .malformed(reason: "an array is made without its bytes")
        }
    }

    /// `OrderedDict()`, or as Python 2 wrote it, `OrderedDict([[key, value], ...])`.
    private mutating func makeOrderedDictionary(_ arguments: [PickleObject]) throws(Problem) -> PickleObject {
        var container = PickleHeap.Container(kind: .orderedDictionary)
        if let list = arguments.first {
            guard arguments.count == 1, let pairs = heap.elements(of: list) else {
                throw .malformed(reason: "an OrderedDict is made of something other than a list of pairs")
            }
            try countCalled(pairs.count)
            for pair in pairs {
                guard let elements = heap.elements(of: pair), elements.count == 2 else {
                    throw .malformed(reason: "an OrderedDict is made of something other than pairs")
                }
                container.keys.append(try key(elements[0]))
                container.items.append(elements[1])
            }
        }
        heap.containers.append(container)
        return .container(heap.containers.count - 1)
    }

    /// `torch.Size((...))`, for us the tuple in it.
    private func makeSize(_ arguments: [PickleObject]) throws(Problem) -> PickleObject {
        guard arguments.count == 1, heap.integers(of: arguments[0]) != nil else {
            throw .malformed(
                reason:
                    "a torch.Size is made of something other than up to \(StridedView.maximumRank) integers")
        }
        return arguments[0]
    }

    /// `_rebuild_tensor_v2(storage, storage_offset, size, stride, requires_grad, backward_hooks)`.
    private mutating func makeTensor(_ arguments: [PickleObject]) throws(Problem) -> PickleObject {
        // Before any is gone through: one list may be the shape of every tensor.
        for sizes in arguments.prefix(4).dropFirst(2) {
            guard let rank = heap.elements(of: sizes)?.count, rank > StridedView.maximumRank else { continue }
            throw .invalidTensor(reason: "it has \(rank) axes, expected at most \(StridedView.maximumRank)")
        }
        guard arguments.count >= 4,
            case .storage(let index) = arguments[0], case .int(let offset) = arguments[1],
            let shape = heap.integers(of: arguments[2]), let strides = heap.integers(of: arguments[3])
        else {
            throw .malformed(
                reason: "a tensor is made of something other than storage, offset, shape and strides")
        }
        let storage = heap.storages[index]
        let view = try StridedView(
            shape: shape, strides: strides, offset: offset,
            capacity: storage.byteCount / storage.dtype.byteCount)
        heap.tensors.append(PickleHeap.PickledView(storage: index, view: view))
        return .tensor(heap.tensors.count - 1)
    }

    /// `("storage", class, key, device, element count)`, and in the older form a sixth field: nil, or, as
    /// PyTorch before 0.4 wrote it, a part of the storage.
    mutating func loadPersistent(_ id: PickleObject) throws(Problem) -> PickleObject {
        guard let fields = heap.elements(of: id), fields.count >= 5, case .string("storage") = fields[0],
            case .global(.storage(let dtype)) = fields[1], case .string(let key) = fields[2],
            case .int(let elementCount) = fields[4]
        else {
            throw .malformed(reason: "the reference to an object outside the pickle names no storage")
        }
        guard case .none = fields.dropFirst(5).first ?? .none else {
            throw .malformed(reason: "storage \(key.quoted) is a part of another")
        }
        return try heap.storage(key: key, dtype: dtype, elementCount: elementCount)
    }

    /// Gives an object its state. That of an `OrderedDict` are its attributes, such as a state dictionary's
    /// `_metadata`; they are left out.
    mutating func build(state: PickleObject, of object: PickleObject) throws(Problem) {
        if case .array(let index) = object { return try fillArray(index, with: state) }
        if case .elementType = object { return try checkElementType(state: state) }
        guard case .container(let index) = object, heap.containers[index].kind == .orderedDictionary,
            case .container(let attributes) = state, heap.containers[attributes].kind == .dictionary
        else {
            throw .malformed(
                reason: "\(object.typeName(in: heap)) is given the state \(state.typeName(in: heap))")
        }
    }
}
