import Downloads
import Foundation

/// What the hub says a file is at a revision.
struct HubVersion: Equatable {
    /// The commit that the revision stands for.
    let commit: String
    /// What tells the file's bytes from others, and the name of its blob: the ETag without its marks.
    let tag: String
    /// How many bytes it has, where the hub says.
    let byteCount: Int?

    /// What has been said about a file on the way to where it is.
    struct Answers {
        private var commit: String?
        private var linkedTag: String?
        private var linkedSize: String?
        private var tag: String?
        private var size: String?

        /// Takes in one answer; what a later one says counts.
        mutating func add(_ head: ResponseHead) {
            commit = head["X-Repo-Commit"] ?? commit
            linkedTag = head["X-Linked-Etag"] ?? linkedTag
            linkedSize = head["X-Linked-Size"] ?? linkedSize
            tag = head["ETag"]
            // That of a redirection is the length of the redirection.
            size = head.redirection == nil ? head["Content-Length"] : nil
        }

        /// What they come to.
        ///
        /// - Throws: `HubError` where they are not those of a hub.
        func version(at address: String) throws(HubError) -> HubVersion {
            guard let commit else { throw .otherServer(address: address, found: "one without X-Repo-Commit") }
            guard HubPath.isCommit(commit) else {
                throw .otherServer(address: address, found: "the commit '\(commit.prefix(80))'")
            }
            guard let given = linkedTag ?? tag else {
                throw .otherServer(address: address, found: "one without an ETag")
            }
            let tag = HubVersion.unmarked(given)
            guard HubVersion.isFileName(tag) else {
                throw .otherServer(address: address, found: "the ETag '\(given.prefix(80))'")
            }
            let size = (linkedSize ?? size).flatMap { Int($0) }
            return HubVersion(commit: commit, tag: tag, byteCount: size.flatMap { $0 >= 0 ? $0 : nil })
        }
    }

    /// An ETag without `W/` and quotation marks.
    static func unmarked(_ tag: String) -> String {
        let strong = tag.hasPrefix("W/") ? tag.dropFirst(2) : tag[...]
        return strong.trimmingCharacters(in: CharacterSet(charactersIn: "\""))
    }

    /// Whether an ETag can be the name of a file, and leads nowhere else.
    private static func isFileName(_ tag: String) -> Bool {
        (1...200).contains(tag.utf8.count) && !tag.hasPrefix(".")
            && tag.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "-_.+=:".contains($0)) }
    }
}
