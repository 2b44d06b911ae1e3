import Archives
import Foundation

/// A file to be written when the work is done.
struct OutputPath {
    let path: String
    var url: URL { URL(fileURLWithPath: path) }

    /// Makes its folder where it is missing, and makes sure, before the work, that it takes a file.
    ///
    /// - Throws: `UnwritableOutput` with the system's reason.
    init(_ path: String) throws {
        self.path = path
        let folder = url.deletingLastPathComponent()
        try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        guard access(folder.path + "/", W_OK) == 0 else {
            throw UnwritableOutput(path: path, reason: String(cString: strerror(errno)))
        }
    }

    /// Writes the file, whole or not at all.
    ///
    /// - Throws: `ArchiveError` where it cannot be written.
    func write(_ contents: Data) throws {
        let file = try AtomicFile(path: path)
        try file.write(contents)
        try file.commit()
    }

    /// Writes a value as JSON for people and programs.
    ///
    /// - Throws: `ArchiveError` where it cannot be written.
    func write(json value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted, .withoutEscapingSlashes]
        try write(encoder.encode(value))
    }
}

struct UnwritableOutput: Error, CustomStringConvertible {
    let path: String
    let reason: String
    var description: String { "\(path): cannot be written: \(reason)" }
}

/// The files and folders that a command reads and writes: none that is written may be another of them.
struct CommandFiles {
    private var outputs: [(what: String, path: String)] = []
    private var inputs: [(what: String, path: String)] = []

    /// Adds what an option has written; nil for nothing.
    mutating func write(_ what: String, _ path: String?) {
        if let path { outputs.append((what, path)) }
    }

    /// Adds what an option has read; nil for nothing.
    mutating func read(_ what: String, _ path: String?) {
        if let path { inputs.append((what, path)) }
    }

    /// Makes sure that no file is meant twice, by whatever way it is named.
    ///
    /// - Throws: `FileMeantTwice`.
    func requireDistinct() throws(FileMeantTwice) {
        var seen: [Place: (what: String, isInput: Bool)] = [:]
        for (what, path) in inputs { seen[Place(path)] = (what, true) }
        for (what, path) in outputs {
            let place = Place(path)
            guard !place.isDevice else { continue }
            if let other = seen[place] {
                throw FileMeantTwice(option: what, path: path, other: other.what, isInput: other.isInput)
            }
            seen[place] = (what, false)
        }
    }

    /// Where a path leads to.
    private struct Place: Hashable {
        /// The file's number in its file system, or where there is no file yet, its path without links.
        let identity: String
        /// Whether it is no file but a device or a pipe, which takes what two write.
        let isDevice: Bool

        init(_ path: String) {
            var status = stat()
            if stat(path, &status) == 0 {
                identity = "\(status.st_dev)/\(status.st_ino)"
                isDevice = ![S_IFREG, S_IFDIR].contains(status.st_mode & S_IFMT)
            } else {
                let url = URL(fileURLWithPath: path).standardizedFileURL
                let folder = url.deletingLastPathComponent().resolvingSymlinksInPath()
                identity = folder.appending(component: url.lastPathComponent).path
                isDevice = false
            }
        }
    }
}

/// Two options that name one file.
struct FileMeantTwice: Error, CustomStringConvertible {
    let option: String
    let path: String
    let other: String
    let isInput: Bool

    var description: String {
        "\(option) \(path): expected a file of its own, found the one that \(other) "
            + (isInput ? "reads" : "writes")
    }
}
