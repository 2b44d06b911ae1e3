/// A file could not be read as an archive, or could not be written.
public struct ArchiveError: Error, Sendable, Equatable, CustomStringConvertible {
    /// What went wrong.
    public enum Reason: Sendable, Equatable {
        /// The file cannot be opened or is in none of the formats that `ArchiveReader` knows.
        case unreadable(String)
        /// The archive is damaged or cut short.
        case corrupt(String)
        /// An entry holds more bytes than the caller accepts.
        case entryTooLarge(entry: String, byteLimit: Int)
        /// The caller asked for contents before `nextEntry()` returned an entry.
        case noCurrentEntry
        /// The file cannot be created, written to, or moved into its place; a full disk comes as this.
        case unwritable(String)
    }

    /// The path of the file, or the name that was given to bytes in memory.
    public let file: String
    /// What went wrong with it.
    public let reason: Reason

    /// One line for the user: the file, then the reason.
    public var description: String {
        switch reason {
        case .unreadable(let message): "\(file): expected a zip, tar or tar.gz archive: \(message)"
        case .corrupt(let message): "\(file): the archive is damaged or incomplete: \(message)"
        case .entryTooLarge(let entry, let byteLimit):
            "\(file): expected at most \(byteLimit) bytes in entry '\(entry)', found more"
        case .noCurrentEntry: "\(file): contents were asked for outside of an entry"
        case .unwritable(let message): "\(file): cannot be written: \(message)"
        }
    }
}
