import CTorch

extension Tensor {
    /// A tensor with these elements in row-major order.
    ///
    /// - Parameters:
    ///   - elements: As many as `shape` has room for.
    ///   - shape: The length of each axis; all elements on one axis where it is left out.
    ///   - pinned: Whether they lie in page-locked memory, which a GPU reads at full speed and by itself.
    /// - Throws: `TorchError` where the count and the shape disagree, or memory is short; where it is to be pinned and
    ///   there is no CUDA device.
    public convenience init<Element: TensorElement>(
        _ elements: [Element], shape: [Int]? = nil, pinned: Bool = false
    ) throws(TorchError) {
        let shape = shape ?? [elements.count]
        guard let expected = Tensor.elementCount(shape), expected == elements.count else {
            throw TorchError(
                operation: "tensor", reason: "shape \(shape) does not hold \(elements.count) elements")
        }
        let made = elements.withUnsafeBytes { bytes in
            Result { () throws(TorchError) in
                try Tensor.make(bytes.baseAddress, shape, Element.dtype, pinned: pinned)
            }
        }
        self.init(owning: try made.get())
    }

    /// A CPU tensor whose memory `initialize` fills; the memory is not cleared before.
    ///
    /// - Parameters:
    ///   - shape: The length of each axis.
    ///   - type: What its elements are.
    ///   - pinned: Whether it lies in page-locked memory, which a GPU reads at full speed and by itself.
    ///   - initialize: Fills all elements.
    /// - Throws: `TorchError` where memory is short, or is to be pinned and there is no CUDA device; what
    ///   `initialize` throws.
    public convenience init<Element: TensorElement>(
        uninitialized shape: [Int], of type: Element.Type = Element.self, pinned: Bool = false,
        initializingWith initialize: (UnsafeMutableBufferPointer<Element>) throws -> Void
    ) throws {
        guard Tensor.elementCount(shape) != nil else {
            throw TorchError(operation: "tensor", reason: "no tensor has the shape \(shape)")
        }
        self.init(owning: try Tensor.make(nil, shape, Element.dtype, pinned: pinned))
        try withUnsafeMutableElements(of: type, initialize)
    }

    /// A CPU tensor of as many rows as `initialize` has filled, for when that shows only then.
    ///
    /// - Parameters:
    ///   - shape: The shape with as many rows as there can be. The memory for all of them stays with the tensor.
    ///   - type: What its elements are.
    ///   - pinned: As in `init(uninitialized:of:pinned:initializingWith:)`.
    ///   - initialize: Fills rows from the front, and gives how many.
    /// - Throws: As `init(uninitialized:of:pinned:initializingWith:)`; `TorchError` where there are more rows.
    public convenience init<Element: TensorElement>(
        uninitializedCapacity shape: [Int], of type: Element.Type = Element.self, pinned: Bool = false,
        initializingWith initialize: (UnsafeMutableBufferPointer<Element>) throws -> Int
    ) throws {
        var rows = 0
        try self.init(uninitialized: shape, of: type, pinned: pinned) { rows = try initialize($0) }
        try checkBridge("tensor") { ctorch_tensor_shorten(handle, Int64(rows), $0) }
    }

    /// A tensor with a copy of these bytes.
    ///
    /// - Throws: `TorchError` where their number does not fit the shape and type.
    public convenience init(bytes: UnsafeRawBufferPointer, shape: [Int], dtype: DType) throws(TorchError) {
        try Tensor.check(bytes, hold: shape, of: dtype)
        self.init(owning: try Tensor.make(bytes.baseAddress, shape, dtype))
    }

    /// A tensor on memory that `owner` keeps, without a copy. The memory may be read-only as long as
    /// nobody writes to the tensor.
    ///
    /// - Throws: `TorchError` where the number of bytes does not fit the shape and type.
    public convenience init(
        borrowing bytes: UnsafeRawBufferPointer, shape: [Int], dtype: DType, owner: AnyObject & Sendable
    ) throws(TorchError) {
        try Tensor.check(bytes, hold: shape, of: dtype)
        let lengths = shape.map(Int64.init)
        let context = Unmanaged.passRetained(owner as AnyObject)
        do {
            self.init(
                owning: try withBridgeError("tensor") {
                    ctorch_tensor_borrow(
                        UnsafeMutableRawPointer(mutating: bytes.baseAddress), lengths, Int32(lengths.count),
                        dtype.rawValue, { $0.map { Unmanaged<AnyObject>.fromOpaque($0).release() } },
                        context.toOpaque(), $0)
                })
        } catch {
            context.release()
            throw error
        }
    }

    /// Whether the tensor lies in page-locked memory of the host.
    ///
    /// - Throws: `TorchError` where that cannot be found out.
    public var isPinned: Bool {
        get throws(TorchError) {
            guard case .bool(let isPinned) = try Self.isPinnedOperator(.tensor(self)).first else {
                throw TorchError(
                    operation: Self.isPinnedOperator.name, reason: "expected a bool as its result")
            }
            return isPinned
        }
    }

