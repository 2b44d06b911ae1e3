import Archives
import Downloads
import Foundation

/// Files of the Hugging Face hub, fetched once and kept in the hub's own cache.
///
///     let hub = Hub()
///     let repository = try HubRepository("unc-nlp/frcnn-vg-finetuned")
///     if let file = try hub.fetch("pytorch_model.bin", of: repository) { print(file.path, file.commit) }
///
/// A branch or tag is asked for what commit it stands for each time; a file of a commit never again once it is there.
/// Where nobody answers, what was fetched before is taken, and that is told.
package struct Hub: Sendable {
    /// What is asked where, and where files are kept.
    package let environment: HubEnvironment
    /// How files are fetched.
    package var downloader = Downloader()

    /// A hub as the environment says.
    package init(_ environment: HubEnvironment = HubEnvironment()) { self.environment = environment }

    /// A file that is there.
    package struct File: Sendable, Equatable {
        /// The path of the file in the cache, `.../snapshots/COMMIT/NAME`.
        package let path: String
        /// The commit that it is of; as a revision, it brings the other files of the same commit.
        package let commit: String

        /// A file at a path, of a commit.
        package init(path: String, commit: String) { (self.path, self.commit) = (path, commit) }
    }

    /// What happens on the way.
    package enum Event: Sendable {
        /// A file is about to be fetched from an address to a path.
        case fetching(address: String, path: String)
        /// What happens while it is fetched.
        case download(Downloader.Event)
        /// Something that is worth a line.
        case notice(String)
    }

    /// Sees to it that a file is there.
    ///
    /// - Parameters:
    ///   - name: The file's name in the repository, with `/` between folders.
    ///   - repository: The repository.
    ///   - revision: A branch, a tag, or a commit by its 40 digits.
    ///   - isRecorded: Whether the cache notes at once what commit the revision stands for; else ``record(_:of:as:)`` does,
    ///     once all that is wanted of it is there.
    ///   - onEvent: Called when something happens.
    ///   - shouldStop: Asked at least once a second.
    /// - Returns: The file; nil where somebody asked to stop. What has come is kept.
    /// - Throws: `HubError`; `DownloadError` where nobody answers, or the disk takes no more.
    package func fetch(
        _ name: String, of repository: HubRepository, revision: String = "main",
        recorded isRecorded: Bool = true,
        onEvent: @escaping (Event) -> Void = { _ in }, shouldStop: @escaping () -> Bool = { false }
    ) throws -> File? {
        let request = HubRequest(
            hub: self, cache: HubCache(environment.cacheFolder, repository), repository: repository,
            file: try HubPath(name, what: "the name of a file"),
            revision: try HubPath(revision, what: "a branch, tag or commit"), isRecorded: isRecorded,
            onEvent: onEvent, shouldStop: shouldStop)
        return try request.run()
    }

    /// The commit that a revision stood for when it was last recorded; nil where that is not known.
    package func recordedCommit(of repository: HubRepository, at revision: String = "main") throws(HubError)
        -> String?
    {
        HubCache(environment.cacheFolder, repository)
            .commit(of: try HubPath(revision, what: "a branch, tag or commit"))
    }

    /// Notes what commit a revision stands for, so that it is taken where nothing is asked.
    ///
    /// - Throws: `HubError` where the cache cannot be written.
    package func record(_ commit: String, of repository: HubRepository, as revision: String = "main")
        throws(HubError)
    {
        try HubCache(environment.cacheFolder, repository)
            .note(commit, of: HubPath(revision, what: "a branch, tag or commit"))
    }
}

/// One file that is wanted.
private struct HubRequest {
    let hub: Hub
    let cache: HubCache
    let repository: HubRepository
    let file: HubPath
    let revision: HubPath
    let isRecorded: Bool
    let onEvent: (Hub.Event) -> Void
    let shouldStop: () -> Bool

    private var endpoint: String { hub.environment.endpoint }
    private var address: String { repository.address(of: file, at: revision, on: endpoint) }
    /// A hub leads on once or twice.
    private static let mostRedirections = 10

    func run() throws -> Hub.File? {
        let kept = cache.commit(of: revision).flatMap { commit in
            cache.path(of: file, at: commit).map { Hub.File(path: $0, commit: commit) }
        }
        if let kept, revision.isCommit { return kept }
        if let commit = cache.commit(of: revision), revision.isCommit || hub.environment.isOffline,
            cache.isMissing(file, at: commit)
        {
            throw noFile
        }
        guard !hub.environment.isOffline else {
            if let kept { return kept }
            throw HubError.offline(
                repository: repository.id, file: file.text, revision: revision.text,
                cache: hub.environment.cacheFolder)
        }
        do {
            guard let version = try lookUp(mayFail: kept != nil) else { return nil }
            return try bring(version)
        } catch let failure as LookUpFailure {
            guard let kept, failure.leavesKeptFile else { throw failure.cause }
            onEvent(
                .notice(
                    "\(failure.cause); taking \(file.text) as it was fetched before, at commit \(kept.commit)"
                ))
            return kept
        }
    }

    private var noFile: HubError {
        .noFile(repository: repository.id, file: file.text, revision: revision.text)
    }

    // MARK: - What the hub has

    /// The hub cannot be asked what it has.
    private struct LookUpFailure: Error {
        let cause: any Error

        /// Whether what was fetched before is still what is wanted, as far as is known.
        var leavesKeptFile: Bool {
            switch cause as? HubError {
            case .noRevision, .noFile: false
            default: true
            }
        }
    }

