import Downloads
import FileSystem
import Foundation
import Hub
import VisualQuestionAnswering

/// Brings the files of a model that the Hugging Face hub publishes into the hub's cache.
///
/// The first time, `main` is asked for; its commit is recorded in the cache, and what is there of it is taken from then on
/// without a question.
struct PublishedModelFetch {
    let repository: HubRepository
    /// Whether the hub is asked what `main` is now, though there is an older one.
    var isRenewing = false
    /// Whether nothing is asked at all.
    var isOffline = false
    /// Another address that the name of the answers' file follows; nil for their authors'.
    var mirror: String?
    var downloader = Downloader()
    let interrupts: Interrupts

    /// Where a model's files are.
    struct Fetched {
        /// The folder of the commit.
        let folder: String
        /// The commit's name.
        let commit: String
        /// Its answers, where they are not in the folder.
        let answers: String?
        /// Its words, where they are not in the folder.
        let words: String?
    }

    /// The words that LXMERT was trained with.
    private static let wordRepository = "google-bert/bert-base-uncased"
    /// LXMERT's answers as its authors give them.
    private static let answersSource = "https://raw.githubusercontent.com/airsplay/lxmert/master/data/vqa/"
    private static let answersChecksum = "e72e568a6303130f5a627db06360605ee3b306366ff463aa5153d782adc12a7d"
    /// The published weights have less than a fourth of that.
    private static let mostBytes = 4 << 30

    /// Sees to it that all files are there.
    ///
    /// - Throws: `FetchStopped`; `HubError`, `DownloadError` or `PublishedModelError` where they cannot be had.
    func run() throws -> Fetched {
        let isOffline = isOffline || HubEnvironment().isOffline
        if isRenewing, !isOffline { return try asked(HubFiles(self, isOffline: false), of: "main") }
        do {
            return try files(HubFiles(self, isOffline: true), of: "main")
        } catch let error as HubError {
            // What is not there may be had of the hub.
            guard !isOffline else { throw NotFetched(repository: repository.id, error, self.isOffline) }
        }
        let hub = HubFiles(self, isOffline: false)
        return try asked(hub, of: hub.hub.recordedCommit(of: repository) ?? "main")
    }

    /// Asks the hub for what is not there, and records the commit when all is.
    private func asked(_ hub: HubFiles, of revision: String) throws -> Fetched {
        try tell(hub, of: revision)
        let fetched = try files(hub, of: revision)
        try hub.hub.record(fetched.commit, of: repository)
        return fetched
    }

    private func files(_ hub: HubFiles, of revision: String) throws -> Fetched {
        let configuration = try hub.fetch("config.json", of: repository, revision: revision)
        let folder = URL(fileURLWithPath: configuration.path).deletingLastPathComponent().path
        let files = try PublishedModel.neededFiles(folder, models: Registries.current.models)
        func bring(_ name: String) throws -> String {
            try hub.fetch(name, of: repository, revision: configuration.commit).path
        }
        for name in files.wanted { _ = try hub.ifThere { try bring(name) } }
        for names in files.needed {
            var missing: HubError?
            for name in names {
                do {
                    _ = try bring(name)
                    missing = nil
                    break
                } catch let error as HubError where error.isOfOneFile {
                    missing = missing ?? error
                }
            }
            if let missing { throw missing }
        }
        var words: String?
        if let name = files.words, try hub.ifThere({ try bring(name) }) == nil {
            words = try hub.fetch(name, of: HubRepository(Self.wordRepository)).path
        }
        var answers: String?
        if let name = files.answers, try hub.ifThere({ try bring(name) }) == nil {
            answers = try self.answers(name, hub)
        }
        return Fetched(folder: folder, commit: configuration.commit, answers: answers, words: words)
    }

    /// Says what is about to be fetched, and under which licence.
    private func tell(_ hub: HubFiles, of revision: String) throws {
        let card = try hub.ifThere { try hub.fetch("README.md", of: repository, revision: revision).path }
        let licence = card.flatMap(ModelCard.licence)
        Console.note(
            "\(repository): fetching the model from \(hub.environment.endpoint) to \(hub.environment.cacheFolder); licence: "
                + (licence ?? "see \(hub.environment.endpoint)/\(repository)"))
    }

