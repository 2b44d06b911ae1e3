import Foundation

/// The bytes of an archive as they lie in its file or in memory.
final class PackedBytes {
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

    private func starts(with signature: [UInt8]) -> Bool {
        withUnsafeTemporaryAllocation(byteCount: signature.count, alignment: 1) { start in
            read(at: 0, into: start) == signature.count && start.elementsEqual(signature)
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
