// What a plain pickle may construct for numpy's arrays: element types, bytes, and the arrays themselves.
extension PickleMachine {
    /// `dtype(name, align, copy)`: the type of an array's elements, by a name such as `f4` or `<f4`.
    func makeElementType(_ arguments: [PickleObject]) throws(Problem) -> PickleObject {
        guard case .string(let name) = arguments.first else {
            throw .malformed(reason: "an element type is made of something other than its name")
        }
        guard !name.hasPrefix(">") else { throw Problem.bigEndian }
        switch name.drop(while: { "<|=".contains($0) }) {
        case "f2": return .elementType(.float16)
        case "f4": return .elementType(.float32)
        case "f8": return .elementType(.float64)
        case "i1": return .elementType(.int8)
        case "i2": return .elementType(.int16)
        case "i4": return .elementType(.int32)
        case "i8": return .elementType(.int64)
        case "u1": return .elementType(.uint8)
        default:
            throw .malformed(reason: "expected arrays of numbers, found the element type \(name.quoted)")
        }
    }

    /// Checks the state that an element type is given: `(version, byte order, None, None, None, ...)`, where those with
    /// fields or sizes of their own have something in place of a `None`.
    func checkElementType(state: PickleObject) throws(Problem) {
        guard let fields = heap.elements(of: state), fields.count >= 5, case .string(let order) = fields[1],
            case (.none, .none, .none) = (fields[2], fields[3], fields[4])
        else { throw .malformed(reason: "an element type is given a state that none of numbers has") }
        guard order != ">" else { throw .bigEndian }
        guard ["<", "|", "="].contains(order) else {
            throw .malformed(reason: "an element type has the byte order \(order.quoted)")
        }
    }

    /// `_reconstruct(ndarray, (0,), b'b')`: an array that is filled afterwards.
    mutating func makeEmptyArray(_ arguments: [PickleObject]) throws(Problem) -> PickleObject {
        guard arguments.count == 3, case .global(.array) = arguments[0] else {
            throw .malformed(reason: "an array is made of something other than the class numpy.ndarray")
        }
        heap.arrays.append(nil)
        return .array(heap.arrays.count - 1)
    }

    /// Fills an array with its state: `(version, shape, element type, whether columns come first, bytes)`.
    mutating func fillArray(_ index: Int, with state: PickleObject) throws(Problem) {
        guard heap.arrays[index] == nil else { throw .malformed(reason: "an array is filled twice") }
        guard let fields = heap.elements(of: state), fields.count == 5, case .int(1) = fields[0],
            case .bool(let isColumnMajor) = fields[3]
        else {
            throw .malformed(
                reason: "an array is filled with something other than shape, element type, order and bytes")
        }
        heap.arrays[index] = try array(
            bytes: fields[4], elementType: fields[2], shape: fields[1], isColumnMajor: isColumnMajor)
    }

    /// `_frombuffer(bytes, element type, shape, order)`, as protocol 5 has arrays.
    mutating func makeArray(_ arguments: [PickleObject]) throws(Problem) -> PickleObject {
        guard arguments.count == 4, case .string(let order) = arguments[3], ["C", "F"].contains(order) else {
            throw .malformed(
                reason: "an array is made of something other than bytes, element type, shape and order")
        }
        heap.arrays.append(
            try array(
                bytes: arguments[0], elementType: arguments[1], shape: arguments[2],
                isColumnMajor: order == "F"))
        return .array(heap.arrays.count - 1)
    }

    private mutating func array(
        bytes: PickleObject, elementType: PickleObject, shape: PickleObject, isColumnMajor: Bool
    ) throws(Problem) -> PickleHeap.PickledArray {
        guard case .elementType(let dtype) = elementType, let shape = heap.integers(of: shape) else {
            throw .malformed(
                reason: "an array has no element type, or a shape of something other than up to "
                    + "\(StridedView.maximumRank) integers")
        }
        let contents = try contents(of: bytes)
        guard dtype.byteCount(ofShape: shape) == contents.count else {
            throw .invalidTensor(
                reason: "an array of shape \(shape) with \(dtype.byteCount) bytes an element has "
                    + "\(contents.count) bytes")
        }
        let view = try StridedView(
            shape: shape, strides: Self.strides(of: shape, isColumnMajor: isColumnMajor), offset: 0,
            capacity: contents.count / dtype.byteCount)
        return PickleHeap.PickledArray(dtype: dtype, view: view, bytes: contents)
    }

    /// How many elements lie between neighbours, of elements without gaps.
    private static func strides(of shape: [Int], isColumnMajor: Bool) throws(Problem) -> [Int] {
        var (strides, stride) = ([Int](), 1)
        for size in isColumnMajor ? shape : shape.reversed() {
            strides.append(stride)
            // Only a shape with a zero in it, which has no elements, gets past the limit.
            let (product, overflows) = stride.multipliedReportingOverflow(by: max(size, 1))
            guard !overflows else { throw .invalidTensor(reason: "shape \(shape) is impossible") }
            stride = product
        }
        return isColumnMajor ? strides : strides.reversed()
    }

    /// The bytes that an object has: a `bytes`, or the `str` of Python 2, which is a text where it happens to be one.
    private mutating func contents(of object: PickleObject) throws(Problem) -> [UInt8] {
        switch object {
        case .bytes(let bytes): return bytes
        case .string(let text):
            try countCalled(text.utf8.count)
            return Array(text.utf8)
        default:
            throw .malformed(reason: "an array has \(object.typeName(in: heap)) for its bytes")
        }
    }

    /// `encode(text, 'latin1')`, as protocol 2 has bytes: a character for each.
    mutating func encodeText(_ arguments: [PickleObject]) throws(Problem) -> PickleObject {
        guard arguments.count == 2, case .string(let text) = arguments[0],
            case .string("latin1") = arguments[1]
        else { throw .malformed(reason: "bytes are made of something other than a text in latin1") }
        try countCalled(text.utf8.count)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.unicodeScalars.count)
        for scalar in text.unicodeScalars {
            guard let byte = UInt8(exactly: scalar.value) else {
                throw .malformed(reason: "bytes are made of characters beyond latin1")
            }
            bytes.append(byte)
        }
        return .bytes(bytes)
    }
}
