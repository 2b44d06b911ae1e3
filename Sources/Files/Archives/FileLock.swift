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
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o666)
        guard descriptor >= 0 else { throw ArchiveError(unwritable: path) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            close(descriptor)
            return nil
        }
        // Not before: an initializer that fails with everything stored runs `deinit`, which would close a second
        // time what may be another thread's file by then.
        self.descriptor = descriptor
    }

    deinit {
        // A process that was started meanwhile holds the file too, until it runs its own program.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}
