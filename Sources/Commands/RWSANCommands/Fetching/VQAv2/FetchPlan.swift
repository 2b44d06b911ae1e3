import Downloads
import FileSystem
import Foundation

/// Files that are about to be fetched. Their sizes are asked for, told, and held against the disk's room before the first
/// byte of any comes.
struct FetchPlan {
    /// A file on its way.
    struct File {
        let address: String
        /// Where it is fetched to; one that is there already is not fetched.
        let path: String
        /// Whether it is fetched all the same.
        var isForced = false
        var name: String { URL(fileURLWithPath: address).lastPathComponent }
    }

    var files: [File] = []
    let downloader: Downloader
    let interrupts: Interrupts

    /// More redirections than this lead nowhere.
    private static let mostRedirections = 10

    /// Asks how long the files are, tells it, and makes sure that there is room.
    ///
    /// - Parameter folder: A folder on the disk that takes them.
    /// - Throws: `FetchStopped`; `DownloadError` where a file is not there, nobody answers, or the room is too small.
    func begin(in folder: String) throws {
        let missing = files.filter { $0.isForced || access($0.path, F_OK) != 0 }
        guard !missing.isEmpty else { return }
        Console.progress("asking for the sizes of \(missing.count) files")
        defer { Console.clearProgress() }
        let sizes = try missing.map { try byteCount(of: $0.address) }
        let comes = zip(missing, sizes).reduce(0) { sum, file in
            sum.addingClamped(max(0, (file.1 ?? 0) - presentByteCount(file.0)))
        }
        let room = DiskRoom.byteCount(at: folder)
        let parts = zip(missing, sizes).map { "\($0.name) \($1.map(byteText) ?? "of unknown size")" }
        Console.note("to fetch: \(parts.joined(separator: ", "))")
        Console.note(
            "\(byteText(comes)) are to come"
                + (room.map { ", and \(relativeToWorkingFolder(folder)) has room for \(byteText($0))" } ?? "")
        )
        guard let room, room < comes, let first = missing.first else { return }
        throw DownloadError(
            address: first.address,
            reason: .noRoom(file: relativeToWorkingFolder(folder), expected: comes, found: room))
    }

    /// How many bytes of a file an earlier attempt has brought.
    private func presentByteCount(_ file: File) -> Int {
        var status = stat()
        return stat(file.path + ".partial", &status) == 0 ? Int(status.st_size) : 0
    }

    /// How long a file is; nil where the server does not say so.
    private func byteCount(of address: String) throws -> Int? {
        var place = address
        for _ in 0...Self.mostRedirections {
            guard let head = try downloader.head(of: place, shouldStop: { interrupts.isRequested }) else {
                throw FetchStopped()
            }
            switch head.status {
            case 300...399:
                guard let next = head.redirection else { return nil }
                place = next
            // Some servers answer to GET alone, so no other status says that there is no such file.
            case 404, 410: throw DownloadError(address: address, reason: .refused(status: head.status))
            case 0, 200...299:
                return head["content-length"].flatMap { Int($0) }.flatMap { $0 >= 0 ? $0 : nil }
            default: return nil
            }
        }
        return nil
    }
}

/// `13.5 GB`, `24.8 MB`
private func byteText(_ byteCount: Int) -> String {
    let megabytes = Double(byteCount) / 1e6
    return megabytes < 1000 ? "\(decimal(megabytes, 1)) MB" : "\(decimal(megabytes / 1000, 1)) GB"
}
