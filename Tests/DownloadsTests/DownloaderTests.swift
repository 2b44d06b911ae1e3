import Downloads
import Foundation
import TestSupport
import Testing

@Suite struct DownloaderTests {
    @Test("a file is fetched whole, with progress to its end")
    func whole() throws {
        let server = try LoopbackServer { request, _ in .file(content, tag: "1", to: request) }
        let attempt = try Attempt()
        #expect(try attempt.fetch(server.address + "/a") == .complete)
        try attempt.expectWhole()
        #expect(server.exchanges.count == 1)
        let last = try #require(attempt.progress.last)
        #expect(last.byteCount == content.count && last.totalByteCount == content.count)
        #expect(last.bytesPerSecond > 0 && last.secondsLeft == 0)
        #expect(attempt.progress.map(\.byteCount) == attempt.progress.map(\.byteCount).sorted())
    }

    @Test("an empty file is a file")
    func empty() throws {
        let server = try LoopbackServer { request, _ in .file([], tag: "1", to: request) }
        let attempt = try Attempt()
        #expect(try attempt.fetch(server.address + "/a") == .complete)
        try attempt.expectWhole([])
    }

    @Test("a cut connection is gone on with where it was cut, as often as it comes further")
    func cut() throws {
        // More cuts than retries without progress are allowed.
        let server = try LoopbackServer { request, earlier in
            var reply = Reply.file(content, tag: "1", to: request)
            if earlier < 9 { reply.cutAfter = 100_000 }
            return reply
        }
        let attempt = try Attempt()
        #expect(try attempt.fetch(server.address + "/a") == .complete)
        try attempt.expectWhole()
        #expect(server.exchanges.map { $0.request.offset ?? 0 } == (0..<10).map { $0 * 100_000 })
        #expect(server.exchanges.dropFirst().allSatisfy { $0.request.headers["if-range"] == "\"1\"" })
        #expect(server.exchanges.reduce(0) { $0 + $1.sentByteCount } == content.count, "no byte twice")
    }

    @Test("what an earlier attempt left is gone on with; without an ETag, by the time of the last change")
    func resumed() throws {
        let date = "Wed, 26 Apr 2017 16:35:06 GMT"
        for hasTag in [true, false] {
            let server = try LoopbackServer { request, _ in
                .file(content, tag: hasTag ? "1" : nil, date: date, to: request)
            }
            let attempt = try Attempt()
            #expect(try attempt.fetch(server.address + "/a", stoppingAfter: 300_000) == .interrupted)
            #expect(try attempt.folder.names() == ["a.partial", "a.partial.json"])
            let kept = try attempt.folder.bytes(of: "a.partial").count
            #expect(kept >= 300_000 && kept < content.count)
            #expect(try attempt.fetch(server.address + "/a") == .complete)
            try attempt.expectWhole()
            #expect(server.exchanges.map(\.request.offset) == [nil, kept])
            #expect(attempt.restartCount == 0)
        }
    }

    @Test("a file that has changed on the server is begun anew, not glued")
    func changed() throws {
        let other = [UInt8](content.reversed())
        let server = try LoopbackServer { request, earlier in
            var reply = Reply.file(earlier == 0 ? content : other, tag: "\(earlier)", to: request)
            if earlier == 0 { reply.cutAfter = 400_000 }
            return reply
        }
        let attempt = try Attempt()
        #expect(try attempt.fetch(server.address + "/a") == .complete)
        try attempt.expectWhole(other)
        #expect(server.exchanges.count == 2 && attempt.restartCount == 1)
    }

    @Test("a changed file is noticed too where the server does not look at the condition")
    func changedUnconditionally() throws {
        let other = [UInt8](content.reversed())
        let server = try LoopbackServer { request, earlier in
            var reply = Reply.file(
                earlier == 0 ? content : other, tag: "\(min(earlier, 1))", checksCondition: false, to: request
            )
            if earlier == 0 { reply.cutAfter = 400_000 }
            return reply
        }
        let attempt = try Attempt()
        #expect(try attempt.fetch(server.address + "/a") == .complete)
        try attempt.expectWhole(other)
        #expect(server.exchanges.map(\.request.offset) == [nil, 400_000, nil])
    }

    @Test("another address, or a note that is lost or damaged, begins the file anew")
    func otherOrigin() throws {
        let server = try LoopbackServer { request, _ in .file(content, tag: "1", to: request) }
        for prepare in [
            { _ in }, { try FileManager.default.removeItem(atPath: $0.file("a.partial.json")) },
            { _ = try $0.write("a.partial.json", "{") },
        ] as [(TemporaryFolder) throws -> Void] {
            let attempt = try Attempt()
            _ = try attempt.fetch(server.address + "/a", stoppingAfter: 100_000)
            try prepare(attempt.folder)
            _ = try attempt.fetch(server.address + "/b")
            try attempt.expectWhole()
            #expect(server.exchanges.last?.request.offset == nil)
        }
    }

