/// What libtorch refused, and where.
public struct TorchError: Error, Sendable, CustomStringConvertible {
    /// The operator or the action that failed, such as `aten::mm`.
    public let operation: String
    /// Why, in libtorch's words.
    public let reason: String
    /// What it was given: types and shapes, where it was an operator.
    public let arguments: [String]

    /// - Parameters:
    ///   - operation: The operator or the action that failed.
    ///   - reason: Why, in one sentence.
    ///   - arguments: What it was given.
    public init(operation: String, reason: String, arguments: [String] = []) {
        self.operation = operation
        self.reason = reason
        self.arguments = arguments
    }

    /// One line: the operation, the reason and what it was given.
    public var description: String {
        // libtorch appends advice for Python users and C++ source positions after the first line.
        let firstLine = reason.split(separator: "\n", maxSplits: 1).first.map(String.init) ?? reason
        let given = arguments.isEmpty ? "" : " (given " + arguments.joined(separator: ", ") + ")"
        return "\(operation): \(firstLine)\(given)"
    }
}
