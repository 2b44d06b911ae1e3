/// One of several parts of the pictures, or of the questions about them, which machines or processes work on side by side.
public struct ExtractionPart: Sendable, Equatable, CustomStringConvertible {
    /// From 1 to `count`.
    public let number: Int
    /// How many parts there are: at most a million.
    public let count: Int

    private static let largestCount = 1_000_000

    /// Reads a part as the command line has it: `2/4`.
    ///
    /// - Throws: `ExtractionPartError`.
    public init(parsing text: String) throws(ExtractionPartError) {
        let numbers = text.split(separator: "/", omittingEmptySubsequences: false).map { Int($0) }
        guard numbers.count == 2, let number = numbers[0], let count = numbers[1],
            1...Self.largestCount ~= count, 1...count ~= number
        else { throw ExtractionPartError(found: text) }
        (self.number, self.count) = (number, count)
    }

    /// As the command line has it: `2/4`.
    public var description: String { "\(number)/\(count)" }

    /// The places of what the part has among all. The parts of all numbers follow one another and leave none out; their
    /// lengths differ by one at most.
    package func range(of total: Int) -> Range<Int> {
        // Some millions of pictures or questions in a million parts.
        total * (number - 1) / count..<total * number / count
    }
}

/// A text that names no part.
public struct ExtractionPartError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The text.
    public let found: String

    /// One line.
    public var description: String {
        "expected a part such as 2/4, from 1/4 to 4/4, found '\(found)'"
    }
}
