/// Random numbers that are the same for the same seed (SplitMix64).
struct SeededNumbers: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var bits = state
        bits = (bits ^ bits >> 30) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ bits >> 27) &* 0x94D0_49BB_1331_11EB
        return bits ^ bits >> 31
    }
}

/// Damages inputs as files are damaged, and as somebody would who means harm.
struct Mutations {
    let seeds: [[UInt8]]
    let maximumByteCount: Int
    private var numbers: SeededNumbers

    init(of seeds: [[UInt8]], maximumByteCount: Int, seed: UInt64) {
        (self.seeds, self.maximumByteCount) = (seeds, maximumByteCount)
        numbers = SeededNumbers(seed: seed)
    }

    /// A seed with one to eight changes.
    mutating func next() -> [UInt8] {
        guard var bytes = seeds.randomElement(using: &numbers) else { return [] }
        for _ in 0..<Int.random(in: 1...8, using: &numbers) { change(&bytes) }
        return Array(bytes.prefix(maximumByteCount))
    }

    private mutating func change(_ bytes: inout [UInt8]) {
        guard !bytes.isEmpty else { return bytes = seeds.randomElement(using: &numbers) ?? [] }
        let place = Int.random(in: bytes.indices, using: &numbers)
        let end = min(bytes.count, place + Int.random(in: 1...32, using: &numbers))
        switch Int.random(in: 0..<9, using: &numbers) {
        case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &numbers)
        case 1: bytes[place] = .random(in: 0...255, using: &numbers)
        case 2:
            bytes[place] =
                [0, 1, 0x7F, 0x80, 0xFF, 0x22, 0x2C, 0x5B, 0x7B].randomElement(using: &numbers) ?? 0
        case 3: bytes.removeSubrange(place..<end)
        case 4: bytes.insert(contentsOf: bytes[place..<end], at: place)
        case 5: putNumber(into: &bytes, at: place)
        case 6: putDigits(into: &bytes, at: place)
        case 7: bytes.removeLast(bytes.count - place)
        default:
            guard let other = seeds.randomElement(using: &numbers), !other.isEmpty else { return }
            let start = Int.random(in: other.indices, using: &numbers)
            bytes.replaceSubrange(place..<end, with: other[start..<min(other.count, start + end - place)])
        }
    }

    /// A number of two, four or eight bytes as lengths and places have it, near a limit.
    private mutating func putNumber(into bytes: inout [UInt8], at place: Int) {
        let limits: [UInt64] = [0, 1, 1 << 7, 1 << 15, 1 << 16, 1 << 31, 1 << 32, 1 << 62, 1 << 63, .max]
        let number = (limits.randomElement(using: &numbers) ?? 0) &+ .random(in: 0..<3, using: &numbers) &- 1
        let isBig = Bool.random(using: &numbers)
        let count = [2, 4, 8].randomElement(using: &numbers) ?? 8
        for index in 0..<min(count, bytes.count - place) {
            let shift = 8 * UInt64(isBig ? count - 1 - index : index)
            bytes[place + index] = UInt8(truncatingIfNeeded: number >> shift)
        }
    }

    /// Digits where digits are, as many as make a number too large.
    private mutating func putDigits(into bytes: inout [UInt8], at place: Int) {
        let digits = UInt8(ascii: "0")...UInt8(ascii: "9")
        guard let first = bytes[place...].firstIndex(where: digits.contains) else { return }
        let texts = [
            "-1", "0", "1e999", "9223372036854775807", "9223372036854775808", "18446744073709551616", "0.5",
        ]
        bytes.replaceSubrange(first...first, with: Array((texts.randomElement(using: &numbers) ?? "").utf8))
    }
}
