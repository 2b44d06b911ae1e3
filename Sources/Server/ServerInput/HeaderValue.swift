/// The value of a header with parameters behind it, as `multipart/form-data; boundary="x"` (RFC 9110, 5.6).
package struct HeaderValue: Sendable, Equatable {
    /// What stands before the first semicolon, in small letters.
    package let value: String
    /// The parameters by their names in small letters; of several of one name the first counts.
    package let parameters: [String: String]

    /// Takes a header apart. What follows no form of a parameter is passed over.
    package init(parsing text: String) {
        var rest = text.unicodeScalars[...]
        value = Self.trimmed(rest.prefix { $0 != ";" }).lowercased()
        rest = rest.drop { $0 != ";" }.dropFirst()
        var parameters: [String: String] = [:]
        while !rest.isEmpty {
            let name = Self.trimmed(rest.prefix { $0 != "=" && $0 != ";" }).lowercased()
            rest = rest.drop { $0 != "=" && $0 != ";" }
            guard rest.first == "=" else {
                rest = rest.dropFirst()
                continue
            }
            let parameter = Self.value(&rest)
            if !name.isEmpty, parameters[name] == nil { parameters[name] = parameter }
        }
        self.parameters = parameters
    }

    /// The value behind an equals sign, quoted or not; the rest begins behind the semicolon that follows it.
    private static func value(_ rest: inout Substring.UnicodeScalarView) -> String {
        rest = rest.dropFirst().drop { $0 == " " || $0 == "\t" }
        guard rest.first == "\"" else {
            let value = trimmed(rest.prefix { $0 != ";" })
            rest = rest.drop { $0 != ";" }.dropFirst()
            return value
        }
        var value = String.UnicodeScalarView()
        rest = rest.dropFirst()
        while let scalar = rest.first, scalar != "\"" {
            rest = rest.dropFirst()
            if scalar == "\\", let escaped = rest.first {
                value.append(escaped)
                rest = rest.dropFirst()
            } else {
                value.append(scalar)
            }
        }
        rest = rest.drop { $0 != ";" }.dropFirst()
        return String(value)
    }

    private static func trimmed(_ text: Substring.UnicodeScalarView) -> String {
        let isSpace: (Unicode.Scalar) -> Bool = { $0 == " " || $0 == "\t" }
        var text = text.drop(while: isSpace)
        while let last = text.last, isSpace(last) { text = text.dropLast() }
        return String(text)
    }
}
