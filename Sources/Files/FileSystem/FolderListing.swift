import Foundation

/// The names of what lies in a folder.
///
/// Foundation's own listing ends with an error at the first name that is not UTF-8, which old archives unpack to.
package struct FolderListing: Sendable {
    /// The names, in alphabetical order, hidden ones included.
    package private(set) var names: [String] = []
    /// Names that are not UTF-8, so that what they name cannot be opened: as `caf\xE9.png`, in alphabetical order.
    package private(set) var invalidNames: [String] = []

    /// Lists a folder; what is in the folders in it is not looked at.
    ///
    /// - Throws: `FolderListingError` where the system refuses.
    package init(_ path: String) throws(FolderListingError) {
        guard let folder = opendir(path) else { throw FolderListingError(path: path) }
        defer { closedir(folder) }
        while true {
            // Only this tells an error from the end.
            errno = 0
            guard let entry = readdir(folder) else { break }
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
            if let text = String(validating: name, as: UTF8.self) {
                if text != ".", text != ".." { names.append(text) }
            } else {
                invalidNames.append(Self.escaped(name))
            }
        }
        guard errno == 0 else { throw FolderListingError(path: path) }
        names.sort()
        invalidNames.sort()
    }

    /// The names without those of hidden files, and of what systems leave in folders for themselves.
    package var visibleNames: [String] { names.filter { !Self.isHidden($0) } }

    /// `invalidNames` without those of hidden files.
    package var visibleInvalidNames: [String] { invalidNames.filter { !Self.isHidden($0) } }

    /// Whether a path, in a folder or an archive, leads to something hidden: a part of it begins with a dot, as
    /// `.DS_Store` and `._1.npz` do, or is the `__MACOSX` that macOS adds to archives.
    package static func isHidden(_ path: String) -> Bool {
        // Most names have neither.
        let mayBeHidden = path.utf8.first == UInt8(ascii: ".") || path.utf8.contains(UInt8(ascii: "/"))
        guard mayBeHidden || path == "__MACOSX" else { return false }
        return path.pathParts.contains { part in
            part == "__MACOSX" || part.utf8.first == UInt8(ascii: ".") && part != "." && part != ".."
        }
    }

    private static func escaped(_ name: [UInt8]) -> String {
        name.map { byte in
            guard !(0x20...0x7e).contains(byte) else { return String(UnicodeScalar(byte)) }
            let digits = String(byte, radix: 16, uppercase: true)
            return "\\x" + (digits.count == 1 ? "0" : "") + digits
        }.joined()
    }
}

/// A folder that cannot be listed.
package struct FolderListingError: Error, Equatable, Sendable, CustomStringConvertible {
    /// The path of the folder.
    package let path: String
    /// Why, in the system's words.
    package let reason: String

    /// The error that the system has just left in `errno`.
    fileprivate init(path: String) {
        self.path = path
        reason = String(cString: strerror(errno))
    }

    /// One line for the user.
    package var description: String { "\(path): cannot list the folder: \(reason)" }
}
