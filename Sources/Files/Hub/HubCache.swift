import Archives
import FileSystem
import Foundation

/// A repository's folder in the hub's cache, as Python's `huggingface_hub` lays it out, so that both share it.
///
///     models--ORG--NAME/blobs/TAG               the bytes of a file, named by what they are
///     models--ORG--NAME/snapshots/COMMIT/FILE   a link to its blob, relative
///     models--ORG--NAME/refs/main               the commit that a branch or tag stood for last
///     models--ORG--NAME/.no_exist/COMMIT/FILE   there is no such file
///     .locks/models--ORG--NAME/TAG.lock         keeps two programs from fetching one blob
struct HubCache {
    private let root: String
    private let folder: String
    private let folderName: String

    init(_ root: String, _ repository: HubRepository) {
        self.root = root
        folderName = repository.folderName
        folder = root + "/" + repository.folderName
    }

    /// Where a blob is, or will be.
    func blob(_ tag: String) -> String { "\(folder)/blobs/\(tag)" }

    private func pointer(_ file: HubPath, _ commit: String) -> String {
        "\(folder)/snapshots/\(commit)/\(file.text)"
    }

    private func reference(_ revision: HubPath) -> String { "\(folder)/refs/\(revision.text)" }

    /// The commit that a revision stands for, or stood for when it was last asked; nil where that is not known.
    func commit(of revision: HubPath) -> String? {
        guard !revision.isCommit else { return revision.text }
        let path = reference(revision)
        guard let bytes = try? SmallFile.contents(of: path, byteLimit: 64) else { return nil }
        let text = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        return HubPath.isCommit(text) ? text : nil
    }

    /// The path of a file that is there at a commit.
    func path(of file: HubPath, at commit: String) -> String? {
        let path = pointer(file, commit)
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFREG ? path : nil
    }

    /// Whether it is known that there is no such file at a commit.
    func isMissing(_ file: HubPath, at commit: String) -> Bool {
        access("\(folder)/.no_exist/\(commit)/\(file.text)", F_OK) == 0
    }

    /// Notes that there is no such file at a commit. Where that cannot be written, it is asked for again.
    func noteMissing(_ file: HubPath, at commit: String) {
        guard HubPath.isCommit(commit) else { return }
        let path = "\(folder)/.no_exist/\(commit)/\(file.text)"
        guard (try? Self.makeFolder(of: path)) != nil else { return }
        let descriptor = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0o644)
        if descriptor >= 0 { close(descriptor) }
    }

    /// Whether a blob is there, as long as it should be.
    func has(_ version: HubVersion) -> Bool {
        var status = stat()
        guard stat(blob(version.tag), &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return false }
        return version.byteCount == nil || version.byteCount == Int(status.st_size)
    }

    /// Makes the folder for blobs.
    ///
    /// - Throws: `HubError` with the system's reason.
    func makeFolder() throws(HubError) { try Self.makeFolder(of: blob("x")) }

    /// Keeps others from fetching a blob; nil where somebody else is at it.
    ///
    /// - Throws: `HubError` with the system's reason.
    func lock(_ tag: String) throws(HubError) -> FileLock? {
        let path = "\(root)/.locks/\(folderName)/\(tag).lock"
        try Self.makeFolder(of: path)
        do {
            return try FileLock(path: path)
        } catch {
            throw .unusableCache(path: path, reason: "\((error as? ArchiveError)?.cause ?? "\(error)")")
        }
    }

    /// Has a file of a commit lead to its blob.
    ///
    /// - Returns: The path of the file.
    /// - Throws: `HubError` with the system's reason.
    func link(_ file: HubPath, to version: HubVersion) throws(HubError) -> String {
        let path = pointer(file, version.commit)
        try Self.makeFolder(of: path)
        let target = String(repeating: "../", count: file.depth + 1) + "blobs/" + version.tag
        guard Self.target(of: path) != target else { return path }
        unlink(path)
        // Whoever made it meanwhile has made the same.
        guard symlink(target, path) == 0 || Self.target(of: path) == target else { throw Self.unusable(path) }
        return path
    }

    private static func target(of link: String) -> String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: link)
    }

    /// Notes what commit a branch or tag stands for.
    ///
    /// - Throws: `HubError` with the system's reason.
    func note(_ commit: String, of revision: HubPath) throws(HubError) {
        guard revision.text != commit, self.commit(of: revision) != commit else { return }
        let path = reference(revision)
        try Self.makeFolder(of: path)
        do {
            let file = try AtomicFile(path: path)
            try file.write(Data(commit.utf8))
            try file.commit(durably: false)
        } catch {
            throw .unusableCache(path: path, reason: "\((error as? ArchiveError)?.cause ?? "\(error)")")
        }
    }

    private static func makeFolder(of path: String) throws(HubError) {
        let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
        do {
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        } catch {
            throw .unusableCache(path: folder.path, reason: systemReason(of: error))
        }
    }

    private static func unusable(_ path: String) -> HubError {
        .unusableCache(path: path, reason: String(cString: strerror(errno)))
    }
}

extension ArchiveError {
    /// What the system says of a file that cannot be written.
    fileprivate var cause: String {
        if case .unwritable(let reason) = reason { reason } else { description }
    }
}
