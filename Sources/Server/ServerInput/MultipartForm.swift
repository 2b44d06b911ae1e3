/// The parts of a form, as browsers and curl send them (`multipart/form-data`, RFC 7578).
///
/// No package among those that Hummingbird comes with reads them. The body is in memory already, and its parts are places
/// in it: nothing is copied, and a form of any size takes one pass.
package struct MultipartForm: Sendable {
    /// One part of a form.
    package struct Part: Sendable, Equatable {
        /// The name of the field.
        package let name: String
        /// What was sent for it.
        package let contents: ArraySlice<UInt8>
    }

    /// The parts in their order.
    package let parts: [Part]

    /// More than any form that is read here has.
    static let mostParts = 64
    /// A part's headers are two lines.
    static let mostHeaderBytes = 4 << 10
    /// RFC 2046, 5.1.1.
    static let longestBoundary = 70

    /// Takes a form apart.
    ///
    /// - Parameters:
    ///   - body: The body of the request.
    ///   - contentType: Its type, which names what stands between parts.
    /// - Throws: ``RequestError`` where it is no form, or one that was cut off.
    package init(_ body: [UInt8], contentType: HeaderValue) throws(RequestError) {
        let boundary = contentType.parameters["boundary"] ?? ""
        guard (1...Self.longestBoundary).contains(boundary.utf8.count),
            !boundary.utf8.contains(where: { $0 < 0x20 || $0 > 0x7E })
        else {
            throw RequestError(
                "Content-Type: expected a boundary of 1 to \(Self.longestBoundary) characters, found \(shown(boundary))"
            )
        }
        var reader = Reader(body, boundary: boundary)
        parts = try reader.parts()
    }

    /// Goes through the bytes of a form once.
    private struct Reader {
        private let body: [UInt8]
        /// What stands before every part but the first: the end of a line and the boundary.
        private let delimiter: [UInt8]
        private var position = 0

        init(_ body: [UInt8], boundary: String) {
            self.body = body
            delimiter = Array("\r\n--\(boundary)".utf8)
        }

        mutating func parts() throws(RequestError) -> [Part] {
            var parts: [Part] = []
            // The first delimiter may be the beginning of the body, without the end of a line before it.
            if body.starts(with: delimiter.dropFirst(2)) {
                position = delimiter.count - 2
            } else {
                position = try nextDelimiter() + delimiter.count
            }
            while try !isAtEnd() {
                guard parts.count < MultipartForm.mostParts else {
                    throw RequestError(
                        "the form: expected at most \(MultipartForm.mostParts) parts, found more")
                }
                let name = try headers()
                let end = try nextDelimiter()
                parts.append(Part(name: name, contents: body[position..<end]))
                position = end + delimiter.count
            }
            return parts
        }

        /// Reads what follows a boundary: two hyphens behind the last part, else the end of the line.
        private mutating func isAtEnd() throws(RequestError) -> Bool {
            if starts(with: [UInt8(ascii: "-"), UInt8(ascii: "-")]) { return true }
            while position < body.count, body[position] == 0x20 || body[position] == 0x09 { position += 1 }
            guard starts(with: [0x0D, 0x0A]) else {
                throw RequestError("the form: expected a line's end behind a boundary, found something else")
            }
            position += 2
            return false
        }

        /// Reads the headers of a part to the empty line behind them, and gives the field's name.
        private mutating func headers() throws(RequestError) -> String {
            var name: String?
            let limit = position + MultipartForm.mostHeaderBytes
            while true {
                guard let end = lineEnd(before: limit) else {
                    throw RequestError(
                        "the form: expected the headers of a part, in at most \(MultipartForm.mostHeaderBytes) bytes, "
                            + "found no end of them")
                }
                let line = String(decoding: body[position..<end], as: UTF8.self)
                position = end + 2
                if line.isEmpty { break }
                let parts = line.split(separator: ":", maxSplits: 1)
                guard parts.count == 2, parts[0].lowercased() == "content-disposition" else { continue }
                let disposition = HeaderValue(parsing: String(parts[1]))
                if disposition.value == "form-data" { name = name ?? disposition.parameters["name"] }
            }
            guard let name else {
                throw RequestError(
                    "the form: expected 'Content-Disposition: form-data; name=...' in each part, found a part without it"
                )
            }
            return name
        }

        private func starts(with bytes: [UInt8]) -> Bool {
            body.count - position >= bytes.count && body[position...].starts(with: bytes)
        }

        /// Where the line at hand ends, before a place; nil for nowhere.
        private func lineEnd(before limit: Int) -> Int? {
            var place = position
            while place + 1 < min(limit, body.count) {
                if body[place] == 0x0D, body[place + 1] == 0x0A { return place }
                place += 1
            }
            return nil
        }

        /// Where the next delimiter begins. A delimiter has one carriage return, at its beginning, so that no byte is
        /// compared more than twice.
        private func nextDelimiter() throws(RequestError) -> Int {
            let place = body.withUnsafeBufferPointer { body in
                delimiter.withUnsafeBufferPointer { delimiter in
                    var place = position
                    while place + delimiter.count <= body.count {
                        if body[place] == 0x0D,
                            (1..<delimiter.count).allSatisfy({ body[place + $0] == delimiter[$0] })
                        {
                            return place as Int?
                        }
                        place += 1
                    }
                    return nil
                }
            }
            guard let place else {
                throw RequestError("the form: expected its last boundary, found the end: it was cut off")
            }
            return place
        }
    }
}
