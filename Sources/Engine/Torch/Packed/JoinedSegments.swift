/// Sequences of several kinds, joined one behind the other question by question: the rows of a question's words, say, and
/// then those of its image.
///
/// Everything is computed where the tensors lie, of shapes alone, so that it may be part of a `RecordedWork`.
public struct JoinedSegments: Sendable {
    private static let indexCopy = Operator("aten::index_copy")

    /// The joined sequences.
    public let segments: Segments
    /// For each joined row, its row among those of all parts one below the other: int64 `[rows]`.
    private let sources: Tensor
    /// How many rows each part has.
    private let partRowCounts: [Int]

    /// - Parameter parts: Of each kind, its sequences, in the order in which they are joined; as many of each kind.
    /// - Throws: `TorchError` where their counts differ, or there is no part.
    public init(_ parts: [Segments]) throws {
        guard let count = parts.first?.count, parts.allSatisfy({ $0.count == count }) else {
            throw TorchError(
                operation: "joined segments",
                reason: "expected parts of as many sequences each, found \(parts.map(\.count))")
        }
        let device = parts[0].offsets.device
        let bounds = try parts.map { try Bounds($0) }
        let total = try Bounds(sumOf: bounds)
        let longest = parts.reduce(0) { $0 + $1.maximumLength }
        // What takes a joined row to its place in the padded view.
        let shift = try Tensor.range(0, count, device: device) * longest - total.starts
        var start = total.starts  // Of the part in each joined sequence.
        var destinations: [Tensor] = []
        var places: [Tensor] = []
        for (part, bound) in zip(parts, bounds) {
            let sequences = try part.sequenceNumbers()
            let rows = try part.positions() + start.gathered(sequences)
            destinations.append(rows)
            places.append(try rows + shift.gathered(sequences))
            start = try start + bound.lengths
        }
        partRowCounts = parts.map(\.rowCount)
        let rowCount = partRowCounts.reduce(0, +)
        let order = try Tensor.concatenate(destinations)
        func joined(_ values: Tensor) throws -> Tensor {
            let empty = try Tensor.zeros([rowCount], dtype: .int64, device: device)
            return try Self.indexCopy.tensor(.tensor(empty), 0, .tensor(order), .tensor(values))
        }
        sources = try joined(Tensor.range(0, rowCount, device: device))
        segments = try Segments(
            lengths: (0..<count).map { sequence in parts.reduce(0) { $0 + $1.lengths[sequence] } },
            offsets: total.offsets.converted(to: parts[0].offsets.dtype),
            paddedPlaces: joined(Tensor.concatenate(places)),
            paddingMask: Tensor.range(0, longest, device: device).reshaped([1, longest])
                .isAtLeast(total.lengths.reshaped([count, 1])))
    }

    /// Where sequences start and end.
    private struct Bounds {
        let offsets: Tensor  // [B + 1]
        let starts: Tensor  // [B]
        let lengths: Tensor  // [B]

        init(offsets: Tensor) throws {
            let count = offsets.count - 1
            self.offsets = offsets
            starts = try offsets.narrowed(axis: 0, start: 0, length: count)
            lengths = try offsets.narrowed(axis: 0, start: 1, length: count) - starts
        }

        init(_ segments: Segments) throws { try self.init(offsets: segments.offsets.converted(to: .int64)) }

        init(sumOf parts: [Bounds]) throws {
            try self.init(offsets: parts.dropFirst().reduce(parts[0].offsets) { try $0 + $1.offsets })
        }
    }

    /// The rows of the joined sequences.
    ///
    /// - Parameter parts: Of each kind, its rows `[rows, width]`.
    /// - Returns: `[rows of all, width]`
    /// - Throws: `TorchError` where shapes disagree.
    public func rows(_ parts: [Tensor]) throws(TorchError) -> Tensor {
        try Tensor.concatenate(parts).gathered(sources)
    }

    /// The other way: of joined rows, those of each kind.
    ///
    /// - Parameter rows: `[rows of all, ..]`
    /// - Returns: Of each part, `[rows, ..]`.
    /// - Throws: `TorchError` where shapes disagree.
    public func parts(_ rows: Tensor) throws(TorchError) -> [Tensor] {
        let empty = try Tensor.zeros(rows.shape, dtype: rows.dtype, device: rows.device)
        return try Self.indexCopy.tensor(.tensor(empty), 0, .tensor(sources), .tensor(rows))
            .split(partRowCounts)
    }
}
