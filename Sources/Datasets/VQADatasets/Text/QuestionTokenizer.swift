/// Splits questions into words, as the official release does: lower case; `. , ' ! ? " ( ) * # : ;`
/// deleted; `-` and `/` made spaces; split on white space.
///
/// A tokenizer keeps its buffers, so that one instance splits a million questions without allocating.
package struct QuestionTokenizer: Sendable {
    /// The words of the last question, one after another, as UTF-8; what lies behind them is of questions before.
    private(set) var bytes: [UInt8] = []
    /// Where each word lies in ``bytes``.
    private(set) var words: [Range<Int>] = []
    /// What becomes of each byte: itself, its lower case, or one of the marks.
    private let fates = Self.fates

    private static let deleted: UInt8 = 0xFE
    private static let endOfWord: UInt8 = 0xFF

    /// The marks are bytes that no UTF-8 has.
    private static let fates: [UInt8] = (UInt8.min...UInt8.max).map { byte in
        switch Unicode.Scalar(byte) {
        case ".", ",", "'", "!", "?", "\"", "(", ")", "*", "#", ":", ";": deleted
        case "-", "/", "\t"..."\r", "\u{1C}"..." ": endOfWord
        case "A"..."Z": byte | 0x20
        default: byte
        }
    }

    /// The words of a question: "Does this bench's photo look old/new?" becomes
    /// `["does", "this", "benchs", "photo", "look", "old", "new"]`.
    package static func words(in question: String) -> [String] {
        var tokenizer = QuestionTokenizer()
        tokenizer.split(Array(question.utf8)[...])
        return tokenizer.words.map { String(decoding: tokenizer.bytes[$0], as: UTF8.self) }
    }

    /// Finds the words of a question.
    mutating func split(_ question: ArraySlice<UInt8>) {
        words.removeAll(keepingCapacity: true)
        if question.isASCII {
            splitLowercasing(question)
        } else {
            splitLowercasing(PythonText.lowercasedWithPlainSpaces(question)[...])
        }
    }

    /// - Parameter question: text in which what is not ASCII is in lower case and not white space.
    private mutating func splitLowercasing(_ question: ArraySlice<UInt8>) {
        if bytes.count < question.count { bytes = Array(repeating: 0, count: 2 * question.count) }
        var (start, end) = (0, 0)
        bytes.withUnsafeMutableBufferPointer { bytes in
            fates.withUnsafeBufferPointer { fates in
                for byte in question {
                    let fate = fates[Int(byte)]
                    if fate < Self.deleted {
                        bytes[end] = fate
                        end += 1
                    } else if fate == Self.endOfWord {
                        if end > start { words.append(start..<end) }
                        start = end
                    }
                }
            }
        }
        if end > start { words.append(start..<end) }
    }
}
