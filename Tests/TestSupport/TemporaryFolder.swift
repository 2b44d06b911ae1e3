import Foundation

/// A folder of a test's own, removed with all that is in it when the test lets go of it.
public final class TemporaryFolder: Sendable {
    /// Where the folder is.
    public let path: String

    /// Where the folder is.
    public var url: URL { URL(fileURLWithPath: path) }

    /// Makes an empty folder.
    public init() throws {
        path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(atPath: path)
        // Foundation leaves what has a name that is not UTF-8.
        if FileManager.default.fileExists(atPath: path) { try? Self.run("rm -rf \"$1\"", path) }
    }

    /// Copies a file to a name that is Latin-1 and not UTF-8: `café` and an ending.
    ///
    /// - Parameter folder: Where the copy goes; nil for this folder.
    /// - Returns: The name with the byte that is not UTF-8 as `\xE9`.
    public func copyToLatin1Name(_ file: String, _ ending: String, in folder: String? = nil) throws -> String
    {
        try Self.run("cp \"$1\" \"$2/$(printf 'caf\\351')$3\"", file, folder ?? path, ending)
        return "caf\\xE9" + ending
    }

    private static func run(_ command: String, _ arguments: String...) throws {
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        shell.arguments = ["-c", command, "sh"] + arguments
        try shell.run()
        shell.waitUntilExit()
    }

    /// The path of a file in this folder, there or not.
    public func file(_ name: String) -> String { path + "/" + name }

    /// Writes a file into this folder and gives its path.
    public func write(_ name: String, _ bytes: some Sequence<UInt8>) throws -> String {
        try Data(bytes).write(to: URL(fileURLWithPath: file(name)))
        return file(name)
    }

    /// Writes a text file into this folder and gives its path.
    public func write(_ name: String, _ text: String) throws -> String { try write(name, text.utf8) }

    /// The bytes of a file in this folder.
    public func bytes(of name: String) throws -> [UInt8] {
        try [UInt8](Data(contentsOf: URL(fileURLWithPath: file(name))))
    }

    /// The names of all files in this folder, hidden ones included.
    public func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: path).sorted()
    }
}
