import Foundation

/// The operating system refused an operation on a file.
public struct FileAccessError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The file, as the caller named it.
    public let path: String
    /// What was asked of the system, in words: "open", "map".
    public let operation: String
    /// The system's reason (`errno`).
    public let code: Int32

    init(path: String, operation: String, code: Int32 = errno) {
        self.path = path
        self.operation = operation
        self.code = code
    }

    /// One line: the file, what was tried and the system's reason.
    public var description: String {
        "\(path): cannot \(operation): \(String(cString: strerror(code)))"
    }
}
