import Foundation

/// The bytes of an archive as they lie in its file or in memory. Any number of threads may read them.
final class PackedBytes: @unchecked Sendable {
    private let descriptor: CInt
    /// What is read in place of a file.
    private let memory: UnsafeRawBufferPointer?

    /// Opens a file; nil where that is not possible, with the reason in `errno`.
    init?(path: String) {
        descriptor = open(path, O_RDONLY | O_CLOEXEC)
        memory = nil
        guard descriptor >= 0 else { return nil }
    }

    /// Bytes that outlive this object.
    init(memory: UnsafeRawBufferPointer) {
        descriptor = -1
        self.memory = memory
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Whether these are the first bytes of a gzip file, by RFC 1952, section 2.3.1.
    var isGzip: Bool { starts(with: [0x1f, 0x8b]) }

    /// Whether these are the first bytes of a zip with an entry, by PKWARE's APPNOTE 4.3.7.
    var isZip: Bool { starts(with: [0x50, 0x4b, 3, 4]) }

    /// Whether these are the first bytes of a zip without one, by APPNOTE 4.3.16, or of one that was once in several
    /// files, by 8.5.4.
    var isOtherZip: Bool { starts(with: [0x50, 0x4b, 5, 6]) || starts(with: [0x50, 0x4b, 7, 8]) }

    /// Whether the last record is that of a zip that begins with the first byte. A zip that was cut off may end in a
    /// zip that it holds: that one's directory does not lie where it says.
    var hasZipDirectory: Bool {
        let recordCount = 22
        let byteCount = byteCount
        let tailStart = max(0, byteCount - recordCount - Int(UInt16.max))
        return withUnsafeTemporaryAllocation(byteCount: byteCount - tailStart, alignment: 8) { buffer in
            guard read(at: tailStart, into: buffer) == buffer.count else { return false }
            let tail = UnsafeRawBufferPointer(buffer)
            return stride(from: tail.count - recordCount, through: 0, by: -1).contains { record in
                guard tail.integer(at: record, as: UInt32.self) == 0x0605_4b50,
                    let commentCount = tail.integer(at: record + 20, as: UInt16.self),
                    record + recordCount + Int(commentCount) == tail.count,
                    let directoryCount = tail.integer(at: record + 12, as: UInt32.self),
                    let directory = tail.integer(at: record + 16, as: UInt32.self)
                else { return false }
                // Beyond four gigabytes another record, before this one, has the numbers.
                return tail.integer(at: record - 20, as: UInt32.self) == 0x0706_4b50
                    || Int(directory) + Int(directoryCount) == tailStart + record
            }
        }
    }

    /// How many bytes there are; 0 where the file cannot be examined.
    var byteCount: Int {
        if let memory { return memory.count }
        var status = stat()
        return fstat(descriptor, &status) == 0 ? Int(status.st_size) : 0
    }

    private func starts(with signature: [UInt8]) -> Bool {
        withUnsafeTemporaryAllocation(byteCount: signature.count, alignment: 1) { start in
            read(at: 0, into: start) == signature.count && start.elementsEqual(signature)
        }
    }

    /// Reads bytes that are there.
    ///
    /// - Throws: `ArchiveEntryError` where the file ends before, or cannot be read.
    func bytes(_ range: Range<Int>) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: range.count) { buffer, count in
            while count < buffer.count {
                let rest = UnsafeMutableRawBufferPointer(
                    UnsafeMutableBufferPointer(rebasing: buffer[count...]))
                let added = read(at: range.lowerBound + count, into: rest)
                guard added >= 0 else { throw ArchiveEntryError(String(cString: strerror(errno))) }
                guard added > 0 else { throw ArchiveEntryError("the file ends before it does") }
                count += added
            }
        }
    }

    /// Reads from an offset on.
    ///
    /// - Returns: How many bytes were read: none only at the end, and -1 with the reason in `errno`.
    func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) -> Int {
        if let memory {
            let bytes = memory.dropFirst(offset).prefix(buffer.count)
            buffer.copyBytes(from: bytes)
            return bytes.count
        }
        while true {
            let count = pread(descriptor, buffer.baseAddress, buffer.count, off_t(offset))
            if count >= 0 || errno != EINTR { return count }
        }
    }

    /// Whether all bytes from an offset to the end are zeros.
    func isZero(from offset: Int) -> Bool {
        withUnsafeTemporaryAllocation(byteCount: 16 << 10, alignment: 8) { buffer in
            var offset = offset
            while true {
                let count = read(at: offset, into: buffer)
                if count <= 0 { return count == 0 }
                guard buffer.prefix(count).allSatisfy({ $0 == 0 }) else { return false }
                offset += count
            }
        }
    }
}