    /// Asks what the file is; nil where somebody asked to stop.
    ///
    /// - Parameter mayFail: Whether it is of little harm where nobody answers: it is asked only once then.
    private func lookUp(mayFail: Bool) throws -> HubVersion? {
        do {
            var downloader = try self.downloader()
            if mayFail { downloader.retryLimit = 0 }
            var answers = HubVersion.Answers()
            var place = address
            for _ in 0...Self.mostRedirections {
                guard
                    let head = try downloader.head(
                        of: place, onEvent: { onEvent(.download($0)) }, shouldStop: shouldStop)
                else { return nil }
                answers.add(head)
                guard (300...399).contains(head.status), let next = head.redirection else {
                    guard head.status == 200 else { throw refusal(head, place) }
                    return try answers.version(at: address)
                }
                // Whatever else is led on to is where the bytes are: it knows nothing of the hub, nor should of the token.
                guard Self.origin(of: next) == Self.origin(of: endpoint) else {
                    return try answers.version(at: address)
                }
                place = next
            }
            throw HubError.otherServer(address: address, found: "one that leads on and on")
        } catch {
            throw LookUpFailure(cause: error)
        }
    }

    /// The scheme, host and port of an address.
    private static func origin(of address: String) -> [String] {
        guard let parts = URLComponents(string: address), let scheme = parts.scheme?.lowercased() else {
            return [address]
        }
        let port = parts.port ?? (scheme == "https" ? 443 : 80)
        return [scheme, parts.host?.lowercased() ?? "", "\(port)"]
    }

    private func refusal(_ head: ResponseHead, _ place: String) -> any Error {
        if head["X-Error-Code"] == "EntryNotFound",
            let commit = revision.isCommit ? revision.text : head["X-Repo-Commit"]
        {
            // What a commit lacks it will always lack.
            cache.noteMissing(file, at: commit)
        }
        return switch (head.status, head["X-Error-Code"]) {
        case (_, "GatedRepo"): HubError.gated(repository: repository.id, endpoint: endpoint)
        case (_, "RevisionNotFound"):
            HubError.noRevision(repository: repository.id, revision: revision.text)
        case (_, "EntryNotFound"): noFile
        case (401, _) where head["X-Error-Message"]?.contains("Invalid credentials") == true:
            HubError.wrongToken(endpoint: endpoint)
        case (_, "RepoNotFound"), (401, _):
            HubError.noRepository(repository: repository.id, endpoint: endpoint)
        case (let status, _): DownloadError(address: place, reason: .refused(status: status))
        }
    }

    // MARK: - Fetching

    private func downloader() throws -> Downloader {
        var downloader = hub.downloader
        // Packed by the server, a file would have another length.
        downloader.headers.append("Accept-Encoding: identity")
        if let token = try hub.environment.token() {
            downloader.headers.append("Authorization: Bearer \(token)")
        }
        return downloader
    }

    private func bring(_ version: HubVersion) throws -> Hub.File? {
        if !cache.has(version) {
            try cache.makeFolder()
            guard let lock = try lock(version.tag) else { return nil }
            defer { withExtendedLifetime(lock) {} }
            // Who had the lock may have fetched it.
            if !cache.has(version), try !fetch(version) { return nil }
        }
        let path = try cache.link(file, to: version)
        if isRecorded { try cache.note(version.commit, of: revision) }
        return Hub.File(path: path, commit: version.commit)
    }

    /// Waits for whoever is fetching the blob; nil where somebody asked to stop.
    private func lock(_ tag: String) throws -> FileLock? {
        var isTold = false
        while !shouldStop() {
            if let lock = try cache.lock(tag) { return lock }
            if !isTold { onEvent(.notice("waiting for another program that is fetching \(file.text)")) }
            isTold = true
            Thread.sleep(forTimeInterval: 0.1)
        }
        return nil
    }

    /// Fetches a blob, once more where it comes damaged.
    ///
    /// - Returns: Whether it is there; false where somebody asked to stop.
    private func fetch(_ version: HubVersion) throws -> Bool {
        // Of the commit, so that it is the same file however long it takes.
        let commit = try HubPath(version.commit, what: "a commit")
        let address = repository.address(of: file, at: commit, on: endpoint)
        let blob = cache.blob(version.tag)
        let downloader = try downloader()
        let known = Downloader.KnownVersion(byteCount: version.byteCount) { path, shouldStop in
            try Self.check(path, version, address, shouldStop)
        }
        onEvent(.fetching(address: address, path: blob))
        var isSecond = false
        while true {
            do {
                let outcome = try downloader.fetch(
                    address, to: blob, version: known, onEvent: { onEvent(.download($0)) },
                    shouldStop: shouldStop)
                return outcome == .complete
            } catch let damage as HubError {
                guard case .damaged = damage, !isSecond else { throw damage }
                isSecond = true
                onEvent(.notice("\(damage): fetching it again"))
            }
        }
    }

    private static func check(
        _ path: String, _ version: HubVersion, _ address: String, _ shouldStop: () -> Bool
    ) throws -> Bool {
        guard let checksum = BlobChecksum(ofName: version.tag) else { return true }
        guard let found = try checksum.text(of: path, shouldStop: shouldStop) else { return false }
        guard found == version.tag else {
            throw HubError.damaged(address: address, expected: version.tag, found: found)
        }
        return true
    }
}
