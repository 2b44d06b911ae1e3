/// An `.npz` file, or one of the arrays in it, is not what was expected.
public struct NPZError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The path of the file.
    public let file: String
    /// The array concerned; nil when it is the file as a whole.
    public let array: String?
    /// What should have been there.
    public let expected: String
    /// What was there instead.
    public let found: String

    /// One line for the user: file, array, expected, found.
    public var description: String {
        let place = array.map { "\(file): array '\($0)'" } ?? file
        return "\(place): expected \(expected), found \(found)"
    }
}
