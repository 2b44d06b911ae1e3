import Foundation

/// A file that appears under its name only when it is complete.
///
/// What is written goes to a temporary file in the same folder, which `commit()` renames: whatever
/// interrupts the writing, readers find the old file or the new one and never a half. A file that is
/// released without `commit()` leaves nothing behind. What a killed process leaves, `NAME.partial`, is taken over by
/// the next that writes a file of this name.
///
/// A device or a pipe, such as `/dev/stdout`, is never replaced: what is written goes there at once.
///
///     let file = try AtomicFile(path: "results/answers.json")
///     try file.write(bytes)
///     try file.commit()
package final class AtomicFile {
    /// Where the file will be.
    package let path: String
    /// The open temporary file, for libraries that write to a file descriptor themselves.
    let descriptor: Int32
    /// Nil for a device or a pipe, where nothing is renamed.
    private let temporaryPath: String?
    /// Where the bytes lie until `commit()`, for looking at them before they count; the path itself of a device
    /// or a pipe.
    package var writtenPath: String { temporaryPath ?? path }
    private var isCommitted = false

    /// Starts a file that will replace whatever is at `path`; the folder must exist.
    ///
    /// - Throws: `ArchiveError` when no file can be created there.
    package convenience init(path: String) throws {
        if let descriptor = try Self.openedDevice(path) {
            self.init(path: path, temporaryPath: nil, descriptor: descriptor)
            return
        }
        // A link, such as /dev/stdout, stays a link: what it leads to is replaced.
        let target = Self.resolved(path)
        guard let file = Self.takenOver(target) ?? Self.begun(target) else {
            throw ArchiveError(unwritable: path)
        }
        self.init(path: path, temporaryPath: file.path, descriptor: file.descriptor)
    }

    /// A file for the bytes under the one name that all who write `target` try first, made or taken over from a process
    /// that was killed; nil where somebody is writing to it, or it cannot be had.
    private static func takenOver(_ target: String) -> (path: String, descriptor: Int32)? {
        // Ends in no extension that a dataset's reader looks for.
        let path = target + ".partial"
        let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o666)
        guard descriptor >= 0 else { return nil }
        // Between opening and locking, who had it may have put it in its place: it is not to be touched then.
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0, isFile(descriptor, at: path),
            ftruncate(descriptor, 0) == 0
        else {
            close(descriptor)
            return nil
        }
        return (path, descriptor)
    }

    /// A new file for the bytes under a name of its own.
    private static func begun(_ target: String) -> (path: String, descriptor: Int32)? {
        let path = "\(target).\(String(UInt64.random(in: .min ... .max), radix: 36)).partial"
        let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { return nil }
        // Nobody else knows the name; this says to who looks for what was left that it was not.
        flock(descriptor, LOCK_EX | LOCK_NB)
        return (path, descriptor)
    }

    /// Removes a file, `NAME.partial`, that a killed process has left; one that somebody is writing to stays.
    package static func removeLeftOver(_ path: String) {
        let descriptor = open(path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { return }
        if flock(descriptor, LOCK_EX | LOCK_NB) == 0, isFile(descriptor, at: path) { unlink(path) }
        close(descriptor)
    }

    /// Whether an open descriptor is that of the regular file, of one name, that now lies at a path.
    private static func isFile(_ descriptor: Int32, at path: String) -> Bool {
        var (opened, found) = (stat(), stat())
        return fstat(descriptor, &opened) == 0 && lstat(path, &found) == 0
            && (opened.st_dev, opened.st_ino) == (found.st_dev, found.st_ino)
            && opened.st_mode & S_IFMT == S_IFREG && opened.st_nlink == 1
    }

    /// Takes over an open descriptor; tests hand in one of a device that is always full.
    init(path: String, temporaryPath: String?, descriptor: Int32) {
        self.path = path
        self.temporaryPath = temporaryPath
        self.descriptor = descriptor
    }

    deinit {
        // Before it is let go of: after that it may be somebody else's.
        if let temporaryPath, !isCommitted { unlink(temporaryPath) }
        close(descriptor)
    }

    /// The path without links; as it is where nothing is there yet.
    private static func resolved(_ path: String) -> String {
        guard let real = realpath(path, nil) else { return path }
        defer { free(real) }
        return String(cString: real)
    }

    /// The open descriptor of what is there and is no file; nil for a file, there or not.
    private static func openedDevice(_ path: String) throws -> Int32? {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT != S_IFREG else { return nil }
        // A folder cannot be opened for writing: that is the error it gets.
        let descriptor = open(path, O_WRONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw ArchiveError(unwritable: path) }
        return descriptor
    }

    /// Appends bytes to the file.
    ///
    /// - Throws: `ArchiveError`, a full disk included.
    package func write(_ bytes: some ContiguousBytes) throws {
        try bytes.withUnsafeBytes { buffer in
            var remaining = buffer[...]
            while !remaining.isEmpty {
                let count = Foundation.write(
                    descriptor, UnsafeRawBufferPointer(rebasing: remaining).baseAddress, remaining.count)
                if count < 0 && errno == EINTR { continue }
                guard count >= 0 else { throw ArchiveError(unwritable: path) }
                remaining = remaining.dropFirst(count)
            }
        }
    }

    /// Puts the file in its place, replacing the one that was there.
    ///
    /// - Parameter durably: wait until the disk holds the file, so that it outlives a power cut too.
    ///   Without, it outlives a kill of this process; right for many small files that can be made again.
    /// - Throws: `ArchiveError`; the old file is then still in its place.
    package func commit(durably: Bool = true) throws {
        guard let temporaryPath else { return }
        guard !durably || fsync(descriptor) == 0 else { throw ArchiveError(unwritable: path) }
        guard rename(temporaryPath, Self.resolved(path)) == 0 else { throw ArchiveError(unwritable: path) }
        isCommitted = true
        if durably { synchronizeFolder() }
    }

    /// Makes the renaming itself durable. Some file systems cannot; the file is complete all the same.
    private func synchronizeFolder() {
        let folder = open(URL(fileURLWithPath: path).deletingLastPathComponent().path, O_RDONLY | O_CLOEXEC)
        guard folder >= 0 else { return }
        fsync(folder)
        close(folder)
    }
}

extension ArchiveError {
    /// The error for a system call that has just failed and left its reason in `errno`.
    init(unwritable file: String) {
        self.init(file: file, reason: .unwritable(String(cString: strerror(errno))))
    }
}
