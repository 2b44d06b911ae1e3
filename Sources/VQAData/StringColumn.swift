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

    subscript(index: Int) -> String {
        String(decoding: bytes[range(of: index)], as: UTF8.self)
    }

    /// Where string `index` lies in ``bytes``.
    func range(of index: Int) -> Range<Int> {
        offsets[index]..<offsets[index + 1]
    }

    /// Lends the bytes of string `index`.
    func withBytes<Result>(of index: Int, _ body: (Span<UInt8>) -> Result) -> Result {
        body(bytes.span.extracting(range(of: index)))
    }

    mutating func append(_ text: some Sequence<UInt8>) {
        bytes.append(contentsOf: text)
        offsets.append(bytes.count)
    }

    mutating func append(_ text: Span<UInt8>) {
        text.withUnsafeBufferPointer { append($0) }
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
    mutating func value(of index: Int32, compute: (Span<UInt8>) -> Value) -> Value {
        if let known = values[Int(index)] { return known }
        let value = strings.withBytes(of: Int(index), compute)
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
    mutating func intern(_ text: Span<UInt8>) -> Int32 {
        let slot = slot(for: text)
        if slots[slot] >= 0 { return slots[slot] }
        let number = Int32(count)
        slots[slot] = number
        strings.append(text)
        if 2 * count > slots.count { grow() }
        return number
    }

    mutating func intern(_ text: String) -> Int32 {
        intern(Array(text.utf8).span)
    }

    /// The number of a string, or nil where it was never seen.
    func number(of text: Span<UInt8>) -> Int32? {
        let number = slots[slot(for: text)]
        return number >= 0 ? number : nil
    }

    func number(of text: String) -> Int32? {
        number(of: Array(text.utf8).span)
    }

    /// Where the string's number is, or the free place where it belongs.
    private func slot(for text: Span<UInt8>) -> Int {
        text.withUnsafeBytes { wanted in
            let mask = slots.count - 1
            var slot = hash(wanted) & mask
            while slots[slot] >= 0 {
                let isEqual = strings.withBytes(of: Int(slots[slot])) { known in
                    known.withUnsafeBytes { $0.elementsEqual(wanted) }
                }
                if isEqual { break }
                slot = (slot + 1) & mask
            }
            return slot
        }
    }

    private func hash(_ text: UnsafeRawBufferPointer) -> Int {
        var hasher = Hasher()
        hasher.combine(bytes: text)
        return hasher.finalize()
    }

    private mutating func grow() {
        slots = Array(repeating: -1, count: 2 * slots.count)
        for number in 0..<count {
            let slot = strings.withBytes(of: number) { self.slot(for: $0) }
            slots[slot] = Int32(number)
        }
    }
}
