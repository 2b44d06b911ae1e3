import Foundation

/// A zip archive in memory. Any number of threads may unpack its entries, in any order.
///
/// For the small archives that are read by the hundred thousand: an entry is inflated from buffer to buffer,
/// which takes half the time that the streams of ``ArchiveReader`` do.
///
///     let zip = try ZipFile(path: "COCO_train2014_000000000009.jpg.npz")
///     for entry in zip.entries { let contents = try zip.contents(of: entry, byteLimit: 1 << 20) }
package struct ZipFile: Sendable {
    /// One file in the archive.
    package struct Entry: Sendable, Equatable {
        /// The entry's path inside the archive, as stored, never to be written to unchecked.
        package let path: String
        /// The size of the contents in bytes as the archive states it, before unpacking proves it.
        package let byteCount: Int

        let compression: UInt16
        let isEncrypted: Bool
        let checksum: UInt32
        let storedByteCount: Int
        /// Where the entry's own header begins.
        let offset: Int
    }

    /// The path of the file, or the name that was given to bytes in memory.
    package let file: String
    /// The entries in the order of the archive's directory; folders too, whose paths end in a slash.
    package let entries: [Entry]

    private let bytes: [UInt8]

    /// No file of features comes near, and one of nothing but holes takes no room on a disk.
    private static let largestFile = 1 << 27

    /// Reads the archive at a path.
    ///
    /// - Throws: `ArchiveError` where the file cannot be read, is no zip, or has no directory at its end.
    package init(path: String) throws {
        try self.init(bytes: Self.wholeFile(path), name: path)
    }

    /// Takes an archive in memory; `name` stands for it in errors.
    ///
    /// - Throws: `ArchiveError` where the bytes are no zip, or have no directory at their end.
    package init(bytes: [UInt8], name: String) throws {
        file = name
        self.bytes = bytes
        do {
            entries = try bytes.withUnsafeBytes { try ZipDirectory(of: $0).entries }
        } catch let error as ZipDirectoryError {
            // One that was cut short begins as a zip all the same.
            let isZip = bytes.starts(with: [0x50, 0x4b])
            throw ArchiveError(
                file: name, reason: isZip ? .corrupt(error.message) : .unreadable(error.message))
        }
    }

    /// The contents of an entry, whose length and checksum are then proved.
    ///
    /// - Parameter byteLimit: the most bytes to accept.
    /// - Throws: `ArchiveError` where the archive states more than that, or the entry is damaged.
    package func contents(of entry: Entry, byteLimit: Int) throws -> [UInt8] {
        try check(entry, byteLimit: byteLimit)
        do {
            return try bytes.withUnsafeBytes { file in
                try entry.checkKind()
                guard
                    let place = entry.place(
                        header: UnsafeRawBufferPointer(rebasing: file.dropFirst(entry.offset)),
                        byteCount: file.count)
                else { throw ArchiveEntryError("it is not where the directory says") }
                return try entry.unpacked(UnsafeRawBufferPointer(rebasing: file[place]))
            }
        } catch let error as ArchiveEntryError {
            throw ArchiveError(file: file, reason: .corrupt("entry '\(entry.path)': \(error.problem)"))
        }
    }

    /// Refuses an entry that states more than `byteLimit` bytes.
    ///
    /// - Throws: `ArchiveError`.
    package func check(_ entry: Entry, byteLimit: Int) throws {
        guard entry.byteCount <= byteLimit else {
            throw ArchiveError(
                file: file, reason: .entryTooLarge(entry: entry.path, byteLimit: byteLimit))
        }
    }

    private static func wholeFile(_ path: String) throws -> [UInt8] {
        func failure() -> ArchiveError {
            ArchiveError(file: path, reason: .unreadable(String(cString: strerror(errno))))
        }
        // Without O_NONBLOCK, opening a named pipe would wait for somebody to write to it.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw failure() }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw failure() }
        guard status.st_size <= largestFile else {
            throw ArchiveError(
                file: path, reason: .unreadable("larger than \(largestFile) bytes, too large for memory"))
        }
        return try [UInt8](unsafeUninitializedCapacity: Int(status.st_size)) { buffer, count in
            while count < buffer.count {
                let place = UnsafeMutableBufferPointer(rebasing: buffer[count...])
                let added = read(descriptor, place.baseAddress, place.count)
                if added < 0, errno == EINTR { continue }
                guard added >= 0 else { throw failure() }
                guard added > 0 else { return }
                count += added
            }
        }
    }
}
