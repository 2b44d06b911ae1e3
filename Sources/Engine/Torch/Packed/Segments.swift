/// Which rows of a packed tensor `[rows, width]` belong to which sequence of a batch.
///
/// Sequences of different lengths lie one below the other without padding: sequence `b` has the rows
/// `offsets[b] ..< offsets[b + 1]`. What works row by row (linear layers, norms, dropout) needs to know
/// nothing of it; attention and pooling look at segments.
public struct Segments: Sendable {
    /// The number of rows of each sequence.
    public let lengths: [Int]
    /// Where each sequence starts, and the end: `[B + 1]`, int64 on the CPU and int32 on a GPU, as attention takes
    /// them there.
    public let offsets: Tensor
    /// Of each row, its place in the padded view: int64 `[rows]`, `b * maximumLength + position`.
    public let paddedPlaces: Tensor
    /// Of each sequence, whether all its rows are masked: bool `[B]`; nil where none is.
    ///
    /// A sequence without a word is held as rows that nothing distinguishes: attention weighs them all
    /// alike, as a softmax over nothing but masked positions does.
    public let masked: Tensor?
    /// The positions of the padded view that no row has: bool `[B, maximumLength]`.
    public let paddingMask: Tensor

    /// The number of sequences.
    public var count: Int { lengths.count }
    /// The number of rows of all sequences.
    public var rowCount: Int { paddedPlaces.count }
    /// The number of rows of the longest sequence, or what was given in its place.
    public var maximumLength: Int { paddingMask.size(1) }

    /// - Parameters:
    ///   - lengths: The number of rows of each sequence.
    ///   - masked: The sequences all of whose rows are masked.
    ///   - maximumLength: How long the padded view is, so that it has one shape in many batches; as long as the
    ///     longest sequence where it is nil.
    ///   - device: Where the packed tensors lie.
    ///   - pinned: Whether the tensors lie in page-locked memory, to be moved to a GPU.
    /// - Throws: `TorchError` where a length is negative or above the maximum, or memory is short; where it is to be
    ///   pinned and there is no CUDA device.
    public init(
        lengths: [Int], masked: Set<Int> = [], maximumLength: Int? = nil, device: Device = .cpu,
        pinned: Bool = false
    ) throws {
        guard lengths.allSatisfy({ $0 >= 0 }) else {
            throw TorchError(operation: "segments", reason: "a sequence cannot have a negative length")
        }
        let longest = maximumLength ?? lengths.max() ?? 0
        if let length = lengths.max(), length > longest {
            throw TorchError(
                operation: "segments", reason: "expected at most \(longest) rows a sequence, found \(length)")
        }
        var offsets: [Int64] = [0]
        var places: [Int64] = []
        var mask = [Bool](repeating: true, count: lengths.count * longest)
        for (index, length) in lengths.enumerated() {
            let start = index * longest
            places.append(contentsOf: (start..<start + length).lazy.map(Int64.init))
            for position in start..<start + length { mask[position] = false }
            offsets.append(Int64(places.count))
        }
        self.lengths = lengths
        self.offsets = try Self.offsets(Tensor(offsets, pinned: pinned), on: device)
        self.paddedPlaces = try Tensor(places, pinned: pinned).moved(to: device)
        self.masked =
            masked.isEmpty
            ? nil : try Tensor(lengths.indices.map(masked.contains), pinned: pinned).moved(to: device)
        self.paddingMask = try Tensor(mask, shape: [lengths.count, longest], pinned: pinned).moved(to: device)
    }

    /// Sequences of one row each.
    ///
    /// - Throws: `TorchError` where memory is short.
    public static func single(_ count: Int, device: Device) throws -> Segments {
        try Segments(lengths: [Int](repeating: 1, count: count), device: device)
    }

