import Foundation

/// Brings text to the form that a vocabulary's tokens have, as BERT's basic tokenizer does.
///
/// Categories are those of the Unicode version that Swift's standard library has; scalars that it does not know stay.
struct WordPieceNormalizer: Sendable {
    private let settings: WordPieceSettings

    init(_ settings: WordPieceSettings) { self.settings = settings }

    /// Text without what is not seen, with plain spaces, ideographs as words of their own and, where the settings say
    /// so, without accents and in lower case.
    func normalized(_ text: ArraySlice<Unicode.Scalar>) -> [Unicode.Scalar] {
        var cleaned = cleaned(text)
        if settings.dropsAccents { cleaned = Self.withoutAccents(cleaned) }
        return settings.isLowercasing ? Self.lowercased(cleaned) : cleaned
    }

    private func cleaned(_ text: ArraySlice<Unicode.Scalar>) -> [Unicode.Scalar] {
        var cleaned: [Unicode.Scalar] = []
        cleaned.reserveCapacity(text.count)
        for scalar in text {
            switch scalar {
            case "!"..."~": cleaned.append(scalar)
            case _ where Self.isSpace(scalar): cleaned.append(" ")
            case "\u{FFFD}": break
            case _ where settings.separatesIdeographs && Self.isIdeograph(scalar):
                cleaned += [" ", scalar, " "]
            default:
                switch scalar.properties.generalCategory {
                case .control, .format, .privateUse: break
                default: cleaned.append(scalar)
                }
            }
        }
        return cleaned
    }

    /// Whether words end there.
    static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case " ", "\t", "\n", "\r": return true
        case _ where scalar.isASCII: return false
        default:
            switch scalar.properties.generalCategory {
            case .spaceSeparator, .lineSeparator, .paragraphSeparator: return true
            default: return false
            }
        }
    }

    /// The blocks of Chinese characters that BERT knows of; kana and Hangul are in none.
    private static func isIdeograph(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x4E00...0x9FFF, 0x3400...0x4DBF, 0x20000...0x2A6DF, 0x2A700...0x2B73F, 0x2B740...0x2B81F,
            0x2B820...0x2CEAF, 0xF900...0xFAFF, 0x2F800...0x2FA1F:
            true
        default: false
        }
    }

    /// The canonical decomposition (NFD) without marks that take no room.
    ///
    /// Scalar by scalar: the marks that stay are brought to their order here, for there may be a million behind a letter.
    private static func withoutAccents(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        result.reserveCapacity(text.count)
        var marks: [Unicode.Scalar] = []
        // Asking Foundation takes a hundred times as long as looking here.
        var decompositions: [Unicode.Scalar: [Unicode.Scalar]] = [:]
        for scalar in text {
            guard scalar >= "\u{C0}" else {
                // What stands before À is whole, and no mark.
                endRun(of: &marks, in: &result)
                result.append(scalar)
                continue
            }
            let known = decompositions[scalar]
            let parts = known ?? Array(String(scalar).decomposedStringWithCanonicalMapping.unicodeScalars)
            if known == nil { decompositions[scalar] = parts }
            for part in parts {
                let properties = part.properties
                let isKept = properties.generalCategory != .nonspacingMark
                if properties.canonicalCombiningClass != .notReordered {
                    if isKept { marks.append(part) }
                } else {
                    endRun(of: &marks, in: &result)
                    if isKept { result.append(part) }
                }
            }
        }
        endRun(of: &marks, in: &result)
        return result
    }

    /// Adds marks in the order of their classes, those of one class as they came.
    private static func endRun(of marks: inout [Unicode.Scalar], in result: inout [Unicode.Scalar]) {
        guard !marks.isEmpty else { return }
        let classes = Dictionary(grouping: marks) { $0.properties.canonicalCombiningClass }
        for (_, ofOneClass) in classes.sorted(by: { $0.key < $1.key }) { result += ofOneClass }
        marks.removeAll(keepingCapacity: true)
    }

    /// Each scalar by itself: a sigma is σ at the end of a word too.
    private static func lowercased(_ text: [Unicode.Scalar]) -> [Unicode.Scalar] {
        var result: [Unicode.Scalar] = []
        result.reserveCapacity(text.count)
        for scalar in text {
            if scalar.isASCII, !("A"..."Z").contains(scalar) {
                result.append(scalar)
            } else {
                result.append(contentsOf: scalar.properties.lowercaseMapping.unicodeScalars)
            }
        }
        return result
    }
}

/// The words of a normalized text: what stands between spaces, with every punctuation mark a word of its own.
struct WordPieceWords: Sequence, IteratorProtocol {
    private let text: [Unicode.Scalar]
    private var position = 0

    init(_ text: [Unicode.Scalar]) { self.text = text }

    mutating func next() -> ArraySlice<Unicode.Scalar>? {
        while position < text.count, text[position] == " " { position += 1 }
        guard position < text.count else { return nil }
        let start = position
        repeat {
            position += 1
        } while !Self.isPunctuation(text[position - 1]) && position < text.count && !endsWord(at: position)
        return text[start..<position]
    }

    private func endsWord(at position: Int) -> Bool {
        text[position] == " " || Self.isPunctuation(text[position])
    }

    /// All of ASCII that is neither letter nor digit, and what Unicode calls punctuation.
    static func isPunctuation(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar {
        case "!"..."/", ":"..."@", "["..."`", "{"..."~": return true
        case _ where scalar.isASCII: return false
        default:
            switch scalar.properties.generalCategory {
            case .connectorPunctuation, .dashPunctuation, .openPunctuation, .closePunctuation,
                .initialPunctuation, .finalPunctuation, .otherPunctuation:
                return true
            default: return false
            }
        }
    }
}
