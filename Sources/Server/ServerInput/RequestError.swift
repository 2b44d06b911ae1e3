/// What is wrong with the body of a request, in one line that says what to send.
package struct RequestError: Error, Sendable, Equatable, CustomStringConvertible {
    /// Which of the answers that HTTP has for it is meant.
    package enum Kind: Sendable, Equatable {
        /// It is not what its type says, or not what is asked for.
        case malformed
        /// It is of a type that is not read.
        case unsupportedType
    }

    /// Which of the answers that HTTP has for it is meant.
    package let kind: Kind
    /// One line.
    package let description: String

    init(_ description: String, kind: Kind = .malformed) {
        self.kind = kind
        self.description = description
    }
}

/// How a value out of a request is shown in an error: its beginning.
func shown(_ text: some StringProtocol) -> String {
    let beginning = text.prefix(40)
    return "'\(beginning)\(beginning.endIndex < text.endIndex ? "…" : "")'"
}
