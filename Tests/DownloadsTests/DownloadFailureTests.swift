import Downloads
import Foundation
import TestSupport
import Testing

/// Servers that fail: for a while, which is waited for, or for good, which is told.
@Suite struct DownloadFailureTests {
    @Test("an error that passes is waited for", arguments: [500, 502, 503, 429, 408])
    func passingError(status: Int) throws {
        let server = try LoopbackServer { request, earlier in
            earlier < 2
                ? Reply(status: status, body: Array("sorry".utf8)) : .file(content, tag: "1", to: request)
        }
        let attempt = try Attempt()
        _ = try attempt.fetch(server.address + "/a")
        try attempt.expectWhole()
        #expect(server.exchanges.count == 3)
        #expect(attempt.retryCount == 2, "\(attempt.events)")
    }

    @Test("an error in the middle leaves what is there")
    func errorInTheMiddle() throws {
        let server = try LoopbackServer { request, earlier in
            if earlier == 1 { return Reply(status: 503, body: Array("sorry".utf8)) }
            var reply = Reply.file(content, tag: "1", to: request)
            if earlier == 0 { reply.cutAfter = 400_000 }
            return reply
        }
        let attempt = try Attempt()
        _ = try attempt.fetch(server.address + "/a")
        try attempt.expectWhole()
        #expect(server.exchanges.map(\.request.offset) == [nil, 400_000, 400_000])
    }

    @Test("pauses grow, and are as long as the server asks for")
    func pauses() throws {
        let server = try LoopbackServer { request, earlier in
            if earlier == 3 { return Reply(status: 503, headers: ["Retry-After": "1"]) }
            return earlier < 3 ? Reply(status: 500) : .file(content, tag: "1", to: request)
        }
        let attempt = try Attempt()
        attempt.downloader.retryLimit = 4
        attempt.downloader.firstPause = .milliseconds(10)
        let start = ContinuousClock.now
        _ = try attempt.fetch(server.address + "/a")
        #expect(ContinuousClock.now - start >= .milliseconds(1_070))
        let pauses = attempt.events.compactMap { if case .retrying(_, let pause) = $0 { pause } else { nil } }
        #expect(pauses == [.milliseconds(10), .milliseconds(20), .milliseconds(40), .seconds(1)])
    }

    @Test("a server that asks to come back after too long is given up, and the error says when")
    func putOff() throws {
        let server = try LoopbackServer { _, _ in Reply(status: 429, headers: ["Retry-After": "3600"]) }
        let attempt = try Attempt()
        let error = try attempt.failure(server.address + "/a")
        #expect(error.reason == .putOff(status: 429, seconds: 3600))
        #expect("\(error)".contains(server.address + "/a") && "\(error)".contains("3600 s"))
    }

    @Test("an error that lasts is told after the last retry, and what came is kept")
    func lastingError() throws {
        let server = try LoopbackServer { request, earlier in
            guard earlier == 0 else { return Reply(status: 500) }
            var reply = Reply.file(content, tag: "1", to: request)
            reply.cutAfter = 400_000
            return reply
        }
        let attempt = try Attempt()
        let error = try attempt.failure(server.address + "/a")
        #expect(error.reason == .refused(status: 500))
        // The cut is the first of the tries that came no further.
        #expect(error.attempts == 4 && server.exchanges.count == 4)
        #expect("\(error)".contains("status 500") && "\(error)".contains("tried 4 times"))
        #expect(try attempt.folder.bytes(of: "a.partial") == Array(content.prefix(400_000)))
    }

    @Test(
        "an error that does not pass is told at once and leaves nothing behind",
        arguments: [404, 403, 410, 204, 304])
    func refused(status: Int) throws {
        let server = try LoopbackServer { _, _ in
            Reply(status: status, body: status < 400 ? [] : Array("<html>".utf8))
        }
        let attempt = try Attempt()
        let error = try attempt.failure(server.address + "/a")
        #expect(error.reason == .refused(status: status))
        #expect("\(error)".hasPrefix(server.address + "/a: "))
        #expect(server.exchanges.count == 1)
        #expect("\(error)".contains("\(status)"))
        #expect(try attempt.folder.names().isEmpty)
    }

    @Test("a connection that stalls counts as cut")
    func stalled() throws {
        let server = try LoopbackServer { request, earlier in
            var reply = Reply.file(content, tag: "1", to: request)
            if earlier == 0 { reply.stallAfter = 400_000 }
            return reply
        }
        let attempt = try Attempt()
        attempt.downloader.stallTimeout = .seconds(1)
        _ = try attempt.fetch(server.address + "/a")
        try attempt.expectWhole()
        #expect(server.exchanges.map(\.request.offset) == [nil, 400_000])
    }

