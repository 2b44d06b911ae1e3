import Foundation

/// A table of separated values in the making, as RFC 4180 has it.
package struct CSVText: Sendable {
    /// What there is so far.
    package private(set) var bytes: [UInt8] = []

    /// - Parameter header: The names of the columns.
    package init(header: [String]) { append(header) }

    /// Appends a row.
    package mutating func append(_ fields: [String]) {
        for (place, field) in fields.enumerated() {
            if place > 0 { bytes.append(UInt8(ascii: ",")) }
            let isPlain = !field.utf8.contains { [0x22, 0x2C, 0x0D, 0x0A].contains($0) }
            let text = isPlain ? field : "\"" + field.replacing("\"", with: "\"\"") + "\""
            bytes.append(contentsOf: text.utf8)
        }
        bytes.append(contentsOf: "\r\n".utf8)
    }
}