    @Test("bytes of a file that says no version are never gone on with")
    func withoutVersion() throws {
        let server = try LoopbackServer { _, earlier in
            var reply = Reply(body: content)
            if earlier == 0 { reply.cutAfter = 400_000 }
            return reply
        }
        let attempt = try Attempt()
        _ = try attempt.fetch(server.address + "/a")
        try attempt.expectWhole()
        #expect(server.exchanges.map(\.request.offset) == [nil, nil])
    }

    @Test("a weak ETag, which other bytes may share, is not relied on")
    func weakTag() throws {
        let server = try LoopbackServer { _, earlier in
            var reply = Reply(headers: ["ETag": "W/\"1\""], body: content)
            if earlier == 0 { reply.cutAfter = 400_000 }
            return reply
        }
        let attempt = try Attempt()
        _ = try attempt.fetch(server.address + "/a")
        try attempt.expectWhole()
        #expect(server.exchanges.map(\.request.offset) == [nil, nil])
    }

    @Test("a server that gives no parts is asked for the whole file again")
    func noParts() throws {
        let server = try LoopbackServer { _, earlier in
            var reply = Reply(headers: ["ETag": "\"1\""], body: content)
            if earlier == 0 { reply.cutAfter = 400_000 }
            return reply
        }
        let attempt = try Attempt()
        _ = try attempt.fetch(server.address + "/a")
        try attempt.expectWhole()
        #expect(server.exchanges.map(\.request.offset) == [nil, 400_000])
        #expect(attempt.restartCount == 1)
    }

    @Test(
        "a part that was not asked for is refused, and the file begun anew",
        arguments: ["bytes 0-999999/1000000", "bytes 400000-999998/999999", "400000", ""])
    func wrongPart(range: String) throws {
        let server = try LoopbackServer { request, earlier in
            var reply = Reply.file(content, tag: "1", to: request)
            if earlier == 0 { reply.cutAfter = 400_000 }
            if request.offset != nil { reply.headers["Content-Range"] = range }
            return reply
        }
        let attempt = try Attempt()
        _ = try attempt.fetch(server.address + "/a")
        try attempt.expectWhole()
        #expect(server.exchanges.map(\.request.offset) == [nil, 400_000, nil])
    }

    @Test("a file that is whole but was not put in its place yet is not asked for")
    func alreadyWhole() throws {
        let server = try LoopbackServer { request, _ in .file(content, tag: "1", to: request) }
        let attempt = try Attempt()
        _ = try attempt.fetch(server.address + "/a", stoppingAfter: 1)
        _ = try attempt.folder.write("a.partial", content)
        #expect(try attempt.fetch(server.address + "/a") == .complete)
        try attempt.expectWhole()
        #expect(server.exchanges.count == 1)
    }

    @Test("a partial file that is longer than the file is begun anew")
    func tooLong() throws {
        let server = try LoopbackServer { request, _ in .file(content, tag: "1", to: request) }
        let attempt = try Attempt()
        _ = try attempt.fetch(server.address + "/a", stoppingAfter: 1)
        _ = try attempt.folder.write("a.partial", content + [1])
        _ = try attempt.fetch(server.address + "/a")
        try attempt.expectWhole()
        #expect(server.exchanges.map(\.request.offset) == [nil, nil])
    }

    @Test("the old file stays until the new one is whole")
    func replaced() throws {
        let server = try LoopbackServer { request, _ in .file(content, tag: "1", to: request) }
        let attempt = try Attempt()
        _ = try attempt.folder.write("a", "old")
        _ = try attempt.fetch(server.address + "/a", stoppingAfter: 300_000)
        #expect(try attempt.folder.bytes(of: "a") == Array("old".utf8))
        _ = try attempt.fetch(server.address + "/a")
        try attempt.expectWhole()
    }

    @Test("a redirect is followed, and the page it comes with is no part of the file")
    func redirect() throws {
        let server = try LoopbackServer { request, _ in
            guard request.path == "/a" else { return .file(content, tag: "1", to: request) }
            return Reply(
                status: 302, headers: ["Location": "/b", "ETag": "\"0\""], body: Array("moved".utf8))
        }
        let attempt = try Attempt()
        _ = try attempt.fetch(server.address + "/a", stoppingAfter: 300_000)
        _ = try attempt.fetch(server.address + "/a")
        try attempt.expectWhole()
        #expect(server.exchanges.map(\.request.path) == ["/a", "/b", "/a", "/b"])
        #expect(server.exchanges.last?.request.offset ?? 0 >= 300_000)
    }

    @Test("a file of this machine is fetched as well")
    func localFile() throws {
        let attempt = try Attempt()
        let source = try attempt.folder.write("source", content)
        #expect(try attempt.fetch("file://" + source) == .complete)
        #expect(try attempt.folder.bytes(of: "a") == content)
        #expect(try attempt.folder.names() == ["a", "source"])
        let missing = try attempt.failure("file://" + source + "2")
        #expect("\(missing)".contains("source2"))
    }
}
