import Archives
import Foundation

/// A zip archive of files that make up a dataset.
package enum DatasetArchive {
    /// Unpacks files of an archive, under temporary names.
    ///
    /// Every entry is read to its end and held against its CRC-32. Entries of other names are never written.
    ///
    /// - Parameters:
    ///   - zip: The path of the archive.
    ///   - wanted: Where each entry that is wanted goes; the folders must exist.
    ///   - byteLimit: How many bytes an entry may have, unpacked.
    ///   - shouldStop: Asked now and then.
    /// - Returns: The files by the names of their entries, none of which is in its place yet; nil where it was asked to
    ///   stop.
    /// - Throws: `DamagedDatasetArchive` where the archive is not what it should be; `ArchiveError` where a file cannot be
    ///   written, a full disk included.
    static func unpack(
        _ zip: String, _ wanted: [String: String], byteLimit: Int, shouldStop: () -> Bool
    ) throws -> [String: AtomicFile]? {
        do {
            return try writeEntries(of: zip, wanted, byteLimit, shouldStop)
        } catch let error as ArchiveError {
            if case .unwritable = error.reason { throw error }
            throw DamagedDatasetArchive(path: zip, problem: "\(error)")
        }
    }

    private static func writeEntries(
        of zip: String, _ wanted: [String: String], _ byteLimit: Int, _ shouldStop: () -> Bool
    ) throws -> [String: AtomicFile]? {
        var missing = wanted
        var written: [String: AtomicFile] = [:]
        let reader = try ArchiveReader(path: zip)
        while let entry = try reader.nextEntry() {
            let place = entry.isRegularFile ? missing.removeValue(forKey: entry.path) : nil
            let output = try place.map { try AtomicFile(path: $0) }
            var byteCount = 0
            while true {
                if shouldStop() { return nil }
                let chunk = try reader.readChunk(byteLimit: 1 << 20)
                guard !chunk.isEmpty else { break }
                byteCount += chunk.count
                guard byteCount <= byteLimit else {
                    throw DamagedDatasetArchive(
                        path: zip,
                        problem: "\(zip): expected at most \(byteLimit) bytes in '\(entry.path)', found more")
                }
                try output?.write(chunk)
            }
            written[entry.path] = output
        }
        guard missing.isEmpty else {
            throw DamagedDatasetArchive(
                path: zip,
                problem: "\(zip): expected \(missing.keys.sorted().joined(separator: " and ")) in it, "
                    + "found no such file")
        }
        return written
    }

    /// Reads a zip to its end, every entry held against its CRC-32.
    ///
    /// - Parameters:
    ///   - path: The path of the archive.
    ///   - isCounted: Says of an entry that is a file, by its path, whether it is one of those that the archive is for.
    ///   - shouldStop: Asked now and then.
    /// - Returns: How many entries of that kind it has; nil where it was asked to stop.
    /// - Throws: `DamagedDatasetArchive` where it is damaged, cut short, or has none.
    package static func countEntries(
        of path: String, where isCounted: (String) -> Bool, shouldStop: () -> Bool
    ) throws -> Int? {
        do {
            let reader = try ArchiveReader(path: path)
            var count = 0
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
            defer { buffer.deallocate() }
            while let entry = try reader.nextEntry() {
                if entry.isRegularFile, isCounted(entry.path) { count += 1 }
                repeat {
                    if shouldStop() { return nil }
                } while try reader.read(into: buffer) == buffer.count
            }
            return count
        } catch let error as ArchiveError {
            throw DamagedDatasetArchive(path: path, problem: "\(error)")
        }
    }
}

/// An archive that is not the one it should be: damaged, something else, or with other files in it.
package struct DamagedDatasetArchive: Error, Sendable, Equatable, CustomStringConvertible {
    /// The path of the archive.
    package let path: String
    /// What was expected and found, and where.
    let problem: String
    /// The error in one line.
    package var description: String { problem }

    /// An archive with something wrong.
    package init(path: String, problem: String) { (self.path, self.problem) = (path, problem) }
}
