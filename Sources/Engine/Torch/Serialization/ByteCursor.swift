/// Reads a stream of bytes front to back, and never past its end.
struct ByteCursor {
    private let bytes: UnsafeRawBufferPointer
    /// How many bytes have been read.
    private(set) var offset = 0

    /// - Parameter bytes: must stay valid while the cursor is in use.
    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    /// The next `count` bytes. They are valid as long as those the cursor was made with.
    mutating func take(_ count: Int) throws(TorchSaveError.Problem) -> UnsafeRawBufferPointer {
        let remaining = bytes.count - offset
        guard count >= 0, count <= remaining else {
            throw .truncated(offset: offset, expectedByteCount: count, foundByteCount: remaining)
        }
        defer { offset += count }
        return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
    }

    /// The next bytes as a little-endian integer.
    mutating func integer<Integer: FixedWidthInteger>(
        _ type: Integer.Type = Integer.self
    ) throws(TorchSaveError.Problem) -> Integer {
        Integer(littleEndian: try take(MemoryLayout<Integer>.size).loadUnaligned(as: Integer.self))
    }

    /// The text before the next line feed, which is read too.
    mutating func line() throws(TorchSaveError.Problem) -> String {
        let rest = bytes[offset...]
        guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else {
            throw .truncated(offset: offset, expectedByteCount: rest.count + 1, foundByteCount: rest.count)
        }
        defer { offset = end + 1 }
        return String(decoding: rest[..<end], as: UTF8.self)
    }
}
