import FileSystem
import Foundation

/// What a user reads of an error: one line.
enum ErrorLine {
    static func text(for error: any Error) -> String {
        let text: String
        if let decoding = error as? DecodingError {
            text = describe(decoding)
        } else if type(of: error) is NSError.Type || error is CocoaError {
            let path = (error as NSError).userInfo[NSFilePathErrorKey] as? String
            text = [path, systemReason(of: error)].compactMap { $0 }.joined(separator: ": ")
        } else {
            text = "\(error)"
        }
        return inOneLine(text)
    }

    /// Names in a file may have megabytes.
    private static let mostCharacters = 10_000

    /// Text of several lines in one, in which control characters are written out.
    static func inOneLine(_ text: String) -> String {
        let shown = text.prefix(mostCharacters)
        let line = shown.split(whereSeparator: \.isNewline).joined(separator: " ")
        return PrintableText.escaping(line) + (shown.endIndex < text.endIndex ? "…" : "")
    }

    private static func describe(_ error: DecodingError) -> String {
        switch error {
        case .keyNotFound(let key, _): "the key '\(key.stringValue)' is missing"
        case .dataCorrupted(let context), .typeMismatch(_, let context), .valueNotFound(_, let context):
            context.debugDescription
        @unknown default: "\(error)"
        }
    }
}
