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
}

struct UnwritableOutput: Error, CustomStringConvertible {
    let path: String
    let reason: String
    var description: String { "\(path): cannot be written: \(reason)" }
}
