import Foundation

/// The contents of a regular file, mapped into memory.
///
/// A page is read from disk when it is first touched, so opening costs the same whatever the size, and
/// all readers of the file share it. The file never changes through the mapping: where a tensor on it is
/// written to, the system makes a copy of the page for this process.
///
/// As with every mapping, the process ends if it touches what another one has cut off the file in place.
/// Files replaced by `AtomicFile` are safe: the old contents live on until they are unmapped.
package final class MappedFile {
    package let path: String
    /// The whole file. Valid while this object lives.
    package let bytes: UnsafeRawBufferPointer
    private let descriptor: CInt

    /// Maps the file at `path`.
    ///
    /// - Throws: `FileAccessError` where the system refuses, or the path is no regular file.
    package init(path: String) throws {
        // Without O_NONBLOCK, opening a named pipe would wait for somebody to write to it.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw FileAccessError(path: path, operation: "open") }
        self.path = path
        self.descriptor = descriptor
        do {
            bytes = try Self.mapped(descriptor, path: path)
        } catch {
            close(descriptor)
            throw error
        }
    }

    private static func mapped(_ descriptor: CInt, path: String) throws -> UnsafeRawBufferPointer {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw FileAccessError(path: path, operation: "examine") }
        guard status.st_mode & S_IFMT == S_IFREG else {
            let isFolder = status.st_mode & S_IFMT == S_IFDIR
            throw FileAccessError(
                path: path, operation: "read what is no regular file", code: isFolder ? EISDIR : EINVAL)
        }
        let byteCount = Int(status.st_size)
        // The system maps no empty files.
        guard byteCount > 0 else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        let start = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, descriptor, 0)
        guard let start, start != MAP_FAILED else { throw FileAccessError(path: path, operation: "map") }
        return UnsafeRawBufferPointer(start: start, count: byteCount)
    }

    /// Copies bytes of the file without touching its mapping, whose pages would count as this process's memory.
    ///
    /// - Parameters:
    ///   - offset: Where they begin in the file.
    ///   - buffer: Where they go; it is filled.
    /// - Throws: `FileAccessError` where the system cannot read them, or the file has been cut off since.
    func read(at offset: Int, into buffer: UnsafeMutableRawBufferPointer) throws {
        var filled = 0
        while filled < buffer.count {
            let place = UnsafeMutableRawBufferPointer(rebasing: buffer[filled...])
            let count = pread(descriptor, place.baseAddress, place.count, off_t(offset + filled))
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw FileAccessError(path: path, operation: "read") }
            guard count > 0 else {
                throw FileAccessError(path: path, operation: "read what has been cut off", code: EIO)
            }
            filled += count
        }
    }

    /// Gives back the memory of all that was touched by now; it is read from the file again when it is touched next.
    ///
    /// What was written to tensors on the file is lost.
    func forgetPages() {
        guard let start = bytes.baseAddress else { return }
        // A refusal leaves the pages where they are, which harms nothing.
        _ = madvise(UnsafeMutableRawPointer(mutating: start), bytes.count, MADV_DONTNEED)
    }

    deinit {
        close(descriptor)
        if let start = bytes.baseAddress {
            munmap(UnsafeMutableRawPointer(mutating: start), bytes.count)
        }
    }
}

/// The memory is lent out for reading only, and taken away by nothing but `deinit`.
extension MappedFile: @unchecked Sendable {}
