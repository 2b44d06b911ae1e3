import Foundation

/// What a server says before the bytes.
struct HTTPResponse: Equatable {
    /// 200, 404 and so on; 0 for a file of this machine, which has none.
    var status = 0
    /// The headers, their names in lower case.
    private var headers: [String: String] = [:]

    /// How many bytes follow.
    var contentLength: Int? { headers["content-length"].flatMap { Int($0) }.flatMap { $0 >= 0 ? $0 : nil } }

    /// A text that is another one when the file is another one: the ETag, else the time of the last change.
    ///
    /// A weak ETag is passed over: it may stay the same while bytes change.
    var validator: String? {
        if let tag = headers["etag"], tag.hasPrefix("\"") { return tag }
        return headers["last-modified"]
    }

    /// Of a part of a file: its first byte, and how long the whole file is.
    var contentRange: (start: Int, total: Int?)? {
        guard let text = headers["content-range"],
            let match = text.wholeMatch(of: /bytes (\d+)-\d+\/(\d+|\*)/), let start = Int(match.1)
        else { return nil }
        return (start, Int(match.2))
    }

    /// A header as it came, for errors.
    subscript(_ name: String) -> String? { headers[name] }

    /// Takes in one line of the head. A status line begins another response: that of the place a server leads
    /// on to, or the one after "100 Continue".
    mutating func read(headerLine: String) {
        let line = headerLine.trimmingCharacters(in: .whitespacesAndNewlines)
        if line.hasPrefix("HTTP/") {
            self = HTTPResponse()
            status = line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        } else if let colon = line.firstIndex(of: ":") {
            headers[line[..<colon].lowercased()] =
                line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
        }
    }
}
