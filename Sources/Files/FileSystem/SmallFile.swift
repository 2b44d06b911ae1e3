import Foundation

/// Files that are read whole, and may only be so long: a link to a device has no end, and a file of a terabyte of
/// nothing takes no room on a disk.
package enum SmallFile {
    /// Reads a file.
    ///
    /// - Parameters:
    ///   - path: The path.
    ///   - byteLimit: How many bytes it may have.
    /// - Throws: ``SmallFileError`` where it has more; Foundation's error where it cannot be read.
    package static func contents(of path: String, byteLimit: Int) throws -> Data {
        let file = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
        defer { try? file.close() }
        let contents = try file.read(upToCount: byteLimit + 1) ?? Data()
        guard contents.count <= byteLimit else { throw SmallFileError(byteLimit: byteLimit) }
        return contents
    }

    /// What the system says in a file of its own, such as `/proc/self/status`; nothing where it does not.
    package static func systemText(of path: String) -> String {
        (try? contents(of: path, byteLimit: 1 << 20)).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}

/// A file that is longer than one of its kind.
package struct SmallFileError: Error, Sendable, Equatable, CustomStringConvertible {
    /// How many bytes it may have.
    package let byteLimit: Int
    /// What was expected and found, without the file's name.
    package var description: String { "expected at most \(byteLimit) bytes, found more" }
}
