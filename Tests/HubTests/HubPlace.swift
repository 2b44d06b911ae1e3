import Downloads
import Foundation
import Hub
import TestSupport
import Testing

/// A repository with a large file, a small one, and one in a folder; a cache to fetch them to; and what happens.
final class HubPlace {
    static let repository = "org/net"
    /// 300,000 bytes that are nowhere alike, and their SHA-256 by Python's hashlib.
    static let weights: HubServer.File = {
        var state: UInt64 = 1
        let bytes = (0..<300_000).map { _ in
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return UInt8(state >> 56)
        }
        return .init(
            bytes, tag: "f09241518929350c2f91b5923404bcf747ec72d2cf93bdb1c0eb83f9a48904a4", isLarge: true)
    }()
    /// A text, and what `git hash-object` says of it.
    static let settings = HubServer.File(
        Array("{\"model_type\": \"rwsan\"}\n".utf8), tag: "1ddf98bce98a4f8ea1975e08ee5fe42d7421ef7b",
        isLarge: false)
    static let files = ["weights.bin": weights, "config.json": settings, "sub/dir/config.json": settings]

    let server: HubServer
    let folder: TemporaryFolder
    /// Variables beside those that every place has.
    var variables: [String: String] = [:]
    private(set) var notices: [String] = []
    private(set) var addresses: [String] = []
    private(set) var events: [Downloader.Event] = []

    init(
        files: [String: HubServer.File] = HubPlace.files, isRelative: Bool = false,
        fault: @escaping @Sendable (inout HubServer.Reply, HubServer.Place, HubServer.Request, Int) -> Void =
            {
                _, _, _, _ in
            }
    ) throws {
        server = try HubServer(Self.repository, files, isRelative: isRelative, fault: fault)
        folder = try TemporaryFolder()
    }

    /// The repository's folder in the cache.
    var cache: String { folder.file("home/hub/models--org--net") }

    func hub() -> Hub {
        var hub = Hub(
            HubEnvironment(
                ["HF_HOME": folder.file("home"), "HF_ENDPOINT": server.hub.address + "/"].merging(variables) {
                    $1
                }))
        hub.downloader.firstPause = .milliseconds(1)
        hub.downloader.retryLimit = 3
        return hub
    }

    func fetch(
        _ name: String = "weights.bin", revision: String = "main",
        of repository: String = HubPlace.repository,
        stoppingAfter limit: Int = .max
    ) throws -> Hub.File? {
        var byteCount = 0
        return try hub().fetch(
            name, of: HubRepository(repository), revision: revision,
            onEvent: { event in
                switch event {
                case .fetching(let address, _): self.addresses.append(address)
                case .notice(let text): self.notices.append(text)
                case .download(.received(let progress)): byteCount = progress.byteCount
                case .download(let event): self.events.append(event)
                }
            }, shouldStop: { byteCount >= limit })
    }

    /// What fetching fails with, in its own words.
    func failure(
        _ name: String = "weights.bin", revision: String = "main",
        of repository: String = HubPlace.repository,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> HubError {
        try #require(
            #expect(throws: HubError.self, sourceLocation: sourceLocation) {
                _ = try fetch(name, revision: revision, of: repository)
            })
    }

    /// Holds that a file is there as Python's `huggingface_hub` would have it.
    func expect(
        _ file: Hub.File?, _ name: String = "weights.bin", is expected: HubServer.File = HubPlace.weights,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let path = "\(cache)/snapshots/\(HubServer.commit)/\(name)"
        #expect(file == Hub.File(path: path, commit: HubServer.commit), sourceLocation: sourceLocation)
        let link = try FileManager.default.destinationOfSymbolicLink(atPath: path)
        let up = String(repeating: "../", count: name.split(separator: "/").count + 1)
        #expect(link == up + "blobs/" + expected.tag, sourceLocation: sourceLocation)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
        #expect([UInt8](bytes) == expected.bytes, sourceLocation: sourceLocation)
    }

    /// The names of the blobs.
    var blobs: [String] { names("blobs") }

    /// The names of what lies in a folder of the repository's, in alphabetical order.
    func names(_ name: String) -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: cache + "/" + name)) ?? []).sorted()
    }

    /// What a file of the repository's folder holds, as a text.
    func text(_ name: String) -> String? {
        FileManager.default.contents(atPath: cache + "/" + name).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Writes a file into the repository's folder.
    func write(_ name: String, _ bytes: [UInt8]) throws {
        let url = URL(fileURLWithPath: cache + "/" + name)
        try FileManager.default.createDirectory(
            at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: url)
    }

    /// All requests to both servers.
    var requests: [HubServer.Request] { (server.hub.exchanges + server.storage.exchanges).map(\.request) }
}
