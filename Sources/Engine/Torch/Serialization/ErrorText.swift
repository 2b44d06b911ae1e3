/// Text from a file, made fit for an error message of one line.
extension String {
    /// The text in quotation marks.
    package var quoted: String { "'\(shortened)'" }

    /// The first characters of the text, with control characters escaped.
    package var shortened: String {
        let maximumCount = 200
        let escaped = unicodeScalars.prefix(maximumCount).map { scalar in
            scalar.properties.generalCategory == .control ? scalar.escaped(asASCII: true) : String(scalar)
        }
        return escaped.joined() + (unicodeScalars.count > maximumCount ? "…" : "")
    }
}
