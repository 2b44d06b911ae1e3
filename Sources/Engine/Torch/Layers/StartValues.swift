/// Whether tensors that are to be drawn at random are drawn.
package enum StartValues {
    @TaskLocal static var areOmitted = false

    /// Runs `body`, in which what would be drawn at random has memory that nobody has written: for a network whose weights
    /// are put in right after it is built, a large one in a tenth of the time.
    ///
    /// - Throws: What `body` throws.
    package static func omitted<Result>(_ body: () throws -> Result) rethrows -> Result {
        try $areOmitted.withValue(true) { try body() }
    }
}
