import Archives
import FileSystem
import Foundation

/// The folder that a model is written to, which is no model before its last file is there.
struct ExportFolder {
    private let url: URL
    private let isNew: Bool
    /// The names of the files that it will have, the one that makes it a model last.
    private(set) var files: [(name: String, write: (_ path: String) throws -> Void)] = []

    /// - Parameter path: The folder's path; it is made when files are written.
    /// - Throws: ``ModelExportError`` where there is something in it, it is a file, or it takes no files;
    ///   `FolderListingError` where it cannot be looked into.
    init(_ path: String) throws {
        url = URL(fileURLWithPath: path)
        var isFolder: ObjCBool = false
        isNew = !FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        guard isNew || isFolder.boolValue else {
            throw ModelExportError(path: path, reason: "expected a new or an empty folder, found a file")
        }
        try requireWritable()
        guard !isNew else { return }
        let listing = try FolderListing(path)
        guard let found = (listing.names + listing.invalidNames).first else { return }
        throw ModelExportError(
            path: path,
            reason:
                "expected a new or an empty folder, found \(found) in it: name another, or remove what is there"
        )
    }

    /// Makes sure, before the work, that the folder, or the one that it will be made in, takes files.
    private func requireWritable() throws(ModelExportError) {
        var place = url.standardizedFileURL
        while place.path != "/", !FileManager.default.fileExists(atPath: place.path) {
            place.deleteLastPathComponent()
        }
        guard access(place.path + "/", W_OK) == 0 else {
            throw ModelExportError(
                path: url.relativePath, reason: "cannot be written: \(String(cString: strerror(errno)))")
        }
    }

    /// Adds a file of these bytes.
    mutating func add(_ name: String, _ bytes: some DataProtocol) {
        let contents = Data(bytes)
        add(name) { path in
            let file = try AtomicFile(path: path)
            try file.write(contents)
            try file.commit()
        }
    }

    /// Adds a file that `write` puts at a path, whole or not at all.
    mutating func add(_ name: String, _ write: @escaping (_ path: String) throws -> Void) {
        files.append((name, write))
    }

    /// Writes all files in turn. Where one cannot be written, none is left.
    ///
    /// - Throws: `ArchiveError` or Foundation's error where that is not possible; what making a file throws.
    func write() throws {
        var written: [URL] = []
        do {
            try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
            for (name, write) in files {
                let file = url.appending(component: name)
                try write(file.path)
                written.append(file)
            }
        } catch {
            for file in written.reversed() { unlink(file.path) }
            if isNew { rmdir(url.path) }
            throw error
        }
    }
}

/// A model that cannot be written as the hub has models.
public struct ModelExportError: Error, Sendable, CustomStringConvertible {
    /// The file or folder at fault.
    public let path: String
    /// What was expected and what was found.
    public let reason: String

    /// One line.
    public var description: String { "\(path): \(reason)" }
}
