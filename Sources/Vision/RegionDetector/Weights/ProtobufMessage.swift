/// A field of a message, as protobuf has it on the wire.
enum ProtobufValue {
    case integer(UInt64)
    case fixed32(UInt32)
    case fixed64(UInt64)
    /// A text, packed numbers, or a message within the message.
    case bytes(UnsafeRawBufferPointer)
}

/// Reads the fields of a message front to back, and never past its end. What a field means is for the caller to know.
///
/// Source: https://protobuf.dev/programming-guides/encoding
struct ProtobufMessage {
    typealias Problem = DetectorWeightsError.Problem

    private let bytes: UnsafeRawBufferPointer
    private var place = 0

    /// - Parameter bytes: must stay valid while the message is read.
    init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// The next field; nil behind the last one.
    ///
    /// - Throws: `damaged` where the bytes are none of a message.
    mutating func nextField() throws(Problem) -> (number: UInt64, value: ProtobufValue)? {
        guard place < bytes.count else { return nil }
        let key = try integer()
        let number = key >> 3
        guard (1..<1 << 29).contains(number) else {
            throw .damaged(reason: "a field has the number \(number)")
        }
        switch key & 7 {
        case 0: return (number, .integer(try integer()))
        case 1: return (number, .fixed64(try fixed(UInt64.self)))
        case 2:
            let count = try integer()
            return (number, .bytes(try take(Int(clamping: count))))
        case 5: return (number, .fixed32(try fixed(UInt32.self)))
        default: throw .damaged(reason: "a field has the wire type \(key & 7)")
        }
    }

    /// The numbers that are packed into bytes, at most so many.
    static func integers(in bytes: UnsafeRawBufferPointer, limit: Int) throws(Problem) -> [UInt64] {
        var message = ProtobufMessage(bytes)
        var integers: [UInt64] = []
        while message.place < bytes.count {
            guard integers.count < limit else { throw .damaged(reason: "there are more than \(limit) sizes") }
            integers.append(try message.integer())
        }
        return integers
    }

    /// Seven bits a byte, the lowest first; the eighth says that more follow.
    private mutating func integer() throws(Problem) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: 0, to: 64, by: 7) {
            let byte = try take(1)[0]
            guard shift < 63 || byte <= 1 else { break }
            value |= UInt64(clamping: byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw .damaged(reason: "a number has more than 64 bits")
    }

    private mutating func fixed<Integer: FixedWidthInteger>(_ type: Integer.Type) throws(Problem) -> Integer {
        Integer(littleEndian: try take(MemoryLayout<Integer>.size).loadUnaligned(as: Integer.self))
    }

    private mutating func take(_ count: Int) throws(Problem) -> UnsafeRawBufferPointer {
        guard count <= bytes.count - place else {
            throw .damaged(reason: "\(count) bytes were expected where \(bytes.count - place) are left")
        }
        defer { place += count }
        return UnsafeRawBufferPointer(rebasing: bytes[place..<place + count])
    }
}
