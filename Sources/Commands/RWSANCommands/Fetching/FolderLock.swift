import Foundation

/// Keeps a second process from fetching to a folder.
final class FolderLock {
    private let descriptor: CInt

    /// - Parameters:
    ///   - path: The folder, which must be there.
    ///   - shown: What it is called in the error.
    /// - Throws: `FolderInUse`.
    init(_ path: String, shown: String) throws(FolderInUse) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0, flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            if descriptor >= 0 { close(descriptor) }
            throw FolderInUse(path: shown)
        }
        // Not before: an initializer that fails with everything stored runs `deinit`, on another process's folder.
        self.descriptor = descriptor
    }

    deinit {
        // A process that was started meanwhile holds the folder too, until it runs its own program.
        flock(descriptor, LOCK_UN)
        close(descriptor)
    }
}

/// A folder that another process is fetching to.
struct FolderInUse: Error, CustomStringConvertible {
    let path: String
    var description: String { "\(path): expected a folder that nobody else is fetching to, found one in use" }
}
