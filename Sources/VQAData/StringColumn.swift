/// Strings kept one after another as UTF-8: a tenth of the memory of as many `String`s, and read
/// without allocating.
struct StringColumn: Sendable {
    /// String i is `bytes[offsets[i]..<offsets[i + 1]]`.
    private var bytes: [UInt8]
    private var offsets: [Int]

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

    subscript(index: Int) -> String {
        String(decoding: bytes(of: index), as: UTF8.self)
    }

    /// The bytes of string `index`, not copied.
    func bytes(of index: Int) -> ArraySlice<UInt8> {
        bytes[offsets[index]..<offsets[index + 1]]
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

    var count: Int { strings.count }

    /// The number of a string, a new one where it was not seen before.
    mutating func intern(_ text: ArraySlice<UInt8>) -> Int32 {
        let slot = slot(for: text)
        if slots[slot] >= 0 { return slots[slot] }
        let number = Int32(count)
        slots[slot] = number
        strings.append(text)
        if 2 * count > slots.count { grow() }
        return number
    }

    mutating func intern(_ text: String) -> Int32 {
        intern(Array(text.utf8)[...])
    }

    /// The number of a string, or nil where it was never seen.
    func number(of text: ArraySlice<UInt8>) -> Int32? {
        let number = slots[slot(for: text)]
        return number >= 0 ? number : nil
    }

    func number(of text: String) -> Int32? {
        number(of: Array(text.utf8)[...])
    }

    /// Where the string's number is, or the free place where it belongs.
    private func slot(for text: ArraySlice<UInt8>) -> Int {
        let mask = slots.count - 1
        var slot = hash(text) & mask
        while slots[slot] >= 0, strings.bytes(of: Int(slots[slot])) != text {
            slot = (slot + 1) & mask
        }
        return slot
    }

    private func hash(_ text: ArraySlice<UInt8>) -> Int {
        // A hasher outside of the closure would be captured, and kept in memory for it: 10% slower.
        text.withUnsafeBytes { bytes in
            var hasher = Hasher()
            hasher.combine(bytes: bytes)
            return hasher.finalize()
        }
    }

    private mutating func grow() {
        slots = Array(repeating: -1, count: 2 * slots.count)
        for number in 0..<count {
            slots[slot(for: strings.bytes(of: number))] = Int32(number)
        }
    }
}
