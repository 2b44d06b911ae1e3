import Foundation

/// A file that is on its way: its first bytes in `NAME.partial`, and in `NAME.partial.json` what they are of.
///
/// The note is written before the first byte, so that bytes without a note, or with that of another version of
/// the file, are never taken for a beginning. A file whose path says which version it is of (`Downloader.KnownVersion`)
/// has no note, and its bytes lie in `NAME.incomplete`. One process at a time has the file.
final class PartialFile {
    /// What the bytes are the beginning of.
    struct Origin: Codable, Equatable {
        /// The address that was asked.
        let address: String
        /// What tells this version of the file from others; nil where the server gives nothing of the kind.
        let validator: String?
        /// How long the whole file is, where the server says.
        let byteCount: Int?
    }

    /// How many bytes are there.
    private(set) var byteCount: Int
    /// What they are of; nil where that is not known, and they cannot be gone on with.
    private(set) var origin: Origin?

    private let address: String
    private let path: String
    private let version: Downloader.KnownVersion?
    /// Where the bytes are until the file is whole.
    let temporaryPath: String
    private var notePath: String { path + ".partial.json" }
    private let descriptor: CInt
    private var isFinished = false

    /// Opens what there is of the file that will be at `path`; its folder must exist.
    ///
    /// - Throws: `DownloadError` where it cannot be written to, or another process is at it.
    init(path: String, address: String, version: Downloader.KnownVersion? = nil) throws {
        (self.path, self.address, self.version) = (path, address, version)
        let temporaryPath = path + (version == nil ? ".partial" : ".incomplete")
        self.temporaryPath = temporaryPath
        descriptor = try Self.opened(temporaryPath, of: path, address)
        byteCount = Int(lseek(descriptor, 0, SEEK_END))
        guard version == nil else {
            origin = knownOrigin
            if byteCount > origin?.byteCount ?? .max { try empty() }
            return
        }
        origin = FileManager.default.contents(atPath: path + ".partial.json")
            .flatMap { try? JSONDecoder().decode(Origin.self, from: $0) }
        // Without a validator, nobody can tell whether the rest still belongs to this beginning.
        if origin?.address != address || origin?.validator == nil { origin = nil }
        if origin == nil || byteCount > origin?.byteCount ?? .max { try empty() }
    }

    /// Opens the file for the bytes, and keeps others from it.
    private static func opened(_ temporaryPath: String, of path: String, _ address: String) throws -> CInt {
        while true {
            let descriptor = open(temporaryPath, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o666)
            guard descriptor >= 0 else { throw DownloadError(unwritable: temporaryPath, address) }
            guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
                close(descriptor)
                throw DownloadError(address: address, reason: .inUse(file: path))
            }
            // Between opening and locking, who had it may have put it in its place: it is not to be touched then.
            var (mine, found) = (stat(), stat())
            if fstat(descriptor, &mine) == 0, lstat(temporaryPath, &found) == 0,
                (mine.st_dev, mine.st_ino) == (found.st_dev, found.st_ino)
            {
                return descriptor
            }
            close(descriptor)
        }
    }

    private var knownOrigin: Origin? {
        version.map { Origin(address: address, validator: nil, byteCount: $0.byteCount) }
    }

    deinit {
        if byteCount == 0, !isFinished {
            unlink(temporaryPath)
            if version == nil { unlink(notePath) }
        }
        close(descriptor)
    }

    /// Whether the rest can be asked for.
    var canBeGoneOnWith: Bool { byteCount > 0 && (version != nil || origin?.validator != nil) }

    /// Whether all bytes are there.
    var isWhole: Bool { origin?.byteCount == byteCount }

    /// Begins the file anew.
    ///
    /// - Throws: `DownloadError` where it cannot be written.
    func begin(_ origin: Origin) throws {
        try empty()
        guard version == nil else {
            self.origin = Origin(
                address: address, validator: nil, byteCount: version?.byteCount ?? origin.byteCount)
            return
        }
        do {
            try JSONEncoder().encode(origin).write(to: URL(fileURLWithPath: notePath), options: .atomic)
        } catch {
            let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
            throw DownloadError(
                address: address,
                reason: .unwritable(
                    file: notePath,
                    cause.map { String(cString: strerror(Int32(clamping: $0.code))) }
                        ?? error.localizedDescription))
        }
        self.origin = origin
    }

    /// Throws away what is there.
    ///
    /// - Throws: `DownloadError` where the system refuses.
    func empty() throws {
        guard ftruncate(descriptor, 0) == 0 else { throw DownloadError(unwritable: temporaryPath, address) }
        lseek(descriptor, 0, SEEK_SET)
        byteCount = 0
        origin = knownOrigin
        if version == nil { unlink(notePath) }
    }

    /// Adds bytes at the end.
    ///
    /// - Throws: `DownloadError`, a full disk included; what was written stays.
    func append(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = write(descriptor, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw DownloadError(unwritable: temporaryPath, address) }
            rest = rest.dropFirst(count)
            byteCount += count
        }
    }

    /// Puts the file in its place.
    ///
    /// - Throws: `DownloadError` where the system refuses.
    func finish() throws {
        guard fsync(descriptor) == 0, rename(temporaryPath, path) == 0 else {
            throw DownloadError(unwritable: path, address)
        }
        isFinished = true
        if version == nil { unlink(notePath) }
    }
}

extension DownloadError {
    /// The error for a system call that has just failed and left its reason in `errno`.
    fileprivate init(unwritable file: String, _ address: String) {
        self.init(address: address, reason: .unwritable(file: file, String(cString: strerror(errno))))
    }
}
