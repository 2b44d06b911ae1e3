/// In which order an epoch goes through the questions.
///
/// The order depends on the seed and the epoch alone, so that a resumed run goes on in the same one.
struct EpochOrder: Sendable {
    /// The questions' rows, in the order of the epoch.
    let rows: [Int]

    /// - Parameters:
    ///   - count: How many questions there are.
    ///   - seed: The run's seed; nil keeps the order of the files.
    ///   - epoch: Which epoch, counted from 0.
    init(count: Int, seed: UInt64?, epoch: Int) {
        var rows = Array(0..<count)
        if let seed {
            var generator = SplitMix64(state: seed &+ UInt64(clamping: epoch) &* 0xD1B5_4A32_D192_ED03)
            rows.shuffle(using: &generator)
        }
        self.rows = rows
    }
}

/// A small random number generator whose numbers are the same on every machine.
///
/// Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
struct SplitMix64: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}
