/// Python's rules for text. Vocabulary, answers and scores of the official release follow from them,
/// so equal numbers need equal rules, outside ASCII too.
enum PythonText {
    /// What `str.isspace` accepts, and `str.split` and `str.strip` go by.
    static func isWhitespace(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09...0x0D, 0x1C...0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200A, 0x2028, 0x2029, 0x202F, 0x205F,
            0x3000:
            true
        default: false
        }
    }

    /// What `\d` matches in a regular expression: decimal digits of any script.
    static func isDecimalDigit(_ scalar: Unicode.Scalar) -> Bool {
        scalar.properties.generalCategory == .decimalNumber
    }

    /// `str.lower`, with every white space made an ASCII space, so that words can be told apart bytewise.
    static func lowercasedWithPlainSpaces(_ text: ArraySlice<UInt8>) -> [UInt8] {
        if text.isASCII {
            return text.map { byte in
                if isWhitespace(Unicode.Scalar(byte)) { return UInt8(ascii: " ") }
                return (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
            }
        }
        let scalars = Array(String(decoding: text, as: UTF8.self).unicodeScalars)
        var lowered = ""
        for (index, scalar) in scalars.enumerated() {
            if isWhitespace(scalar) {
                lowered.unicodeScalars.append(" ")
            } else if scalar == "\u{3A3}" && isFinalSigma(at: index, of: scalars) {
                lowered.unicodeScalars.append("\u{3C2}")
            } else {
                lowered += scalar.properties.lowercaseMapping
            }
        }
        return Array(lowered.utf8)
    }

    /// Whether a capital sigma ends a word, where its small form is another letter: a cased letter
    /// before it and none after, whatever marks stand between.
    private static func isFinalSigma(at index: Int, of scalars: [Unicode.Scalar]) -> Bool {
        let before = scalars[..<index].last { !$0.properties.isCaseIgnorable }
        let after = scalars[(index + 1)...].first { !$0.properties.isCaseIgnorable }
        return before?.properties.isCased == true && after?.properties.isCased != true
    }

    /// `text.replace("\n", " ").replace("\t", " ").strip()`: what the official metric does to a prediction.
    static func stripped(_ text: String) -> String {
        var scalars = Substring(text).unicodeScalars
        while let first = scalars.first, isWhitespace(first) { scalars.removeFirst() }
        while let last = scalars.last, isWhitespace(last) { scalars.removeLast() }
        var result = String.UnicodeScalarView()
        result.append(contentsOf: scalars.lazy.map { $0 == "\n" || $0 == "\t" ? " " : $0 })
        return String(result)
    }
}

extension ArraySlice<UInt8> {
    /// Whether all bytes are ASCII.
    var isASCII: Bool { allSatisfy { $0 < 0x80 } }
}