    @Test("a server that claims more than it has is found out")
    func claimsMore() throws {
        let server = try LoopbackServer { request, _ in
            var reply = Reply.file(content, tag: "1", to: request)
            if request.offset == nil { reply.headers["Content-Length"] = "1000100" }
            return reply
        }
        let attempt = try Attempt()
        let error = try attempt.failure(server.address + "/a")
        #expect(error.attempts == 4)
        guard case .cutShort(expected: 1_000_100, found: 1_000_000, _) = error.reason else {
            // Every other time it is asked for the rest, and says that there is none.
            #expect(
                error.reason
                    == .wrongAnswer(expected: "the bytes from 1000000", found: "that there are none"))
            return
        }
    }

    @Test("a response that ends early without having said how long it is counts as whole")
    func unknownLength() throws {
        let server = try LoopbackServer { request, _ in
            Reply(headers: ["Content-Length": "", "ETag": "\"1\""], body: content)
        }
        let attempt = try Attempt()
        _ = try attempt.fetch(server.address + "/a")
        try attempt.expectWhole()
        #expect(attempt.progress.last?.totalByteCount == nil)
        #expect(attempt.progress.last?.secondsLeft == nil)
    }

    @Test("nobody listening, no such host, and no address at all are told at once", .timeLimit(.minutes(1)))
    func unreachable() throws {
        let attempt = try Attempt()
        attempt.downloader.firstPause = .seconds(100)
        var closed = ""
        do { closed = try LoopbackServer { _, _ in Reply() }.address }
        for (address, part) in [
            (closed + "/a", "cannot be reached"), ("http://no-such-host.invalid/a", "no-such-host.invalid"),
            ("ftp://127.0.0.1/a", "expected an address of http, https or file"),
            ("http://", "expected an address of http, https or file"),
        ] {
            let error = try attempt.failure(address)
            #expect("\(error)".contains(part) && "\(error)".contains(address))
            #expect(error.attempts == 1)
        }
        #expect(try attempt.folder.names().isEmpty)
    }

    @Test("a redirect that leads out of the web, or in a circle, is not followed")
    func badRedirect() throws {
        let attempt = try Attempt()
        let secret = try attempt.folder.write("secret", "for nobody")
        for place in ["file://" + secret, "/a"] {
            let server = try LoopbackServer { _, _ in Reply(status: 302, headers: ["Location": place]) }
            _ = try attempt.failure(server.address + "/a")
            #expect(try attempt.folder.names() == ["secret"])
        }
    }

    @Test("a folder that is not there is told with the file and the system's reason")
    func missingFolder() throws {
        let server = try LoopbackServer { request, _ in .file(content, tag: "1", to: request) }
        let folder = try TemporaryFolder()
        let missing = try #require(
            #expect(throws: DownloadError.self) {
                _ = try Downloader().fetch(server.address + "/a", to: folder.file("no/a"))
            })
        #expect("\(missing)".contains(folder.file("no/a.partial")))
        #expect("\(missing)".contains("No such file or directory"))
    }

    @Test("two downloads to the same file do not mix")
    func inUse() throws {
        let server = try LoopbackServer { request, _ in .file(content, tag: "1", to: request) }
        let folder = try TemporaryFolder()
        var second: (any Error)?
        _ = try Downloader().fetch(
            server.address + "/a", to: folder.file("a"),
            onEvent: { _ in
                guard second == nil else { return }
                do { _ = try Downloader().fetch(server.address + "/a", to: folder.file("a")) } catch {
                    second = error
                }
            })
        #expect((second as? DownloadError)?.reason == .inUse(file: folder.file("a")))
        #expect(try folder.bytes(of: "a") == content)
        #expect(server.exchanges.count == 1)
    }

    @Test("a pause ends when somebody asks to stop")
    func stoppedInPause() throws {
        let server = try LoopbackServer { _, _ in Reply(status: 500) }
        let folder = try TemporaryFolder()
        var downloader = Downloader()
        downloader.firstPause = .seconds(60)
        var isPausing = false
        let start = ContinuousClock.now
        let outcome = try downloader.fetch(
            server.address + "/a", to: folder.file("a"), onEvent: { _ in isPausing = true },
            shouldStop: { isPausing })
        #expect(outcome == .interrupted)
        #expect(ContinuousClock.now - start < .seconds(5))
    }
}
