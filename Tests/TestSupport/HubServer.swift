import Foundation
import Synchronization

/// Two servers that behave like the Hugging Face hub: one that knows of repositories, and one that has large files.
public final class HubServer: Sendable {
    /// What was asked for.
    public typealias Request = LoopbackServer.Request
    /// What is answered.
    public typealias Reply = LoopbackServer.Reply

    /// A file of the repository.
    public struct File: Sendable {
        /// The bytes.
        public var bytes: [UInt8]
        /// What tells them from others: SHA-256 of a large file, Git's SHA-1 of another.
        public var tag: String
        /// Whether the bytes are on the server for large files.
        public var isLarge: Bool

        /// A file of these bytes.
        public init(_ bytes: [UInt8], tag: String, isLarge: Bool) {
            (self.bytes, self.tag, self.isLarge) = (bytes, tag, isLarge)
        }
    }

    /// Who is asked.
    public enum Place: Sendable {
        case hub
        case storage
    }

    /// The commit of `main` and `v1.0`.
    public static let commit = "0123456789abcdef0123456789abcdef01234567"

    /// The one that knows of repositories.
    public let hub: LoopbackServer
    /// The one that has large files.
    public let storage: LoopbackServer

    /// Starts to listen.
    ///
    /// - Parameters:
    ///   - repository: The one repository that there is.
    ///   - files: Its files by name.
    ///   - isRelative: Whether the hub leads on to large files on its own host.
    ///   - fault: Changes a good answer to a request, of which there were so many of its kind to the same path before.
    public init(
        _ repository: String, _ files: [String: File], isRelative: Bool = false,
        fault: @escaping @Sendable (inout Reply, Place, Request, _ earlier: Int) -> Void = { _, _, _, _ in }
    ) throws {
        let stored = Dictionary(files.values.map { ("/storage/" + $0.tag, $0.bytes) }) { $1 }
        @Sendable func giveStored(_ request: Request) -> Reply {
            guard let bytes = stored[request.path] else { return Reply(status: 404) }
            return .file(bytes, tag: "stored", to: request)
        }
        let storage = try LoopbackServer { request, earlier in
            var reply = giveStored(request)
            fault(&reply, .storage, request, earlier)
            return reply
        }
        let storageAddress = isRelative ? "" : storage.address
        hub = try LoopbackServer { request, earlier in
            var reply =
                request.path.hasPrefix("/storage/")
                ? giveStored(request) : Self.answer(request, repository, files, storageAddress)
            fault(&reply, .hub, request, earlier)
            return reply
        }
        self.storage = storage
    }

    private static func answer(
        _ request: Request, _ repository: String, _ files: [String: File], _ storage: String
    ) -> Reply {
        let prefix = "/\(repository)/resolve/"
        guard request.path.hasPrefix(prefix) else {
            return Reply(status: 404, headers: ["X-Error-Code": "RepoNotFound"])
        }
        let parts = request.path.dropFirst(prefix.count).split(separator: "/", maxSplits: 1)
        guard parts.count == 2, ["main", "v1.0", "refs%2Fpr%2F1", commit[...]].contains(parts[0]) else {
            return Reply(status: 404, headers: ["X-Error-Code": "RevisionNotFound"])
        }
        let said = ["X-Repo-Commit": commit]
        guard let file = files[String(parts[1])] else {
            return Reply(status: 404, headers: said.merging(["X-Error-Code": "EntryNotFound"]) { $1 })
        }
        guard file.isLarge else {
            var reply = Reply.file(file.bytes, tag: file.tag, to: request)
            reply.headers.merge(said) { $1 }
            return reply
        }
        return Reply(
            status: 302,
            headers: said.merging([
                "Location": "\(storage)/storage/\(file.tag)", "X-Linked-Etag": "\"\(file.tag)\"",
                "X-Linked-Size": "\(file.bytes.count)", "ETag": "\"redirection\"",
            ]) { $1 }, body: Array("Found".utf8))
    }
}