    /// The list of answers, from its authors' own repository.
    private func answers(_ name: String, _ hub: HubFiles) throws -> String {
        let folder = UserCache.folder(ProcessInfo.processInfo.environment) + "/models/lxmert"
        let path = folder + "/" + name
        if FileManager.default.fileExists(atPath: path) { return path }
        guard !hub.isOffline else {
            throw HubError.offline(
                repository: repository.id, file: name, revision: "main", cache: folder)
        }
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        var downloader = downloader
        downloader.byteLimit = 1 << 20
        let address = (mirror ?? Self.answersSource) + name
        let unchecked = path + ".unchecked"
        try downloader.fetchShowing(address, to: unchecked, interrupts)
        defer { unlink(unchecked) }
        if try BlobChecksum.sha256.text(of: unchecked) != Self.answersChecksum {
            guard mirror != nil else { throw WrongAnswers(address: address) }
            Console.note("\(address): the answers are not those that LXMERT was published with")
        }
        guard rename(unchecked, path) == 0 else {
            throw UnwritableOutput(path: path, reason: String(cString: strerror(errno)))
        }
        return path
    }

    /// The hub, and how a file of it comes.
    private struct HubFiles {
        let fetch: PublishedModelFetch
        let hub: Hub

        var environment: HubEnvironment { hub.environment }
        var isOffline: Bool { environment.isOffline }

        init(_ fetch: PublishedModelFetch, isOffline: Bool) {
            var variables = ProcessInfo.processInfo.environment
            if isOffline { variables["HF_HUB_OFFLINE"] = "1" }
            var hub = Hub(HubEnvironment(variables))
            hub.downloader = fetch.downloader
            hub.downloader.byteLimit = PublishedModelFetch.mostBytes
            (self.fetch, self.hub) = (fetch, hub)
        }

        /// - Throws: `HubError`; `DownloadError`; `FetchStopped`.
        func fetch(_ name: String, of repository: HubRepository, revision: String = "main") throws -> Hub.File
        {
            // The model's own commit is recorded when all of it is there.
            try hub.fetchShowing(
                name, of: repository, revision: revision, recorded: repository != fetch.repository,
                fetch.interrupts)
        }

        /// What `body` gives; nil where it is known that the repository has no such file.
        func ifThere<Result>(_ body: () throws -> Result) throws -> Result? {
            do { return try body() } catch HubError.noFile { return nil }
        }
    }
}

extension HubError {
    /// Whether other files of the repository may be there all the same.
    fileprivate var isOfOneFile: Bool {
        switch self {
        case .noFile, .offline: true
        default: false
        }
    }
}

/// A model that is not in the cache, or not all of it, where nothing is to be asked.
private struct NotFetched: Error, CustomStringConvertible {
    let repository: String
    let cause: HubError
    /// Whether `--offline` keeps from asking, and not the environment.
    let isOption: Bool

    init(repository: String, _ cause: HubError, _ isOption: Bool) {
        (self.repository, self.cause, self.isOption) = (repository, cause, isOption)
    }

    var description: String {
        guard case .offline(_, let file, _, let cache) = cause else { return cause.description }
        return "\(repository): expected the model's \(file) in \(cache), found none: "
            + "'\(Program.name) fetch model \(repository)' brings it, without "
            + (isOption ? "--offline" : "HF_HUB_OFFLINE")
    }
}

/// The page that describes a model, which begins with some lines of YAML.
private enum ModelCard {
    private static let mostBytes = 1 << 20

    /// What it says of the licence.
    static func licence(_ path: String) -> String? {
        guard let bytes = try? SmallFile.contents(of: path, byteLimit: mostBytes) else { return nil }
        let lines = String(decoding: bytes, as: UTF8.self).split(
            separator: "\n", omittingEmptySubsequences: false)
        guard lines.first?.trimmingCharacters(in: .whitespaces) == "---" else { return nil }
        for line in lines.dropFirst() {
            if line.hasPrefix("---") { return nil }
            if line.hasPrefix("license:") {
                let value = line.dropFirst("license:".count).trimmingCharacters(in: .whitespaces)
                return value.isEmpty ? nil : PrintableText.escaping(String(value.prefix(80)))
            }
        }
        return nil
    }
}

/// A list of answers that is not the published one.
private struct WrongAnswers: Error, CustomStringConvertible {
    let address: String
    var description: String {
        "\(address): expected the answers that LXMERT was published with, found other bytes: name a file with --answers"
    }
}
