/// Text as a terminal may be given it.
enum PrintableText {
    /// The text with its control characters written out (`\u{1B}`), so that a name out of an archive, a YAML or a JSON file
    /// can neither move the cursor nor begin a line of its own.
    static func escaping(_ text: String) -> String {
        escaping(text) { "\\u{\(String($0.value, radix: 16, uppercase: true))}" }
    }

    /// JSON with those of its control characters escaped that an encoder leaves as they are: it says the same.
    static func escapingJSON(_ text: String) -> String {
        escaping(text) { scalar in
            let digits = String(scalar.value, radix: 16)
            return "\\u" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        }
    }

    private static func escaping(_ text: String, _ code: (Unicode.Scalar) -> String) -> String {
        guard text.unicodeScalars.contains(where: isControl) else { return text }
        var escaped = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if isControl(scalar) {
                escaped.append(contentsOf: code(scalar).unicodeScalars)
            } else {
                escaped.append(scalar)
            }
        }
        return String(escaped)
    }

    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09: false
        // They turn the order of letters about.
        case 0x061C, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069: true
        default:
            switch scalar.properties.generalCategory {
            case .control, .lineSeparator, .paragraphSeparator: true
            default: false
            }
        }
    }
}
