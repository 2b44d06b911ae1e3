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
