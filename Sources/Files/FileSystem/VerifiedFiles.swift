import Foundation

/// The files whose contents have been found to be as their checksums say, remembered from one process to the next.
///
/// One file, `verified.json` in the user's cache, has the identity of each, so that a changed file is not among them. It
/// is replaced as a whole: any number of processes may use it at once, and what one of them adds while another does is
/// lost at worst, which means verifying once more. It can be deleted at any time.
package struct VerifiedFiles: Sendable {
    /// The path of the file. Neither it nor its folder need be there.
    package let path: String

    /// How many files are remembered, those verified last: some 500 GB of feature shards.
    static let limit = 4096
    /// Counts up whenever what is verified changes its meaning.
    private static let version = 1
    /// After how many microseconds a file that has just been changed is settled.
    private static let settlingTime: useconds_t = 60_000

    private struct Contents: Codable {
        var version = VerifiedFiles.version
        var files: [FileIdentity] = []
    }

    /// `verified.json` in the project's cache: `$RWSAN_CACHE`, else `$XDG_CACHE_HOME/rwsan`, else `~/.cache/rwsan`.
    ///
    /// - Parameter environment: The variables to go by.
    package init(environment: [String: String] = ProcessInfo.processInfo.environment) {
        self.init(path: UserCache.folder(environment) + "/verified.json")
    }

    /// - Parameter path: The path of the file.
    package init(path: String) { self.path = path }

    /// The files as they were when they were verified.
    ///
    /// - Parameter onNotice: Told in one line where the memory is damaged, so that nothing is remembered.
    package func identities(onNotice: (String) -> Void) -> Set<FileIdentity> {
        do {
            return Set(try contents().files)
        } catch {
            onNotice("\(path) is damaged, so feature stores are verified anew: \(Self.reason(of: error))")
            return []
        }
    }

    /// Adds files that have been verified, and drops those that are gone or have been changed since.
    ///
    /// - Parameters:
    ///   - files: The files as they were before they were read.
    ///   - onNotice: Told in one line where they cannot be remembered.
    package func remember(_ files: [FileIdentity], onNotice: (String) -> Void) {
        guard !files.isEmpty else { return }
        // A change to come has to show in the file's times.
        if !files.allSatisfy(\.isSettled) { usleep(Self.settlingTime) }
        let settled = files.filter(\.isSettled)
        let added = Set(settled.map(\.path))
        // What is damaged has been told of when it was read.
        let earlier = ((try? contents().files) ?? []).filter { !added.contains($0.path) }
        let present = (earlier + settled).filter { $0 == FileIdentity(URL(fileURLWithPath: $0.path)) }
        do {
            let file = URL(fileURLWithPath: path)
            try FileManager.default.createDirectory(
                at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
            try JSONEncoder().encode(Contents(files: present.suffix(Self.limit)))
                .write(to: file, options: .atomic)
        } catch {
            onNotice(
                "that feature stores are verified is not remembered for the next time: \(path): "
                    + systemReason(of: error))
        }
    }

    /// What is remembered; nothing where there is no file, or one of another version.
    private func contents() throws -> Contents {
        guard access(path, F_OK) == 0 else { return Contents() }
        let contents = try JSONDecoder().decode(
            Contents.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
        return contents.version == Self.version ? contents : Contents()
    }

    private static func reason(of error: any Error) -> String {
        error is DecodingError ? "expected JSON of files" : systemReason(of: error)
    }
}
