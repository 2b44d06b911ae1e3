import Foundation

/// Keeps two processes from working on the same thing. The system lets go of it when the process ends, however.
package final class FileLock {
    private let descriptor: Int32

    /// Takes the lock, by a file that is made where it is not there, and stays.
    ///
    /// - Parameter path: The file; its folder must exist.
    /// - Throws: `ArchiveError` where the file cannot be made.
    /// - Returns: nil where another process has the lock.
    package init?(path: String) throws {
        var descriptor: Int32
        repeat {
            descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
            guard descriptor >= 0 else { throw ArchiveError(unwritable: path) }
            guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
                close(descriptor)
                return nil
            }
            // Other programs remove the file when they are done: who has it open then has a lock on nothing.
        } while !Self.isFile(descriptor, at: path)
        // Not before: an initializer that fails with everything stored runs `deinit`, which would close a second
        // time what may be another thread's file by then.
        self.descriptor = descriptor
    }

    /// Whether an open file is the one at a path; closes it where it is not.
    private static func isFile(_ descriptor: Int32, at path: String) -> Bool {
        var (opened, found) = (stat(), stat())
        if fstat(descriptor, &opened) == 0, stat(path, &found) == 0,
            (opened.st_dev, opened.st_ino) == (found.st_dev, found.st_ino)
        {
            return true
        }
        close(descriptor)
        return false
    }

    deinit {
        // A process that was started meanwhile holds the file too, until it runs its own program.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}
