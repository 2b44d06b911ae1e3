/// Splits questions into words, as the official release does: lower case; `. , ' ! ? " ( ) * # : ;`
/// deleted; `-` and `/` made spaces; split on white space.
///
/// A tokenizer keeps its buffers, so that one instance splits a million questions without allocating.
public struct QuestionTokenizer: Sendable {
    /// The words of the last question, one after another, as UTF-8.
    private(set) var bytes: [UInt8] = []
    /// Where each word lies in ``bytes``.
    private(set) var words: [Range<Int>] = []

    /// The words of a question: "Does this bench's photo look old/new?" becomes
    /// `["does", "this", "benchs", "photo", "look", "old", "new"]`.
    public static func words(in question: String) -> [String] {
        var tokenizer = QuestionTokenizer()
        tokenizer.split(Array(question.utf8)[...])
        return tokenizer.words.map { String(decoding: tokenizer.bytes[$0], as: UTF8.self) }
    }

    /// Finds the words of a question.
    mutating func split(_ question: ArraySlice<UInt8>) {
        bytes.removeAll(keepingCapacity: true)
        words.removeAll(keepingCapacity: true)
        if question.isASCII {
            splitLowercasing(question)
        } else {
            splitLowercasing(PythonText.lowercasedWithPlainSpaces(question)[...])
        }
    }

    /// - Parameter question: text in which what is not ASCII is in lower case and not white space.
    private mutating func splitLowercasing(_ question: ArraySlice<UInt8>) {
        var start = 0
        for byte in question {
            switch Unicode.Scalar(byte) {
            case ".", ",", "'", "!", "?", "\"", "(", ")", "*", "#", ":", ";":
                continue
            case "-", "/", "\t"..."\r", "\u{1C}"..." ":
                endWord(from: start)
                start = bytes.count
            case "A"..."Z":
                bytes.append(byte | 0x20)
            default:
                bytes.append(byte)
            }
        }
        endWord(from: start)
    }

    private mutating func endWord(from start: Int) {
        if bytes.count > start { words.append(start..<bytes.count) }
    }
}
