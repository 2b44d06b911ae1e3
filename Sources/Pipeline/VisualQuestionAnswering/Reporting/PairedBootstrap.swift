/// Whether a difference between two models is more than chance: a paired bootstrap over questions.
///
/// The questions are drawn again, with replacement, as many as there are, and the mean difference is taken; that many times
/// over. The interval has the middle 95 % of these means. The p-value is two-sided: twice the share of means on the other
/// side of 0, with one counted in that is not there, so that it is never 0. The random numbers are counted, not drawn in
/// turn (SplitMix64), so that the same questions give the same figures on every machine.
public struct PairedBootstrap: Sendable, Equatable, Encodable {
    /// How many questions.
    public let questions: Int
    /// How much more the second model scores than the first, on average; in the unit of the differences.
    public let difference: Double
    /// Where the interval of 95 % begins.
    public let low: Double
    /// Where it ends.
    public let high: Double
    /// How often chance alone would show a difference like this one, from 0 to 1.
    public let pValue: Double
    /// How often the questions were drawn again.
    public let resamples: Int

    /// The interval does not hold 0.
    public var isReal: Bool { low > 0 || high < 0 }

    /// Starts the random numbers.
    static let seed: UInt64 = 20_220_511

    enum CodingKeys: String, CodingKey {
        case questions, difference, low, high, resamples
        case pValue = "p_value"
    }

    /// - Parameter differences: How much more the second model scores than the first, a question each; not empty.
    init(_ differences: [Double]) {
        self.init(differences, resamples: Self.resamples(of: differences.count))
    }

    init(_ differences: [Double], resamples: Int) {
        let count = differences.count
        questions = count
        self.resamples = resamples
        difference = differences.reduce(0, +) / Double(max(1, count))
        guard count > 0, resamples > 0 else {
            (low, high, pValue) = (0, 0, 1)
            return
        }
        var counter = CountedNumbers(seed: Self.seed)
        let means = (0..<resamples).map { _ in
            (0..<count).reduce(0.0) { sum, _ in sum + differences[counter.next(below: count)] }
                / Double(count)
        }.sorted()
        low = Self.quantile(0.025, of: means)
        high = Self.quantile(0.975, of: means)
        let (below, above) = (means.count { $0 <= 0 }, means.count { $0 >= 0 })
        pValue = min(1, 2 * Double(1 + min(below, above)) / Double(resamples + 1))
    }

    /// 10,000; fewer where that would take longer than a few seconds, and never fewer than 1,000.
    private static func resamples(of count: Int) -> Int {
        min(10_000, max(1_000, 1_000_000_000 / max(1, count)))
    }

    /// Between the two nearest, in proportion, as numpy has it.
    private static func quantile(_ share: Double, of sorted: [Double]) -> Double {
        let place = share * Double(sorted.count - 1)
        let lower = min(sorted.count - 1, max(0, Int(exactly: place.rounded(.down)) ?? 0))
        let upper = min(sorted.count - 1, lower + 1)
        return sorted[lower] + (place - Double(lower)) * (sorted[upper] - sorted[lower])
    }
}

/// SplitMix64 (Steele, Lea, Flood, OOPSLA 2014): the state is a count, so that any number can be had on its own.
struct CountedNumbers {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    /// The next number of 64 bits.
    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ mixed >> 27) &* 0x94d0_49bb_1331_11eb
        return mixed ^ mixed >> 31
    }

    /// The next whole number from 0 on, below a count.
    mutating func next(below count: Int) -> Int {
        Int(clamping: next().multipliedFullWidth(by: UInt64(count)).high)
    }
}
