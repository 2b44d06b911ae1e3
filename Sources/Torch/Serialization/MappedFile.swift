import Foundation

/// The contents of a regular file, mapped into memory.
///
/// A page is read from disk when it is first touched, so opening costs the same whatever the size, and
/// all readers of the file share it. The file never changes through the mapping: where a tensor on it is
/// written to, the system makes a copy of the page for this process.
///
/// As with every mapping, the process ends if it touches what another one has cut off the file in place.
/// Files replaced by `AtomicFile` are safe: the old contents live on until they are unmapped.
final class MappedFile {
    let path: String
    /// The whole file. Valid while this object lives.
    let bytes: UnsafeRawBufferPointer

    /// Maps the file at `path`.
    ///
    /// - Throws: `FileAccessError` where the system refuses, or the path is no regular file.
    init(path: String) throws {
        // Without O_NONBLOCK, opening a named pipe would wait for somebody to write to it.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw FileAccessError(path: path, operation: "open") }
        defer { close(descriptor) }

        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw FileAccessError(path: path, operation: "examine") }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw FileAccessError(path: path, operation: "map something that is not a file", code: EINVAL)
        }

        self.path = path
        let byteCount = Int(status.st_size)
        guard byteCount > 0 else {
            // The system maps no empty files.
            bytes = UnsafeRawBufferPointer(start: nil, count: 0)
            return
        }
        let start = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_NORESERVE, descriptor, 0)
        guard let start, start != MAP_FAILED else { throw FileAccessError(path: path, operation: "map") }
        bytes = UnsafeRawBufferPointer(start: start, count: byteCount)
    }

    deinit {
        if let start = bytes.baseAddress {
            munmap(UnsafeMutableRawPointer(mutating: start), bytes.count)
        }
    }
}

/// The memory is lent out for reading only, and taken away by nothing but `deinit`.
extension MappedFile: @unchecked Sendable {}
