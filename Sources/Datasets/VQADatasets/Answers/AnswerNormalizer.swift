/// Brings answers that mean the same into the same form, by the rules of the official metric
/// (`vqaEval.py`, GT-Vision-Lab/VQA).
///
/// The official release also deletes commas afterwards when it makes answer lists and targets. That
/// changes nothing, since the punctuation step leaves no comma, and is left out here.
package enum AnswerNormalizer {
    /// The normal form of an answer: punctuation removed, lower case, number words as digits, articles
    /// dropped, contractions with their apostrophe. "The dont-walk sign, two" becomes "don't walk sign 2".
    package static func normalize(_ answer: String) -> String {
        String(decoding: normalize(Array(answer.utf8)[...]), as: UTF8.self)
    }

    /// The punctuation step alone. Each of `; / [ ] " { } ( ) = + \ _ - > < @ ` , ? !` is deleted where
    /// the answer has it next to a space, or has a comma between two digits anywhere; else it becomes a
    /// space. Then the first 32 full stops that are not followed by a digit are deleted.
    package static func removePunctuation(_ answer: String) -> String {
        String(decoding: removePunctuation(Array(answer.utf8)[...]), as: UTF8.self)
    }

    static func normalize(_ answer: ArraySlice<UInt8>) -> [UInt8] {
        let text = PythonText.lowercasedWithPlainSpaces(removePunctuation(answer)[...])
        var normalized: [UInt8] = []
        for bytes in text.split(separator: space) {
            let word = String(decoding: bytes, as: UTF8.self)
            if articles.contains(word) { continue }
            if !normalized.isEmpty { normalized.append(space) }
            let replacement = digits[word] ?? contractions[word] ?? word
            normalized.append(contentsOf: replacement.utf8)
        }
        return normalized
    }

    static func removePunctuation(_ answer: ArraySlice<UInt8>) -> [UInt8] {
        let deleted = hasCommaBetweenDigits(answer) ? punctuation : punctuationNextToSpace(in: answer)
        var text: [UInt8] = []
        text.reserveCapacity(answer.count)
        for byte in answer {
            if !punctuation.contains(byte) {
                text.append(byte)
            } else if !deleted.contains(byte) {
                text.append(space)
            }
        }
        return removeFullStops(text)
    }

    private static func punctuationNextToSpace(in answer: ArraySlice<UInt8>) -> ASCIISet {
        var found = ASCIISet()
        for index in answer.indices where punctuation.contains(answer[index]) {
            let isAfterSpace = index > answer.startIndex && answer[index - 1] == space
            let isBeforeSpace = index + 1 < answer.endIndex && answer[index + 1] == space
            if isAfterSpace || isBeforeSpace { found.insert(answer[index]) }
        }
        return found
    }

    private static func hasCommaBetweenDigits(_ answer: ArraySlice<UInt8>) -> Bool {
        answer.indices.contains { index in
            answer[index] == UInt8(ascii: ",")
                && endsInDigit(answer[..<index])
                && beginsWithDigit(answer[(index + 1)...])
        }
    }

    /// The limit is an oddity of `vqaEval.py`: it passes `re.UNICODE`, which is 32, where `sub` takes
    /// the greatest number of replacements.
    private static func removeFullStops(_ text: [UInt8]) -> [UInt8] {
        let fullStop = UInt8(ascii: ".")
        guard text.contains(fullStop) else { return text }
        var kept: [UInt8] = []
        var removedCount = 0
        for (index, byte) in text.enumerated() {
            if byte == fullStop, removedCount < 32, !beginsWithDigit(text[(index + 1)...]) {
                removedCount += 1
            } else {
                kept.append(byte)
            }
        }
        return kept
    }

    private static func beginsWithDigit(_ text: ArraySlice<UInt8>) -> Bool {
        scalars(text.prefix(4)).first.map(PythonText.isDecimalDigit) ?? false
    }

    private static func endsInDigit(_ text: ArraySlice<UInt8>) -> Bool {
        scalars(text.suffix(4)).last.map(PythonText.isDecimalDigit) ?? false
    }

    /// Scalars of text that may be cut at one end: a cut one is no digit, and no neighbour is lost.
    private static func scalars(_ text: ArraySlice<UInt8>) -> String.UnicodeScalarView {
        String(decoding: text, as: UTF8.self).unicodeScalars
    }

    private static let space = UInt8(ascii: " ")
    private static let punctuation = ASCIISet(#";/[]"{}()=+\_-><@`,?!"#)
    private static let articles: Set = ["a", "an", "the"]
    private static let digits = [
        "none": "0", "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5",
        "six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10",
    ]
}

/// A set of ASCII characters.
private struct ASCIISet {
    private var bits: UInt128 = 0

    init() {}

    init(_ characters: String) {
        for byte in characters.utf8 { insert(byte) }
    }

    mutating func insert(_ byte: UInt8) {
        bits |= 1 << UInt128(byte)
    }

    func contains(_ byte: UInt8) -> Bool {
        byte < 128 && bits >> UInt128(byte) & 1 == 1
    }
}
