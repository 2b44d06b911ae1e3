/// FNV-1a with words of eight bytes (little-endian, the last one of a tensor filled up with zeros) in place
/// of bytes, and the upper half of the state folded onto the lower one after each: sure to notice any change
/// within a single word. Multiplying carries bits only upward; without the folding, two changes of the topmost
/// bit would cancel each other.
package struct Checksum {
    private var state: UInt64 = 0xcbf2_9ce4_8422_2325

    /// The checksum of nothing.
    package init() {}

    /// Goes on over the bytes of one more tensor.
    package mutating func add(_ bytes: UnsafeRawBufferPointer) {
        let wholeWords = bytes.count / 8
        for word in 0..<wholeWords {
            add(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: word * 8, as: UInt64.self)))
        }
        let rest = bytes[(wholeWords * 8)...]
        guard !rest.isEmpty else { return }
        add(rest.reversed().reduce(0) { $0 << 8 | UInt64($1) })
    }

    private mutating func add(_ word: UInt64) {
        state = (state ^ word) &* 0x0000_0100_0000_01b3
        state ^= state >> 32
    }

    /// The checksum in 16 hexadecimal digits.
    package var text: String {
        let digits = String(state, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// The checksum of these bytes alone.
    package static func text(of bytes: UnsafeRawBufferPointer) -> String {
        var checksum = Checksum()
        checksum.add(bytes)
        return checksum.text
    }

    /// The checksum of a text.
    package static func text(of text: String) -> String {
        Array(text.utf8).withUnsafeBytes { self.text(of: $0) }
    }
}
