import FileSystem
import Foundation

/// Strings kept one after another as UTF-8: a tenth of the memory of as many `String`s, and read
/// without allocating.
struct StringColumn: Sendable {
    /// String i is `bytes[offsets[i]..<offsets[i + 1]]`.
    private(set) var bytes: [UInt8]
    private(set) var offsets: [Int]

    init() {
        bytes = []
        offsets = [0]
    }

    /// `offsets` begins with 0, never falls, and ends with the count of `bytes`.
    init(bytes: [UInt8], offsets: [Int]) {
        self.bytes = bytes
        self.offsets = offsets
    }

    var count: Int { offsets.count - 1 }

    /// A checksum that two columns of different strings do not share.
    var checksum: String {
        var checksum = Checksum()
        bytes.withUnsafeBytes { checksum.add($0) }
        offsets.withUnsafeBytes { checksum.add($0) }
        return checksum.text
    }

    subscript(index: Int) -> String {
        String(decoding: bytes(of: index), as: UTF8.self)
    }

    /// The bytes of string `index`, not copied.
    func bytes(of index: Int) -> ArraySlice<UInt8> {
        bytes[offsets[index]..<offsets[index + 1]]
    }

    /// Whether string `index` has these bytes.
    func isEqual(_ index: Int, to text: UnsafeRawBufferPointer) -> Bool {
        let start = offsets[index]
        guard offsets[index + 1] - start == text.count else { return false }
        guard let textStart = text.baseAddress else { return true }
        return bytes.withUnsafeBytes { bytes in
            bytes.baseAddress.map { memcmp($0 + start, textStart, text.count) == 0 } ?? true
        }
    }

    mutating func append(_ text: some Sequence<UInt8>) {
        bytes.append(contentsOf: text)
        offsets.append(bytes.count)
    }
}

/// Something computed from the strings of a column: once for each, and only for those asked about.
struct ComputedOncePerString<Value> {
    private let strings: StringColumn
    private var values: [Value?]

    init(_ strings: StringColumn) {
        self.strings = strings
        values = Array(repeating: nil, count: strings.count)
    }

    /// The value of string `index`, from `compute` where it is not known yet.
    mutating func value(of index: Int32, compute: (ArraySlice<UInt8>) -> Value) -> Value {
        if let known = values[Int(index)] { return known }
        let value = compute(strings.bytes(of: Int(index)))
        values[Int(index)] = value
        return value
    }
}

/// Different strings, numbered from 0 in order of first appearance.
struct StringIndex: Sendable {
    private(set) var strings = StringColumn()
    /// An open-addressing hash table of the numbers; -1 where there is none. Its size is a power of 2.
    private var slots: [Int32] = Array(repeating: -1, count: 64)
    /// Where the hash starts: drawn anew for each index, for a file could hold strings that all have the same one, and
    /// would be looked for among one another.
    private let seed = UInt64.random(in: .min ... .max)

    var count: Int { strings.count }

    init() {}

    /// Strings that were numbered before, in the order of their numbers; nil where one comes twice.
    init?(_ strings: StringColumn) {
        for number in 0..<strings.count where intern(strings.bytes(of: number)) != number { return nil }
    }

    /// The number of a string, a new one where it was not seen before.
    mutating func intern(_ text: UnsafeRawBufferPointer) -> Int32 {
        let slot = slot(for: text)
        if slots[slot] >= 0 { return slots[slot] }
        let number = Int32(count)
        slots[slot] = number
        strings.append(text)
        if 2 * count > slots.count { grow() }
        return number
    }

    /// The number of a string, a new one where it was not seen before.
    mutating func intern(_ text: ArraySlice<UInt8>) -> Int32 {
        text.withUnsafeBytes { intern($0) }
    }

    mutating func intern(_ text: String) -> Int32 {
        intern(Array(text.utf8)[...])
    }

    /// The number of a string, or nil where it was never seen.
    func number(of text: UnsafeRawBufferPointer) -> Int32? {
        let number = slots[slot(for: text)]
        return number >= 0 ? number : nil
    }

    /// The number of a string, or nil where it was never seen.
    func number(of text: ArraySlice<UInt8>) -> Int32? {
        text.withUnsafeBytes { number(of: $0) }
    }

    func number(of text: String) -> Int32? {
        number(of: Array(text.utf8)[...])
    }

    /// Where the string's number is, or the free place where it belongs.
    private func slot(for text: UnsafeRawBufferPointer) -> Int {
        let mask = slots.count - 1
        var slot = hash(text) & mask
        while slots[slot] >= 0, !strings.isEqual(Int(slots[slot]), to: text) {
            slot = (slot + 1) & mask
        }
        return slot
    }

    /// Words of eight bytes, each multiplied into the state; the halves of the product are folded, so that every
    /// bit of the result depends on every bit of the text. Four times as fast on short words as Swift's hasher.
    private func hash(_ text: UnsafeRawBufferPointer) -> Int {
        let factor: UInt64 = 0x9E37_79B9_7F4A_7C15
        var state = UInt64(text.count) ^ seed
        func mix(_ word: UInt64) {
            let product = (state ^ word).multipliedFullWidth(by: factor)
            state = product.high ^ product.low &+ factor
        }
        var position = 0
        while position + 8 <= text.count {
            mix(text.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            position += 8
        }
        var rest: UInt64 = 0
        while position < text.count {
            rest = rest << 8 | UInt64(text[position])
            position += 1
        }
        mix(rest)
        return Int(truncatingIfNeeded: state)
    }

    private mutating func grow() {
        slots = Array(repeating: -1, count: 2 * slots.count)
        for number in 0..<count {
            let free = strings.bytes(of: number).withUnsafeBytes { slot(for: $0) }
            slots[free] = Int32(number)
        }
    }
}
