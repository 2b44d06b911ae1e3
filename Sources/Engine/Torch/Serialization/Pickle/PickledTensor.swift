/// A tensor of a `torch.save` file, or an array of a plain pickle: a strided view of a storage that it may share with
/// others.
///
/// It is checked on construction that every element lies inside the storage, and that there are no more
/// elements than the storage has.
public struct PickledTensor: Sendable {
    /// The type of the elements.
    public let dtype: DType
    /// The bytes of the storage, little-endian.
    public let storage: [UInt8]
    private let view: StridedView

    /// - Parameter view: checked against the size of the storage.
    init(dtype: DType, view: StridedView, storage: [UInt8]) {
        self.dtype = dtype
        self.view = view
        self.storage = storage
    }

    /// The sizes of the dimensions; empty for a scalar.
    public var shape: [Int] { view.shape }
    /// How many elements lie between neighbours, one number a dimension.
    public var strides: [Int] { view.strides }
    /// The place of the first element, in elements from the start of the storage.
    public var storageOffset: Int { view.offset }
    /// How many bytes of the storage lie between the first element and the last, which a copy takes.
    var viewedByteCount: Int { view.range.count * dtype.byteCount }

    /// A contiguous tensor on the CPU with a copy of the elements.
    ///
    /// - Throws: `TorchError` where memory is short.
    public func tensor() throws -> Tensor {
        let (start, end) = (view.range.lowerBound * dtype.byteCount, view.range.upperBound * dtype.byteCount)
        let elements = try storage.withUnsafeBytes { bytes in
            try Tensor(
                bytes: UnsafeRawBufferPointer(rebasing: bytes[start..<end]), shape: [view.range.count],
                dtype: dtype)
        }
        return try Self.asStrided.tensor(.tensor(elements), .ints(shape), .ints(strides)).contiguous()
    }

    private static let asStrided = Operator("aten::as_strided")
}

/// Which part of a storage a tensor is a view of, checked against the storage's size.
struct StridedView: Sendable {
    let shape: [Int]
    let strides: [Int]
    /// The elements of the storage from the first to the last that the view has.
    let range: Range<Int>

    var offset: Int { range.lowerBound }

    /// libtorch's own limit.
    static let maximumRank = 64

    /// - Parameter capacity: how many elements the storage has.
    init(shape: [Int], strides: [Int], offset: Int, capacity: Int) throws(TorchSaveError.Problem) {
        guard shape.count == strides.count, shape.count <= Self.maximumRank else {
            throw .invalidTensor(reason: "it has \(shape.count) sizes and \(strides.count) strides")
        }
        let text = "shape \(shape), strides \(strides) and offset \(offset)"
        guard (shape + strides + [offset]).allSatisfy({ $0 >= 0 }), let count = Tensor.elementCount(shape)
        else {
            throw .invalidTensor(reason: "\(text) are impossible")
        }
        // A view that has more elements than its storage repeats some, and could ask for any amount of
        // memory when it is copied.
        guard count <= capacity, let end = Self.end(shape, strides, offset), end <= capacity else {
            throw .invalidTensor(reason: "\(text) reach beyond a storage of \(capacity) elements")
        }
        self.shape = shape
        self.strides = strides
        range = offset..<end
    }

    /// The place after the last element, or nil where it exceeds `Int`.
    private static func end(_ shape: [Int], _ strides: [Int], _ offset: Int) -> Int? {
        if shape.contains(0) { return offset }
        var end = offset
        for (size, stride) in zip(shape, strides) {
            let (distance, distanceOverflows) = (size - 1).multipliedReportingOverflow(by: stride)
            let (sum, sumOverflows) = end.addingReportingOverflow(distance)
            guard !distanceOverflows, !sumOverflows else { return nil }
            end = sum
        }
        return end < .max ? end + 1 : nil
    }
}
