import Downloads
import Foundation
import TestSupport
import Testing

typealias Reply = LoopbackServer.Reply

/// A megabyte that is nowhere like itself.
let content: [UInt8] = {
    var state: UInt64 = 1
    return (0..<1_000_000).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return UInt8(state >> 56)
    }
}()

/// A folder to fetch to, and what happens on the way.
final class Attempt {
    let folder: TemporaryFolder
    var downloader = Downloader()
    private(set) var events: [Downloader.Event] = []
    private(set) var progress: [Downloader.Progress] = []

    init() throws {
        folder = try TemporaryFolder()
        downloader.firstPause = .milliseconds(1)
        downloader.retryLimit = 3
    }

    func fetch(_ address: String, stoppingAfter limit: Int = .max) throws -> Downloader.Outcome {
        var byteCount = 0
        return try downloader.fetch(
            address, to: folder.file("a"),
            onEvent: { event in
                if case .received(let progress) = event {
                    self.progress.append(progress)
                    byteCount = progress.byteCount
                } else {
                    self.events.append(event)
                }
            },
            shouldStop: { byteCount >= limit })
    }

    /// What the download fails with.
    func failure(_ address: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> DownloadError
    {
        try #require(
            #expect(throws: DownloadError.self, sourceLocation: sourceLocation) { _ = try fetch(address) })
    }

    var retryCount: Int { events.count { if case .retrying = $0 { true } else { false } } }
    var restartCount: Int { events.count { if case .startingAgain = $0 { true } else { false } } }

    /// Whether the file is whole and nothing else is left.
    func expectWhole(_ bytes: [UInt8] = content, sourceLocation: SourceLocation = #_sourceLocation) throws {
        #expect(try folder.names() == ["a"], sourceLocation: sourceLocation)
        #expect(try folder.bytes(of: "a") == bytes, sourceLocation: sourceLocation)
    }
}
