import Downloads
import Foundation
import TestSupport
import Testing

/// Files of which it is known what they are, limits that hold for all, and what a server says without sending.
@Suite struct KnownVersionTests {
    private struct Wrong: Error {}

    /// Fetches the file of 1,000,000 bytes, whose bytes are looked at.
    private func fetch(
        _ server: LoopbackServer, to folder: TemporaryFolder, byteCount: Int? = content.count,
        stoppingAfter limit: Int = .max
    ) throws -> Downloader.Outcome {
        var downloader = Downloader()
        (downloader.firstPause, downloader.retryLimit) = (.milliseconds(1), 3)
        var received = 0
        return try downloader.fetch(
            server.address + "/a", to: folder.file("a"),
            version: .init(byteCount: byteCount) { path, _ in
                guard try [UInt8](Data(contentsOf: URL(fileURLWithPath: path))) == content else {
                    throw Wrong()
                }
                return true
            },
            onEvent: { if case .received(let progress) = $0 { received = progress.byteCount } },
            shouldStop: { received >= limit })
    }

    @Test("a known file is gone on with whatever the server calls it, without a note beside it")
    func resumed() throws {
        let server = try LoopbackServer { request, earlier in
            .file(content, tag: "\(earlier)", checksCondition: false, to: request)
        }
        let folder = try TemporaryFolder()
        #expect(try fetch(server, to: folder, stoppingAfter: 300_000) == .interrupted)
        #expect(try folder.names() == ["a.incomplete"])
        let kept = try folder.bytes(of: "a.incomplete").count
        #expect(try fetch(server, to: folder) == .complete)
        #expect(try folder.names() == ["a"])
        #expect(server.exchanges.map(\.request.offset) == [nil, kept])
        #expect(server.exchanges.allSatisfy { $0.request.headers["if-range"] == nil })
    }

    @Test("bytes that are not the known ones are thrown away", arguments: [true, false])
    func wrong(isLengthKnown: Bool) throws {
        let server = try LoopbackServer { request, _ in
            .file(content.dropLast() + [content[999_999] ^ 1], tag: "1", to: request)
        }
        let folder = try TemporaryFolder()
        #expect(throws: Wrong.self) {
            _ = try fetch(server, to: folder, byteCount: isLengthKnown ? content.count : nil)
        }
        #expect(try folder.names().isEmpty)
    }

    @Test("a part of a file of another length is no part of it")
    func otherPart() throws {
        let server = try LoopbackServer { request, _ in .file(content + [0], tag: "1", to: request) }
        let folder = try TemporaryFolder()
        _ = try folder.write("a.incomplete", content.prefix(5000))
        let error = try #require(
            #expect(throws: DownloadError.self) { _ = try fetch(server, to: folder) })
        #expect("\(error)".contains("expected a file of 1000000 bytes, found one of 1000001"))
    }

    @Test(
        "a file longer than it may be is refused, whether the server says so or not",
        arguments: [true, false])
    func tooLarge(isStated: Bool) throws {
        let server = try LoopbackServer { request, _ in
            var reply = Reply.file(content, tag: "1", to: request)
            if !isStated { reply.headers["Content-Length"] = "" }
            return reply
        }
        let attempt = try Attempt()
        attempt.downloader.byteLimit = 999_999
        #expect(try attempt.failure(server.address + "/a").reason == .tooLarge(byteLimit: 999_999))
        attempt.downloader.byteLimit = 1_000_000
        #expect(try attempt.fetch(server.address + "/a") == .complete)
    }

    @Test("a file that is larger than the disk's room is refused before its first byte")
    func noRoom() throws {
        let server = try LoopbackServer { _, _ in
            Reply(headers: ["Content-Length": "1000000000000000"], body: content)
        }
        let attempt = try Attempt()
        let error = try attempt.failure(server.address + "/a")
        guard case .noRoom(_, expected: 1_000_000_000_000_000, let found) = error.reason else {
            Issue.record("\(error)")
            return
        }
        #expect(found > 0 && "\(error)".contains("make room"))
        #expect(try attempt.folder.names().isEmpty && attempt.progress.isEmpty)
    }

    @Test("it is told once that bytes will come, and how many")
    func starting() throws {
        let server = try LoopbackServer { request, earlier in
            var reply = Reply.file(content, tag: "1", to: request)
            if earlier < 2 { reply.cutAfter = 1000 }
            return reply
        }
        let attempt = try Attempt()
        _ = try attempt.fetch(server.address + "/a")
        let counts = attempt.events.compactMap { if case .starting(let count) = $0 { count } else { nil } }
        #expect(counts == [1_000_000])
    }

    @Test("the head of an answer is told, where a server leads on to as well, and no bytes come")
    func head() throws {
        let server = try LoopbackServer { request, earlier in
            switch request.path {
            case "/moved": Reply(status: 302, headers: ["Location": "/b?c=d"])
            case "/busy":
                earlier < 2 ? Reply(status: 503) : Reply(headers: ["X-Some": "thing"], body: content)
            default: Reply(status: 404, body: Array("sorry".utf8))
            }
        }
        var downloader = Downloader()
        downloader.firstPause = .milliseconds(1)
        downloader.headers = ["X-Mine: yes"]
        let moved = try #require(try downloader.head(of: server.address + "/moved"))
        #expect(moved.status == 302 && moved.redirection == server.address + "/b?c=d")
        let busy = try #require(try downloader.head(of: server.address + "/busy"))
        #expect(busy.status == 200 && busy["X-Some"] == "thing" && busy["content-length"] == "1000000")
        #expect(busy.redirection == nil)
        #expect(try downloader.head(of: server.address + "/none")?.status == 404)
        #expect(server.exchanges.count == 5 && server.exchanges.allSatisfy { $0.sentByteCount == 0 })
        #expect(
            server.exchanges.allSatisfy {
                $0.request.method == "HEAD" && $0.request.headers["x-mine"] == "yes"
            })
        #expect(try downloader.head(of: server.address + "/busy", shouldStop: { true }) == nil)
    }

    @Test("a link in place of the bytes that are to come is not followed")
    func linkInPlace() throws {
        let server = try LoopbackServer { request, _ in .file(content, tag: "1", to: request) }
        let folder = try TemporaryFolder()
        let secret = try folder.write("other", "of somebody else")
        symlink(secret, folder.file("a.partial"))
        let error = try #require(
            #expect(throws: DownloadError.self) {
                _ = try Downloader().fetch(server.address + "/a", to: folder.file("a"))
            })
        #expect("\(error)".contains("a.partial"))
        #expect(try folder.bytes(of: "other") == Array("of somebody else".utf8))
    }
}