    private static let isPinnedOperator = Operator("aten::is_pinned")

    private static func make(
        _ bytes: UnsafeRawPointer?, _ shape: [Int], _ dtype: DType, pinned: Bool = false
    ) throws(TorchError) -> OpaquePointer {
        let lengths = shape.map(Int64.init)
        return try withBridgeError(pinned ? "pinned tensor" : "tensor") {
            ctorch_tensor_make(bytes, lengths, Int32(lengths.count), dtype.rawValue, pinned, $0)
        }
    }

    /// The elements in row-major order, copied to Swift.
    ///
    /// - Throws: `TorchError` where `Element` is not the tensor's type.
    public func array<Element: TensorElement>(of type: Element.Type = Element.self) throws(TorchError)
        -> [Element]
    {
        let source = try detached().moved(to: .cpu).contiguous()
        try source.require(Element.dtype)
        let start = ctorch_tensor_data(source.handle)?.assumingMemoryBound(to: Element.self)
        let elements = [Element](UnsafeBufferPointer(start: start, count: count))
        withExtendedLifetime(source) {}
        return elements
    }

    /// The one element of a tensor that has one, as a number.
    ///
    /// - Throws: `TorchError` where there is not exactly one.
    public func item() throws(TorchError) -> Double {
        guard count == 1 else {
            throw TorchError(operation: "item", reason: "expected one element, found \(summary)")
        }
        return try converted(to: .float64).array(of: Double.self)[0]
    }

    /// Lends the elements of a contiguous CPU tensor.
    ///
    /// - Throws: `TorchError` where the tensor is not contiguous, not on the CPU or of another type; what
    ///   `body` throws.
    public func withUnsafeElements<Element: TensorElement, Result>(
        of type: Element.Type = Element.self, _ body: (UnsafeBufferPointer<Element>) throws -> Result
    ) throws -> Result {
        try withUnsafeMutableElements(of: type) { try body(UnsafeBufferPointer($0)) }
    }

    /// Lends the elements of a contiguous CPU tensor for writing. Backward knows nothing of such writes.
    ///
    /// - Throws: As `withUnsafeElements`.
    public func withUnsafeMutableElements<Element: TensorElement, Result>(
        of type: Element.Type = Element.self, _ body: (UnsafeMutableBufferPointer<Element>) throws -> Result
    ) throws -> Result {
        try require(Element.dtype)
        let bytes = try unsafeBytes()
        defer { withExtendedLifetime(self) {} }
        return try body(bytes.assumingMemoryBound(to: Element.self))
    }

    /// Lends the bytes of a contiguous CPU tensor.
    ///
    /// - Throws: `TorchError` where the tensor is not contiguous or not on the CPU; what `body` throws.
    public func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        let bytes = try unsafeBytes()
        defer { withExtendedLifetime(self) {} }
        return try body(UnsafeRawBufferPointer(bytes))
    }

    /// Lends the bytes of a contiguous CPU tensor for writing. Backward knows nothing of such writes.
    ///
    /// - Throws: As `withUnsafeBytes`.
    package func withUnsafeMutableBytes<Result>(_ body: (UnsafeMutableRawBufferPointer) throws -> Result)
        throws -> Result
    {
        let bytes = try unsafeBytes()
        defer { withExtendedLifetime(self) {} }
        return try body(bytes)
    }

    private func unsafeBytes() throws(TorchError) -> UnsafeMutableRawBufferPointer {
        guard isContiguous, device == .cpu else {
            throw TorchError(
                operation: "memory", reason: "expected a contiguous tensor on the CPU, found \(summary)")
        }
        return UnsafeMutableRawBufferPointer(
            start: ctorch_tensor_data(handle), count: count * dtype.byteCount)
    }

    private func require(_ expected: DType) throws(TorchError) {
        guard dtype == expected else {
            throw TorchError(operation: "memory", reason: "expected \(expected), found \(summary)")
        }
    }

    private static func check(_ bytes: UnsafeRawBufferPointer, hold shape: [Int], of dtype: DType)
        throws(TorchError)
    {
        guard let count = elementCount(shape),
            case let (expected, overflow) = count.multipliedReportingOverflow(by: dtype.byteCount), !overflow,
            expected == bytes.count
        else {
            throw TorchError(
                operation: "tensor", reason: "\(dtype) \(shape) does not take \(bytes.count) bytes")
        }
    }

    /// The product of the lengths, or nil where one is negative or there are too many.
    static func elementCount(_ shape: [Int]) -> Int? {
        var count = 1
        for length in shape {
            let (product, overflow) = count.multipliedReportingOverflow(by: length)
            guard length >= 0, !overflow else { return nil }
            count = product
        }
        return count
    }
}
