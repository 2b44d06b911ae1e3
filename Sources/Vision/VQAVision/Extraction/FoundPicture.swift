import Archives
import FileSystem
import Foundation

/// A picture that was found in a folder or an archive, to be read by any thread.
struct FoundPicture: Sendable {
    /// What it is called where people read of it: its path, and in an archive `ARCHIVE!/ENTRY`.
    let path: String
    /// Its name without folders.
    let name: String
    private let entry: (archive: IndexedArchive, entry: IndexedArchive.Entry)?

    /// A file's name has at most 255 bytes, some of which that of the features needs, until it is whole.
    static let longestName = 255 - ".npz.partial".utf8.count

    /// A picture in a file.
    init(path: String) {
        self.path = path
        name = Self.name(path)
        entry = nil
    }

    /// A picture in an archive.
    init(_ entry: IndexedArchive.Entry, of archive: IndexedArchive) {
        path = "\(archive.path)!/\(entry.path)"
        name = Self.name(entry.path)
        self.entry = (archive, entry)
    }

    private static func name(_ path: String) -> String {
        path.pathName
    }

    /// What the file of its features is called.
    var featureFileName: String { name + ".npz" }

    /// Whether one picture comes before another: as a folder of the files of their features is listed.
    static func areInOrder(_ one: FoundPicture, _ other: FoundPicture) -> Bool {
        (one.featureFileName, one.path) < (other.featureFileName, other.path)
    }

    /// How many bytes the file has that it is encoded in, as far as is known before it is read.
    var byteCount: Int {
        entry?.entry.byteCount ?? Int(clamping: FileIdentity(URL(fileURLWithPath: path)).byteCount ?? 0)
    }

    /// Reads the file that it is encoded in.
    ///
    /// - Throws: `PictureError`.
    func contents() throws -> Data {
        do {
            guard let (archive, entry) = entry else {
                return try PictureFile.read(URL(fileURLWithPath: path))
            }
            return try Data(archive.contents(of: entry, byteLimit: PictureFile.maximumByteCount))
        } catch let error as ArchiveEntryError {
            throw PictureError(file: path, problem: .unreadable(reason: error.problem))
        }
    }
}
