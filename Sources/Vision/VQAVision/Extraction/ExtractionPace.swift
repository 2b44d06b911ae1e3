/// How fast pictures are extracted. Those that were there already took no time.
struct ExtractionPace {
    private let clock = ContinuousClock()
    private var first: (count: Int, time: ContinuousClock.Instant)?

    /// How long the rest will take; nil as long as nothing can be said.
    ///
    /// - Parameters:
    ///   - extracted: How many pictures have been extracted so far.
    ///   - left: How many have not been seen to.
    mutating func secondsLeft(extracted: Int, left: Int) -> Double? {
        guard extracted > 0 else { return nil }
        guard let first else {
            first = (extracted, clock.now)
            return nil
        }
        guard extracted > first.count else { return nil }
        return (clock.now - first.time) / .seconds(1) / Double(extracted - first.count) * Double(left)
    }
}
