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
    /// - Parameter folder: The datasets folder, by which its disk is called.
    /// - Throws: `FetchStopped`; `DownloadError` where a file is not there, nobody answers, or a disk has too little room.
    func begin(in folder: String) throws {
        let missing = files.filter { $0.isForced || access($0.path, F_OK) != 0 }
        guard !missing.isEmpty else { return }
        Console.progress("asking for the sizes of \(missing.count) files")
        defer { Console.clearProgress() }
        let sizes = try missing.map { try byteCount(of: $0.address) }
        let parts = zip(missing, sizes).map {
            "\($0.name) \($1.map { readable(bytes: $0) } ?? "of unknown size")"
        }
        Console.note("to fetch: \(parts.joined(separator: ", "))")
        let disks = Self.disks(Array(zip(missing, sizes)), folder)
        for disk in disks {
            Console.note(
                "\(readable(bytes: disk.comes)) are to come to \(relativeToWorkingFolder(disk.folder))"
                    + (disk.room.map { ", which has room for \(readable(bytes: $0))" } ?? ""))
        }
        for disk in disks {
            guard let room = disk.room, room < disk.comes else { continue }
            throw DownloadError(
                address: disk.address,
                reason: .noRoom(
                    file: relativeToWorkingFolder(disk.folder), expected: disk.comes, found: room))
        }
    }

    /// A disk that files go to.
    private struct Disk {
        /// The datasets folder, or that of the first of them where they go to another disk.
        let folder: String
        /// The address of the first of them.
        let address: String
        /// How many bytes there will be more.
        var comes = 0
        var room: Int? { DiskRoom.byteCount(at: folder) }
    }

    /// The disks that files go to: a folder may be a link to another.
    private static func disks(_ files: [(file: File, byteCount: Int?)], _ datasets: String) -> [Disk] {
        var disks: [(device: dev_t?, disk: Disk)] = []
        for (file, byteCount) in files {
            let folder = URL(fileURLWithPath: file.path).deletingLastPathComponent().path
            let device = device(of: folder)
            let place = disks.firstIndex { $0.device == device } ?? disks.count
            if place == disks.count {
                let shown = device == self.device(of: datasets) ? datasets : folder
                disks.append((device, Disk(folder: shown, address: file.address)))
            }
            let more = max(0, (byteCount ?? 0) - presentByteCount(file))
            disks[place].disk.comes = disks[place].disk.comes.addingClamped(more)
        }
        return disks.map(\.disk)
    }

    private static func device(of folder: String) -> dev_t? {
        var status = stat()
        return stat(folder, &status) == 0 ? status.st_dev : nil
    }

    /// How many bytes of a file an earlier attempt has brought.
    private static func presentByteCount(_ file: File) -> Int {
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
