extension FixedWidthInteger {
    /// A number without its fraction; the least or the greatest integer where it lies beyond them, and 0 where it is no
    /// number. Numbers out of files, clocks and the network can be any: `Int(_:)` ends the process at some of them.
    package init(clamping value: Double) {
        if let exact = Self(exactly: value.rounded(.towardZero)) {
            self = exact
        } else {
            self = value.isNaN ? 0 : value < 0 ? .min : .max
        }
    }
}

extension Int {
    /// The sum of two numbers; the least or the greatest number where it lies beyond them. Files of holes can state any
    /// length, and two of them more than can be counted.
    package func addingClamped(_ other: Int) -> Int {
        let (sum, overflows) = addingReportingOverflow(other)
        return overflows ? (other < 0 ? .min : .max) : sum
    }
}
