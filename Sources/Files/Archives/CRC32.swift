import CDeflate

/// The checksum that zips hold of their entries: sure to notice any change within 32 bits that lie side by side.
package struct CRC32: Sendable, Equatable {
    /// The checksum of all bytes so far.
    package private(set) var value: UInt32 = 0

    /// The checksum of nothing.
    package init() {}

    /// The checksum of these bytes.
    package init(of bytes: UnsafeRawBufferPointer) { add(bytes) }

    /// Goes on over more bytes.
    package mutating func add(_ bytes: UnsafeRawBufferPointer) {
        // Without an address, libdeflate gives the checksum to begin with.
        guard let start = bytes.baseAddress else { return }
        value = libdeflate_crc32(value, start, bytes.count)
    }

    /// The checksum in 8 hexadecimal digits.
    package var text: String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 8 - digits.count) + digits
    }
}
