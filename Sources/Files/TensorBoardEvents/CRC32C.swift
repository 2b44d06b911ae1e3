/// The checksum of records in event files: CRC-32C (Castagnoli, RFC 3720), which processors have an instruction for and
/// zlib and libdeflate do not.
struct CRC32C: Equatable {
    /// The checksum of all bytes so far.
    private(set) var value: UInt32 = 0

    /// The remainders of every byte, by the reflected polynomial 0x1EDC6F41.
    private static let table: [UInt32] = (UInt32(0)..<256).map { byte in
        (0..<8).reduce(byte) { remainder, _ in
            remainder & 1 == 1 ? remainder >> 1 ^ 0x82f6_3b78 : remainder >> 1
        }
    }

    /// The checksum of these bytes.
    init(of bytes: some Sequence<UInt8>) {
        var remainder = ~value
        let table = Self.table
        for byte in bytes { remainder = table[Int((remainder ^ UInt32(byte)) & 0xff)] ^ remainder >> 8 }
        value = ~remainder
    }

    /// The checksum as TFRecord files hold it: turned by 15 bits, with a constant added, so that a checksum of bytes
    /// that hold checksums is a good one too.
    var masked: UInt32 { (value >> 15 | value << 17) &+ 0xa282_ead8 }
}
