import CArchive
import CDeflate
import Foundation

/// Writes a zip file from named byte buffers.
///
/// The file appears at its path when `finish()` returns, complete and on disk. Interrupted before
/// that, or released without `finish()`, a writer leaves what was at the path as it was. The bytes
/// written depend on names and contents only, not on the time.
package final class ZipWriter {
    /// How the contents of entries are stored.
    package enum Compression: Sendable {
        /// zlib's deflate at its quickest level, for entries whose beginning gets smaller by it.
        case deflate
        /// As they are.
        case store
    }

    private let archive: OpaquePointer
    private let file: AtomicFile
    private let compression: Compression
    private let output: Output
    private var isFinished = false

    /// Starts a zip file that will replace whatever is at `path`; the folder must exist.
    ///
    /// - Throws: `ArchiveError` when no file can be created there.
    package convenience init(path: String, compression: Compression = .deflate) throws {
        try self.init(file: AtomicFile(path: path), compression: compression)
    }

    init(file: AtomicFile, compression: Compression) throws {
        guard let archive = archive_write_new() else {
            throw ArchiveError(file: file.path, reason: .unwritable("out of memory"))
        }
        self.archive = archive
        self.file = file
        self.compression = compression
        output = Output(descriptor: file.descriptor)
        try check(archive_write_set_format_zip(archive))
        try check(
            archive_write_set_format_option(
                archive, "zip", "compression-level", compression == .deflate ? "1" : "0"))
        try check(archive_write_set_bytes_per_block(archive, 128 << 10))
        try check(archive_write_set_bytes_in_last_block(archive, 1))
        try check(
            archive_write_open(
                archive, Unmanaged.passUnretained(output).toOpaque(), nil,
                { _, output, bytes, count in
                    guard let output else { return -1 }
                    Unmanaged<Output>.fromOpaque(output).takeUnretainedValue()
                        .write(UnsafeRawBufferPointer(start: bytes, count: count))
                    return count
                }, nil))
    }

    deinit {
        // Freeing an open archive first closes it, which writes its directory: a pipe would get what looks whole.
        if !isFinished { output.isDiscarded = true }
        archive_write_free(archive)
    }

    /// Adds a file entry.
    ///
    /// - Throws: `ArchiveError`, a full disk included, and when the writer has finished.
    package func add(name: String, contents: [UInt8]) throws {
        guard !isFinished else {
            throw ArchiveError(file: file.path, reason: .unwritable("the archive is already finished"))
        }
        if compression == .deflate {
            let choose =
                DeflateSample.getsSmaller(contents)
                ? archive_write_zip_set_compression_deflate : archive_write_zip_set_compression_store
            try check(choose(archive))
        }
        let entry = archive_entry_new()
        defer { archive_entry_free(entry) }
        archive_entry_set_pathname(entry, name)
        archive_entry_set_size(entry, Int64(contents.count))
        archive_entry_set_filetype(entry, S_IFREG)
        archive_entry_set_perm(entry, 0o644)
        try check(archive_write_header(archive, entry))

        try contents.withUnsafeBytes { buffer in
            var remaining = buffer[...]
            while !remaining.isEmpty {
                let count = archive_write_data(
                    archive, UnsafeRawBufferPointer(rebasing: remaining).baseAddress, remaining.count)
                guard count > 0, output.systemError == nil else { throw failure }
                remaining = remaining.dropFirst(count)
            }
        }
        try check(archive_write_finish_entry(archive))
    }

    /// Writes the zip's directory and puts the file in its place. Call it once, after the last entry.
    ///
    /// - Parameter durably: As in `AtomicFile.commit(durably:)`.
    /// - Throws: `ArchiveError`; what was at the path before is then still there.
    package func finish(durably: Bool = true) throws {
        guard !isFinished else { return }
        try check(archive_write_close(archive))
        try file.commit(durably: durably)
        isFinished = true
    }

    private func check(_ status: Int32) throws {
        guard status == ARCHIVE_OK, output.systemError == nil else { throw failure }
    }

    private var failure: ArchiveError {
        let reason = output.systemError.map { String(cString: strerror($0)) } ?? archive.lastErrorMessage
        return ArchiveError(file: file.path, reason: .unwritable(reason))
    }

    /// Where libarchive's blocks go.
    ///
    /// An archive that was told of a failure, or is released as failed, never gives its block of 128 KiB back. So it
    /// hears of none: what the system refused is kept here, and no more is written.
    private final class Output {
        let descriptor: Int32
        var isDiscarded = false
        private(set) var systemError: Int32?

        init(descriptor: Int32) { self.descriptor = descriptor }

        func write(_ bytes: UnsafeRawBufferPointer) {
            var remaining = bytes[...]
            while !remaining.isEmpty, !isDiscarded, systemError == nil {
                let count = Foundation.write(
                    descriptor, UnsafeRawBufferPointer(rebasing: remaining).baseAddress, remaining.count)
                if count > 0 {
                    remaining = remaining.dropFirst(count)
                } else if errno != EINTR {
                    systemError = errno
                }
            }
        }
    }
}

/// Whether deflate makes bytes so much smaller that it is worth its time.
///
/// zlib is asked for in each entry anew, and clears some hundred kilobytes for that; numbers that a network computed get
/// hardly smaller, unless many of them are zero.
private enum DeflateSample {
    /// How many bytes from the beginning stand for all.
    private static let length = 4 << 10
    /// Shorter contents are not looked at.
    private static let leastLength = 1 << 10

    static func getsSmaller(_ contents: [UInt8]) -> Bool {
        guard contents.count >= leastLength, let deflater = libdeflate_alloc_compressor(1) else {
            return false
        }
        defer { libdeflate_free_compressor(deflater) }
        let count = min(length, contents.count)
        // What may be left of them.
        let room = count - count / 10
        return contents.withUnsafeBytes { bytes in
            withUnsafeTemporaryAllocation(byteCount: room, alignment: 1) { sample in
                // 0 where the room is not enough.
                libdeflate_deflate_compress(deflater, bytes.baseAddress, count, sample.baseAddress, room) > 0
            }
        }
    }
}
