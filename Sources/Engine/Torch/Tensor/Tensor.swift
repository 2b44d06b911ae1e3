import CTorch

/// An array of numbers of any rank, on the CPU or a GPU, whose operations libtorch runs and records for
/// backward.
///
/// A `Tensor` is a reference: operations return new tensors, and the few that change one in place say so
/// in their names (`fill`, `copy(from:)`, `addInPlace`). The memory goes back when Swift drops the last
/// reference.
///
/// Sending a tensor to another thread is safe; changing its elements on one thread while another uses
/// them is not, as with any memory.
public final class Tensor: @unchecked Sendable {
    let handle: OpaquePointer

    /// Takes over one reference.
    init(owning handle: OpaquePointer) {
        self.handle = handle
    }

    deinit {
        ctorch_tensor_release(handle)
    }

    /// The length of each axis.
    public var shape: [Int] {
        UnsafeBufferPointer(start: ctorch_tensor_shape(handle), count: rank).map(Int.init)
    }

    /// How many elements lie between neighbours along each axis.
    public var strides: [Int] {
        UnsafeBufferPointer(start: ctorch_tensor_strides(handle), count: rank).map(Int.init)
    }

    /// The number of axes.
    public var rank: Int { Int(ctorch_tensor_rank(handle)) }

    /// The number of elements.
    public var count: Int { Int(ctorch_tensor_count(handle)) }

    /// The length of one axis; a negative axis counts from the last. 0 for an axis that is not there.
    public func size(_ axis: Int) -> Int {
        let axis = axis < 0 ? axis + rank : axis
        guard (0..<rank).contains(axis) else { return 0 }
        return Int(ctorch_tensor_shape(handle)[axis])
    }

    /// The type of the elements.
    ///
    /// Types that Swift has no name for (complex and quantised ones) do not come out of the operators
    /// here; should one come, its elements are bytes to us.
    public var dtype: DType { DType(rawValue: ctorch_tensor_dtype(handle)) ?? .uint8 }

    /// Where the memory lies.
    public var device: Device {
        var index: Int32 = -1
        guard let type = ctorch_tensor_device(handle, &index), String(cString: type) == "cuda" else {
            return .cpu
        }
        return .cuda(Int(max(index, 0)))
    }

    /// Whether the elements lie in memory row by row without gaps.
    public var isContiguous: Bool { ctorch_tensor_is_contiguous(handle) }

    /// Type and shape, `float32 [64, 512]`, and the device where it is not the CPU.
    public var summary: String {
        let place = device == .cpu ? "" : " on \(device)"
        return "\(dtype) \(shape)\(place)"
    }
}

extension Tensor: CustomStringConvertible {
    /// Type, shape and the first few elements.
    public var description: String {
        let shown = 8
        guard let head = try? flattened().narrowed(axis: 0, start: 0, length: min(shown, count)),
            let values = try? head.detached().converted(to: .float64).array(of: Double.self)
        else { return "Tensor(\(summary))" }
        let numbers = values.map {
            dtype.isFloatingPoint ? "\(Float($0))" : Int(exactly: $0).map(String.init) ?? "\($0)"
        }
        let rest = count > shown ? ", …" : ""
        return "Tensor(\(summary): [\(numbers.joined(separator: ", "))\(rest)])"
    }
}
