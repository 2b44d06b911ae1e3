/// Turns the objects of a pickle into values, once the bytes of the storages are known.
struct PickleConversion {
    typealias Problem = TorchSaveError.Problem

    /// Deeper than any checkpoint, shallow enough to recurse over.
    private static let maximumDepth = 100
    /// How many values a reader may come across for each byte of the pickle: a list of lists of lists of one list, each
    /// ten times, takes few bytes and would take forever to walk.
    private static let valuesPerByte = 16
    /// How many bytes of tensors there may be for each byte of their storages, which tied weights share: a reader
    /// copies every tensor.
    private static let viewsPerByte = 16

    private enum State {
        case untouched
        case underWay
        case finished(Converted)
    }

    private struct Converted {
        let value: PickleValue
        /// How many bytes the tensors in it have, one that occurs twice counted twice.
        var tensorByteCount = 0
        /// How many values there are to walk over, itself included.
        var valueCount = 1
        /// How deep containers are nested in it.
        var height = 0
    }

    private let heap: PickleHeap
    private let storages: [[UInt8]]
    private let maximumValueCount: Int
    private let maximumTensorByteCount: Int
    private var states: [State]

    /// - Parameter storages: the bytes of the heap's storages, in their order and of their sizes.
    init(heap: PickleHeap, storages: [[UInt8]]) {
        self.heap = heap
        self.storages = storages
        maximumValueCount = Self.valuesPerByte * heap.byteCount
        let stored = storages.reduce(heap.byteCount) { $0 + $1.count }
        maximumTensorByteCount = Self.viewsPerByte * stored
        states = Array(repeating: .untouched, count: heap.containers.count)
    }

    /// The value that an object of the heap stands for.
    mutating func value(of object: PickleObject) throws(Problem) -> PickleValue {
        try checkViews()
        return try convert(object, depth: 0).value
    }

    private func checkViews() throws(Problem) {
        let stored = storages.reduce(0) { $0 + $1.count }
        let viewed = heap.tensors.reduce(0) {
            $0 + $1.view.range.count * heap.storages[$1.storage].dtype.byteCount
        }
        guard viewed <= Self.viewsPerByte * stored else {
            throw .tooLarge(
                reason:
                    "its tensors have \(viewed) bytes, more than \(Self.viewsPerByte) times the \(stored) bytes of "
                    + "their storages")
        }
    }

    private mutating func convert(_ object: PickleObject, depth: Int) throws(Problem) -> Converted {
        switch object {
        case .none: return Converted(value: .none)
        case .bool(let value): return Converted(value: .bool(value))
        case .int(let value): return Converted(value: .int(value))
        case .double(let value): return Converted(value: .double(value))
        case .string(let value): return Converted(value: .string(value))
        case .bytes(let value): return Converted(value: .bytes(value))
        case .tensor(let index): return converted(tensor(heap.tensors[index]))
        case .array(let index): return converted(try tensor(heap.arrays[index]))
        case .container(let index): return try convertContainer(index, depth: depth)
        case .longInt(let bytes): throw .malformed(reason: "an integer has \(bytes.count * 8) bits")
        case .storage, .elementType, .global:
            throw .malformed(reason: "a value is expected, found \(object.typeName(in: heap))")
        }
    }

    private mutating func convertContainer(_ index: Int, depth: Int) throws(Problem) -> Converted {
        let converted: Converted
        switch states[index] {
        case .finished(let earlier): converted = earlier
        case .underWay: throw .malformed(reason: "a container contains itself")
        case .untouched:
            // Checked on the way down for this recursion, and below for whoever walks the result.
            try checkDepth(depth)
            states[index] = .underWay
            converted = try convert(heap.containers[index], depth: depth)
            states[index] = .finished(converted)
        }
        try checkDepth(depth + converted.height)
        return converted
    }

    private mutating func convert(
        _ container: PickleHeap.Container, depth: Int
    ) throws(Problem) -> Converted {
        var items: [PickleValue] = []
        var (valueCount, height, tensorByteCount) = (1, 1, 0)
        for item in container.items {
            let converted = try convert(item, depth: depth + 1)
            items.append(converted.value)
            height = max(height, converted.height + 1)
            valueCount += converted.valueCount
            guard valueCount <= maximumValueCount else {
                throw .tooLarge(reason: "it unfolds to more than \(maximumValueCount) values")
            }
            tensorByteCount += converted.tensorByteCount
            guard tensorByteCount <= maximumTensorByteCount else {
                throw .tooLarge(reason: "it unfolds to more than \(maximumTensorByteCount) bytes of tensors")
            }
        }
        let value: PickleValue =
            switch container.kind {
            case .tuple: .tuple(items)
            case .list: .list(items)
            case .dictionary, .orderedDictionary: .dictionary(PickleDictionary(zip(container.keys, items)))
            }
        return Converted(
            value: value, tensorByteCount: tensorByteCount, valueCount: valueCount, height: height)
    }

    private func checkDepth(_ depth: Int) throws(Problem) {
        guard depth <= Self.maximumDepth else {
            throw .tooLarge(reason: "containers are nested more than \(Self.maximumDepth) deep")
        }
    }

    private func converted(_ tensor: PickledTensor) -> Converted {
        Converted(value: .tensor(tensor), tensorByteCount: tensor.viewedByteCount)
    }

    private func tensor(_ array: PickleHeap.PickledArray?) throws(Problem) -> PickledTensor {
        guard let array else { throw .malformed(reason: "an array is made without its bytes") }
        return PickledTensor(dtype: array.dtype, view: array.view, storage: array.bytes)
    }

    private func tensor(_ pickled: PickleHeap.PickledView) -> PickledTensor {
        PickledTensor(
            dtype: heap.storages[pickled.storage].dtype, view: pickled.view,
            storage: storages[pickled.storage])
    }
}
