import FileSystem
import Foundation
import Hub

/// A folder that commands write into: whether it takes files, and how much room there is.
struct FolderCheck {
    /// What the folder is to a run.
    struct Use {
        let name: String
        /// Whether a run fails where it takes no files.
        let isNeeded: Bool
        /// How many bytes it should have room for.
        let ample: Int
        /// What takes them.
        let content: String
        /// What to do where it takes no files.
        let advice: String
        /// How to have another folder in its place.
        let other: String
    }

    let use: Use
    let path: String
    /// Why it takes no files; nil where it does.
    let refusal: String?
    /// How many bytes can be written; nil where the system does not say.
    let free: Int?

    /// Less than one checkpoint takes at VQA-v2's size.
    static let least = 250_000_000

    var finding: Finding {
        if let refusal {
            let text = "\(path): cannot be written: \(refusal)"
            return use.isNeeded
                ? .wrong(use.name, text, advice: use.advice) : .note(use.name, text, advice: use.advice)
        }
        guard let free else { return .ok(use.name, "\(path): can be written") }
        let text = "\(path): can be written, room for \(readable(bytes: free))"
        guard free < use.ample else { return .ok(use.name, text) }
        let advice = "\(use.content); make room there, or \(use.other)"
        return use.isNeeded && free < Self.least
            ? .wrong(use.name, text, advice: advice) : .note(use.name, text, advice: advice)
    }

    // MARK: - The folders

    private static let working = Use(
        name: "working folder", isNeeded: true, ample: 4_000_000_000,
        content: "a checkpoint at VQA-v2's size takes 235 MB, and one is kept for each of 16 epochs",
        advice: "start \(Program.name) in a folder that you may write into: runs keep checkpoints there",
        other: "start \(Program.name) in another folder")
    private static let cache = Use(
        name: "cache", isNeeded: false, ample: 500_000_000,
        content: "what is prepared of VQA-v2, and weights that are fetched, take some 500 MB",
        advice:
            "RWSAN_CACHE=FOLDER names another: without one, what is prepared is made anew each time, and nothing can be "
            + "fetched there",
        other: "RWSAN_CACHE=FOLDER")
    private static let hub = Use(
        name: "hub's cache", isNeeded: false, ample: 900_000_000,
        content: "ViLT takes 470 MB, LXMERT 856 MB",
        advice: "HF_HOME=FOLDER names another: no model can be fetched into this one",
        other: "HF_HOME=FOLDER")
    private static let temporary = Use(
        name: "TMPDIR", isNeeded: false, ample: 100_000_000, content: "MPI keeps what processes share there",
        advice: "TMPDIR=FOLDER names another: MPI needs one", other: "TMPDIR=FOLDER")

    /// The folders that commands of this process write into.
    static func all(_ environment: [String: String]) -> [FolderCheck] {
        let places = [
            (working, FileManager.default.currentDirectoryPath), (cache, UserCache.folder(environment)),
            (hub, HubEnvironment(environment).cacheFolder),
            (temporary, environment["TMPDIR"].flatMap { $0.isEmpty ? nil : $0 } ?? "/tmp"),
        ]
        return places.map { FolderCheck($0, at: $1) }
    }

    /// Looks at a folder.
    init(_ use: Use, at path: String) {
        self.use = use
        self.path = path
        let folder = Self.nearestFolder(path)
        refusal = Self.refusal(of: folder)
        let room = [DiskRoom.byteCount(at: folder), MemoryCheck.limit(RLIMIT_FSIZE)].compactMap { $0 }
        free = room.min()
    }

    /// - Parameters: As the properties.
    init(use: Use, path: String, refusal: String?, free: Int?) {
        (self.use, self.path, self.refusal, self.free) = (use, path, refusal, free)
    }

    /// The folder, or where it is still to be made, the nearest one that it will be in.
    private static func nearestFolder(_ path: String) -> String {
        var url = URL(fileURLWithPath: path)
        while access(url.path, F_OK) != 0, errno == ENOENT, url.pathComponents.count > 1 {
            url.deleteLastPathComponent()
        }
        return url.path
    }

    /// O_TMPFILE, which Swift does not see: a file without a name.
    private static let temporaryFile: CInt = 0o20_000_000 | O_DIRECTORY

    /// Why a folder takes no files, found by giving it one that has no name, or one whose name is taken away at once.
    private static func refusal(of folder: String) -> String? {
        var descriptor = open(folder, temporaryFile | O_WRONLY | O_CLOEXEC, 0o600)
        if descriptor < 0, [EOPNOTSUPP, EISDIR, EINVAL, ENOENT].contains(errno) {
            var name = Array("\(folder)/.rwsan-doctor-XXXXXX".utf8CString)
            descriptor = mkstemp(&name)
            if descriptor >= 0 { unlink(name) }
        }
        guard descriptor >= 0 else { return String(cString: strerror(errno)) }
        defer { close(descriptor) }
        let bytes = [UInt8](repeating: 0, count: 4096)
        return write(descriptor, bytes, bytes.count) == bytes.count ? nil : String(cString: strerror(errno))
    }
}
