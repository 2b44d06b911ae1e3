import Archives
import FileSystem
import Foundation
import Workers

/// The text file in a zip archive, unpacked on a thread of its own ahead of its use, and never as a whole.
package final class ZippedText {
    private let chunks: Prefetcher<[UInt8]>
    private var chunk: [UInt8] = []
    private var position = 0

    /// Opens the first `.txt` of an archive.
    ///
    /// - Throws: ``DatasetFileError`` where there is none, or the file is no archive or one cut short.
    package init(_ archive: URL) throws {
        do {
            chunks = try Self.chunks(of: archive)
        } catch let error as ArchiveError {
            throw DatasetFileError(file: archive, problem: error.problem)
        }
    }

    private static func chunks(of archive: URL) throws -> Prefetcher<[UInt8]> {
        let reader = try ArchiveReader(path: archive.path)
        while let entry = try reader.nextEntry() {
            guard entry.isRegularFile, entry.path.hasSuffix(".txt"), !FolderListing.isHidden(entry.path)
            else { continue }
            return Prefetcher(workers: 1) {
                let chunk = try reader.readChunk(byteLimit: 1 << 20)
                let unpacked: @Sendable () throws -> [UInt8] = { chunk }
                return chunk.isEmpty ? nil : unpacked
            }
        }
        throw DatasetFileError(file: archive, problem: "expected a .txt in the archive, found none")
    }

    /// Copies the next bytes into a buffer; returns their number, 0 at the end of the text.
    ///
    /// - Throws: `ArchiveError` where the archive is damaged.
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        if position == chunk.count {
            chunk = try chunks.next() ?? []
            position = 0
        }
        let count = min(buffer.count, chunk.count - position)
        buffer.copyBytes(from: chunk[position..<position + count])
        position += count
        return count
    }
}
