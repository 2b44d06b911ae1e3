import CArchive
import Foundation

/// One file, folder or link in an archive.
package struct ArchiveEntry: Sendable, Equatable {
    /// The entry's path inside the archive, as stored; it may be absolute or contain `..`, so never
    /// write to it unchecked.
    package let path: String
    /// The size of the contents in bytes as the archive states it, before decompression proves it.
    package let byteCount: Int?
    /// Whether the entry is a file with contents, not a folder or a link.
    package let isRegularFile: Bool
    /// Whether the entry stands for another file.
    package var isLink = false
}

/// Reads the entries of a zip, tar or tar.gz archive one after another, unpacking nothing to disk.
///
///     let reader = try ArchiveReader(path: "train2014.tar.gz")
///     while let entry = try reader.nextEntry() {
///         let contents = try reader.readContents(byteLimit: 1 << 20)
///     }
///
/// Checksums are verified as contents are read. A reader belongs to one thread at a time.
package final class ArchiveReader {
    private let archive: OpaquePointer
    private let file: String
    /// libarchive reads from this copy for as long as the reader lives.
    private let memory: UnsafeMutableRawBufferPointer?
    private let packed: PackedBytes?
    /// What libarchive reads from where the archive is packed with gzip.
    private let gzip: GzipStream?
    private var currentEntry: ArchiveEntry?
    private var hasStarted = false
    /// Whether this is a zip without its directory, which lies at its end.
    private let isCutZip: Bool
    private let keepsWholeEntries: Bool

    /// Opens the archive at a path.
    ///
    /// - Parameter keepsWholeEntriesOfCutZip: Whether the entries that a zip has before the place where it was cut
    ///   off are given before the error; else it is refused at once.
    /// - Throws: `ArchiveError` when the file cannot be opened or is not an archive.
    package convenience init(path: String, keepsWholeEntriesOfCutZip: Bool = false) throws {
        try self.init(
            file: path, memory: nil, packed: PackedBytes(path: path),
            keepsWholeEntries: keepsWholeEntriesOfCutZip
        ) { archive in archive_read_open_filename(archive, path, 128 << 10) }
    }

    /// Opens a tar or tar.gz to learn where its entries lie.
    ///
    /// - Parameter index: Where it is noted how they are reached in gzip data.
    /// - Throws: As `init(path:keepsWholeEntriesOfCutZip:)`.
    convenience init(indexing path: String, _ index: GzipIndex) throws {
        // Whatever is read beyond a header is passed over without being read.
        try self.init(file: path, memory: nil, packed: PackedBytes(path: path), index: index) { archive in
            archive_read_open_filename(archive, path, 16 << 10)
        }
    }

    /// Opens an archive held in memory; `name` stands for it in errors.
    ///
    /// - Throws: `ArchiveError` when the bytes are not an archive.
    package convenience init(bytes: [UInt8], name: String) throws {
        let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        memory.copyBytes(from: bytes)
        let packed = PackedBytes(memory: UnsafeRawBufferPointer(memory))
        try self.init(file: name, memory: memory, packed: packed) { archive in
            archive_read_open_memory(archive, memory.baseAddress, memory.count)
        }
    }

    private init(
        file: String, memory: UnsafeMutableRawBufferPointer?, packed: PackedBytes?,
        keepsWholeEntries: Bool = false, index: GzipIndex? = nil,
        open: (OpaquePointer) -> Int32
    ) throws {
        guard let archive = archive_read_new() else {
            memory?.deallocate()
            throw ArchiveError(file: file, reason: .unreadable("out of memory"))
        }
        self.archive = archive
        self.file = file
        self.memory = memory
        self.packed = packed
        self.keepsWholeEntries = keepsWholeEntries
        isCutZip = packed.map { $0.isZip && !$0.hasZipDirectory } ?? false
        gzip = packed.flatMap { $0.isGzip ? GzipStream($0, index: index) : nil }
        // A zip is read by its directory, at the end of the file. Where that is cut off, libarchive would find that of
        // a zip in the zip, and its streaming reader hands out the entries that are left.
        if isCutZip {
            archive_read_support_format_zip_streamable(archive)
        } else {
            archive_read_support_format_zip_seekable(archive)
        }
        archive_read_support_format_tar(archive)
        // Otherwise the first tar of several in one file would hide the others.
        archive_read_set_format_option(archive, "tar", "read_concatenated_archives", "1")
        let status = gzip.map { archive.open($0) } ?? open(archive)
        // What is wrong with gzip data comes out where the first entry is asked for.
        guard status == ARCHIVE_OK || gzip?.failure != nil else {
            throw ArchiveError(file: file, reason: .unreadable(archive.lastErrorMessage))
        }
    }

    /// How many bytes of the archive's file have been read, for progress.
    package var consumedByteCount: Int { gzip?.readByteCount ?? Int(archive_filter_bytes(archive, -1)) }

    /// Where the contents of the current entry of a tar begin, in the tar as it is without gzip; nil where they do not
    /// lie there in one piece.
    private(set) var contentsOffset: Int?

    deinit {
        archive_read_free(archive)
        memory?.deallocate()
    }

    /// Moves on to the next entry, skipping what is left of the current one; nil after the last.
    ///
    /// - Throws: `ArchiveError` when the archive is damaged, cut short, or no archive at all.
    package func nextEntry() throws -> ArchiveEntry? {
        if isCutZip, !keepsWholeEntries { throw cutZip }
        defer { hasStarted = true }
        currentEntry = nil
        var header: OpaquePointer?
        let status = archive_read_next_header(archive, &header)
        if status == ARCHIVE_EOF {
            try checkEnd()
            return nil
        }
        // A warning is about an entry's attributes, such as a name in a strange character set.
        guard status == ARCHIVE_OK || status == ARCHIVE_WARN, let header else {
            if let failure = gzip?.failure { throw ArchiveError(file: file, reason: failure) }
            // libarchive looks for the format only now, so a first failure is that of a non-archive.
            let message = archive.lastErrorMessage
            throw ArchiveError(file: file, reason: hasStarted ? .corrupt(message) : .unreadable(message))
        }
        guard let path = archive_entry_pathname_utf8(header) ?? archive_entry_pathname(header) else {
            throw ArchiveError(file: file, reason: .corrupt("an entry has no name"))
        }
        let entry = ArchiveEntry(
            path: String(cString: path),
            byteCount: archive_entry_size_is_set(header) != 0 ? Int(archive_entry_size(header)) : nil,
            isRegularFile: archive_entry_filetype(header) == S_IFREG,
            isLink: archive_entry_filetype(header) == S_IFLNK || archive_entry_hardlink(header) != nil)
        currentEntry = entry
        contentsOffset =
            isTar && archive_entry_sparse_count(header) == 0 ? Int(archive_filter_bytes(archive, 0)) : nil
        return entry
    }

    private var cutZip: ArchiveError {
        ArchiveError(file: file, reason: .corrupt("the zip ends before the directory at its end"))
    }

    /// A tar ends with blocks of zeros (POSIX.1-2017, pax, "ustar Interchange Format"). libarchive does without,
    /// and would take one that is cut between two entries for whole.
    private func checkEnd() throws {
        if let failure = gzip?.failure { throw ArchiveError(file: file, reason: failure) }
        guard !isCutZip else { throw cutZip }
        guard isTar else { return }
        // Where the last entry ends and the next one would begin.
        let end = Int(archive_read_header_position(archive))
        let endsInZeros = gzip.map { $0.endOfNonzeroBytes <= end } ?? packed?.isZero(from: end) ?? false
        guard endsInZeros, Int(archive_filter_bytes(archive, 0)) >= end + Self.tarBlockByteCount else {
            throw ArchiveError(file: file, reason: .corrupt("it ends before the mark at the end of a tar"))
        }
    }

    private var isTar: Bool { archive_format(archive) & ARCHIVE_FORMAT_BASE_MASK == ARCHIVE_FORMAT_TAR }

    private static let tarBlockByteCount = 512

    /// The contents of the current entry, from where reading stands to its end.
    ///
    /// - Parameter byteLimit: the most bytes to accept. A small archive can unpack to terabytes; the
    ///   limit is what keeps it from filling the memory.
    /// - Throws: `ArchiveError` when there is more than that, or when the entry is damaged.
    package func readContents(byteLimit: Int) throws -> [UInt8] {
        guard let entry = currentEntry else { throw ArchiveError(file: file, reason: .noCurrentEntry) }
        let tooLarge = ArchiveError(
            file: file, reason: .entryTooLarge(entry: entry.path, byteLimit: byteLimit))
        if let byteCount = entry.byteCount, byteCount > byteLimit { throw tooLarge }

        // Room for what the archive states and one byte more, so that one read sees the end too. It
        // is only a statement: memory for a huge size is taken as the bytes really come.
        var chunkByteCount = min(max(0, entry.byteCount ?? 64 << 10), 64 << 20) + 1
        var contents: [UInt8] = []
        while true {
            let chunk = try readChunk(byteLimit: chunkByteCount)
            guard chunk.count <= byteLimit - contents.count else { throw tooLarge }
            if contents.isEmpty { contents = chunk } else { contents += chunk }
            if chunk.count < chunkByteCount { return contents }
            chunkByteCount = 1 << 20
        }
    }

    /// The next part of the current entry's contents, `byteLimit` bytes or fewer; empty at its end.
    /// The entry's checksum has been verified only once the end was seen.
    ///
    /// - Throws: `ArchiveError` when the entry is damaged.
    package func readChunk(byteLimit: Int) throws -> [UInt8] {
        try Array(unsafeUninitializedCapacity: byteLimit) { buffer, count in
            count = try read(into: UnsafeMutableRawBufferPointer(buffer))
        }
    }

    /// Reads the next part of the current entry's contents into memory that the caller owns.
    ///
    /// - Returns: how many bytes were read: fewer than the buffer holds only at the end of the entry.
    /// - Throws: `ArchiveError` when the entry is damaged.
    package func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        guard let entry = currentEntry else { throw ArchiveError(file: file, reason: .noCurrentEntry) }
        let count = archive_read_data(archive, buffer.baseAddress, buffer.count)
        guard count >= 0 else {
            if let failure = gzip?.failure { throw ArchiveError(file: file, reason: failure) }
            let message = "entry '\(entry.path)': \(archive.lastErrorMessage)"
            throw ArchiveError(file: file, reason: .corrupt(message))
        }
        return count
    }
}

extension OpaquePointer {
    /// Lets this `struct archive` read what a stream unpacks. The stream must live as long as it does.
    fileprivate func open(_ stream: GzipStream) -> Int32 {
        archive_read_open(
            self, Unmanaged.passUnretained(stream).toOpaque(), nil,
            { _, pointer, bytes in
                guard let pointer else { return -1 }
                let stream = Unmanaged<GzipStream>.fromOpaque(pointer).takeUnretainedValue()
                guard let next = stream.next() else { return -1 }
                bytes?.pointee = next.baseAddress
                return next.count
            }, nil)
    }

    /// What libarchive says about the last failure of this `struct archive`. Some of its messages end
    /// in a line feed, which is left out.
    var lastErrorMessage: String {
        guard let message = archive_error_string(self) else { return "no reason given" }
        return String(cString: message).trimmingCharacters(in: .whitespacesAndNewlines)
    }
}