    /// Segments whose tensors were computed, and agree: as the properties, without masked sequences.
    init(lengths: [Int], offsets: Tensor, paddedPlaces: Tensor, paddingMask: Tensor) {
        self.lengths = lengths
        self.offsets = offsets
        self.paddedPlaces = paddedPlaces
        self.paddingMask = paddingMask
        masked = nil
    }

    private init(_ other: Segments, on device: Device) throws {
        lengths = other.lengths
        offsets = try Self.offsets(other.offsets, on: device)
        masked = try other.masked?.uploaded(to: device)
        paddedPlaces = try other.paddedPlaces.uploaded(to: device)
        paddingMask = try other.paddingMask.uploaded(to: device)
    }

    private static func offsets(_ offsets: Tensor, on device: Device) throws(TorchError) -> Tensor {
        try offsets.uploaded(to: device).converted(to: device == .cpu ? .int64 : .int32)
    }

    /// Of each row, whether its sequence is one of these: bool `[rows]`.
    ///
    /// - Parameter sequences: bool `[B]`
    func rows(of sequences: Tensor) throws(TorchError) -> Tensor {
        try sequences.gathered(sequenceNumbers())
    }

    /// Of each row, the number of its sequence: int64 `[rows]`.
    func sequenceNumbers() throws(TorchError) -> Tensor {
        try Self.floorDivide.tensor(.tensor(paddedPlaces), .int(max(1, maximumLength)))
    }

    /// Of each row, its number in its sequence, from 0: int64 `[rows]`.
    public func positions() throws(TorchError) -> Tensor {
        try Self.remainder.tensor(.tensor(paddedPlaces), .int(max(1, maximumLength)))
    }

    /// The first row of each sequence: int64 `[B]`. Of an empty sequence it is the row that follows.
    public func firstRows() throws(TorchError) -> Tensor {
        try offsets.narrowed(axis: 0, start: 0, length: count).converted(to: .int64)
    }

    private static let floorDivide = Operator("aten::floor_divide.Scalar")
    private static let remainder = Operator("aten::remainder.Scalar")

    /// Scores of the padded view with those that must not count replaced: where no row is, and where all
    /// rows are to count alike.
    ///
    /// - Parameter scores: `[B, .., maximumLength]`
    func masking(_ scores: Tensor) throws(TorchError) -> Tensor {
        let between = [Int](repeating: 1, count: scores.rank - 2)
        let padding = try paddingMask.reshaped([count] + between + [maximumLength])
        let scores = try scores.filled(where: padding, with: Self.paddingScore)
        guard let masked else { return scores }
        let alike = try masked.reshaped([count] + between + [1])
        return try scores.filled(where: alike.isGreater(than: padding), with: 0)
    }

    /// What a position without a row scores: the softmax of it is zero.
    private static let paddingScore = -5e4

    /// All tensors, in an order that is the same for all segments with, or all without, masked sequences.
    public var tensors: [Tensor] { [offsets, paddedPlaces, paddingMask] + (masked.map { [$0] } ?? []) }

    /// The same segments for tensors on another device.
    public func moved(to device: Device) throws -> Segments { try Segments(self, on: device) }
}

extension Tensor {
    private static let indexCopy = Operator("aten::index_copy")

    /// Packed rows `[rows, width]` as `[B, maximumLength, width]`, zeros where a sequence has ended.
    public func padded(_ segments: Segments) throws(TorchError) -> Tensor {
        let slots = segments.count * segments.maximumLength
        let empty = try Tensor.zeros([slots] + shape.dropFirst(), dtype: dtype, device: device)
        let filled = try Tensor.indexCopy.tensor(
            .tensor(empty), 0, .tensor(segments.paddedPlaces), .tensor(self))
        return try filled.reshaped([segments.count, segments.maximumLength] + shape.dropFirst())
    }

    /// `[B, maximumLength, width]` as packed rows `[rows, width]`.
    public func packed(_ segments: Segments) throws(TorchError) -> Tensor {
        try flattened(from: 0, through: 1).gathered(segments.paddedPlaces)
    }
}
