extension String {
    /// The parts of a path between its slashes, empty ones left out.
    ///
    /// The system goes by bytes: a slash is one whatever follows it, where Swift takes one with an accent behind it for another
    /// letter.
    package var pathParts: [String] {
        utf8.split(separator: UInt8(ascii: "/")).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The last part of a path; the whole where there is none.
    package var pathName: String { pathParts.last ?? self }

    /// Whether there is a slash.
    package var hasSlash: Bool { utf8.contains(UInt8(ascii: "/")) }
}
