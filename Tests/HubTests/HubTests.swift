import Downloads
import Foundation
import Hub
import TestSupport
import Testing

@Suite struct HubTests {
    @Test("files are fetched once into the layout of huggingface_hub", arguments: [false, true])
    func layout(isRelative: Bool) throws {
        let place = try HubPlace(isRelative: isRelative)
        try place.expect(place.fetch())
        try place.expect(place.fetch("config.json"), "config.json", is: HubPlace.settings)
        try place.expect(place.fetch("sub/dir/config.json"), "sub/dir/config.json", is: HubPlace.settings)
        #expect(place.blobs == [HubPlace.settings.tag, HubPlace.weights.tag].sorted())
        #expect(place.names("refs") == ["main"] && place.text("refs/main") == HubServer.commit)
        #expect(
            try FileManager.default.contentsOfDirectory(
                atPath: place.folder.file("home/hub/.locks/models--org--net")
            ).count == 2)
        // The second of two equal files needs no bytes.
        #expect(place.addresses.count == 2 && place.notices.isEmpty)
        #expect(place.addresses[0].hasSuffix("/org/net/resolve/\(HubServer.commit)/weights.bin"))

        let (asked, sent) = (place.server.hub.exchanges.count, place.server.storage.exchanges.count)
        try place.expect(place.fetch())
        #expect(place.server.hub.exchanges.dropFirst(asked).allSatisfy { $0.request.method == "HEAD" })
        #expect(place.server.storage.exchanges.count == sent && place.addresses.count == 2)
    }

    @Test("branches, tags and references are told apart; a commit that is there is not asked for again")
    func revisions() throws {
        let place = try HubPlace()
        for revision in ["v1.0", "refs/pr/1"] { try place.expect(place.fetch(revision: revision)) }
        #expect(
            place.text("refs/v1.0") == HubServer.commit && place.text("refs/refs/pr/1") == HubServer.commit)
        let count = place.requests.count
        try place.expect(place.fetch(revision: HubServer.commit))
        #expect(place.requests.count == count)
        _ = try place.fetch("config.json", revision: HubServer.commit)
        #expect(place.requests.count > count)
        #expect(place.names("refs") == ["refs", "v1.0"])
    }

    @Test("what the hub says is taken by its marks: weak tags, the linked tag before the redirection's")
    func tags() throws {
        let weak = try HubPlace { reply, place, request, _ in
            if place == .hub, request.path.hasSuffix("config.json") {
                reply.headers["ETag"] = "W/\"\(HubPlace.settings.tag)\""
            }
        }
        try weak.expect(weak.fetch("config.json"), "config.json", is: HubPlace.settings)
        // A tag that is no checksum is taken for a name, and bytes are held to the length.
        let other = HubServer.File(Array("abc".utf8), tag: "2-v.1", isLarge: true)
        let place = try HubPlace(files: ["weights.bin": other])
        try place.expect(place.fetch(), is: other)
    }

    @Test("a cut file is gone on with where it was cut", arguments: [1, 4096, 150_000, 299_999])
    func cut(at cut: Int) throws {
        let place = try HubPlace { reply, place, _, earlier in
            if place == .storage, earlier < 1 { reply.cutAfter = cut }
        }
        try place.expect(place.fetch())
        #expect(place.server.storage.exchanges.map(\.request.offset) == [nil, cut])
        #expect(
            place.server.storage.exchanges.reduce(0) { $0 + $1.sentByteCount } == 300_000, "no byte twice")
        #expect(place.blobs == [HubPlace.weights.tag])
    }

    @Test("what an earlier run left in BLOB.incomplete is gone on with, whoever wrote it")
    func resumed() throws {
        let place = try HubPlace()
        #expect(try place.fetch(stoppingAfter: 100_000) == nil)
        #expect(place.blobs == [HubPlace.weights.tag + ".incomplete"])
        #expect(place.names("snapshots").isEmpty && place.names("refs").isEmpty)
        let half = 123_457
        try place.write(
            "blobs/\(HubPlace.weights.tag).incomplete", Array(HubPlace.weights.bytes.prefix(half)))
        try place.expect(place.fetch())
        #expect(place.server.storage.exchanges.last?.request.offset == half)
        #expect(place.server.storage.exchanges.last?.sentByteCount == 300_000 - half)
        #expect(place.blobs == [HubPlace.weights.tag])
    }

    @Test("a server without parts sends the whole file again; one that lasts is no harm")
    func noParts() throws {
        let place = try HubPlace { reply, place, _, earlier in
            guard place == .storage else { return }
            reply = .init(headers: ["ETag": "\"stored\""], body: HubPlace.weights.bytes)
            if earlier == 0 { reply.cutAfter = 9000 }
        }
        try place.expect(place.fetch())
    }

    @Test(
        "a wrong byte is found by the checksum, and the file fetched once more",
        arguments: [0, 150_000, 299_999])
    func wrongByte(at index: Int) throws {
        let place = try HubPlace { reply, place, _, earlier in
            if place == .storage, earlier == 0 { reply.body[index] ^= 1 }
        }
        try place.expect(place.fetch())
        #expect(place.server.storage.exchanges.map(\.request.offset) == [nil, nil])
        #expect(place.notices.count == 1 && place.notices[0].contains("fetching it again"))
    }

    @Test("a wrong byte in what an earlier run left is found as well")
    func wrongBeginning() throws {
        let place = try HubPlace()
        var bytes = HubPlace.weights.bytes
        bytes[7] ^= 0x80
        try place.write("blobs/\(HubPlace.weights.tag).incomplete", bytes.dropLast(100))
        try place.expect(place.fetch())
        #expect(place.server.storage.exchanges.map(\.request.offset) == [299_900, nil])
    }

    @Test("a small file is held to Git's checksum; twice damaged is an error, and nothing is left")
    func damaged() throws {
        let place = try HubPlace { reply, place, request, _ in
            if request.method == "GET", place == .hub { reply.body[3] ^= 1 }
        }
        let error = try place.failure("config.json")
        guard case .damaged(_, expected: HubPlace.settings.tag, let found) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(found != HubPlace.settings.tag && found.count == 40)
        #expect(place.server.hub.exchanges.count { $0.request.method == "GET" } == 2)
        #expect(place.blobs.isEmpty && place.names("snapshots").isEmpty)
    }

    @Test(
        "a file of another length than the hub says is refused before it is written",
        arguments: [-1, 1, 5000])
    func otherLength(difference: Int) throws {
        let place = try HubPlace { reply, place, _, _ in
            guard place == .storage else { return }
            reply.body =
                difference < 0
                ? reply.body.dropLast(-difference) : reply.body + Array(repeating: 0, count: difference)
        }
        let error = try #require(#expect(throws: DownloadError.self) { _ = try place.fetch() })
        #expect("\(error)".contains("expected a file of 300000 bytes"))
        #expect(place.server.storage.exchanges.count == 1 && place.blobs.isEmpty)
    }

    @Test("a server that does not say how much it sends is stopped where the file ends")
    func endless() throws {
        let place = try HubPlace { reply, place, _, _ in
            guard place == .storage else { return }
            reply.headers["Content-Length"] = ""
            reply.body += Array(repeating: 0, count: 2_000_000)
        }
        let error = try #require(#expect(throws: DownloadError.self) { _ = try place.fetch() })
        #expect("\(error)".contains("expected a file of 300000 bytes, found more"))
        #expect(place.blobs.isEmpty)
    }

    @Test("a blob that is not as long as it should be is fetched again")
    func shortBlob() throws {
        let place = try HubPlace()
        _ = try place.fetch()
        try place.write("blobs/" + HubPlace.weights.tag, [1, 2, 3])
        try place.expect(place.fetch())
    }

    @Test("who has the lock of a blob is waited for, and what came meanwhile is taken")
    func locked() throws {
        let place = try HubPlace()
        let locks = place.folder.file("home/hub/.locks/models--org--net")
        try FileManager.default.createDirectory(atPath: locks, withIntermediateDirectories: true)
        let lock = open("\(locks)/\(HubPlace.weights.tag).lock", O_RDWR | O_CREAT, 0o644)
        try #require(lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0)
        try place.write("blobs/x", [])
        let blob = place.cache + "/blobs/" + HubPlace.weights.tag
        Thread.detachNewThread {
            usleep(300_000)
            try? Data(HubPlace.weights.bytes).write(to: URL(fileURLWithPath: blob))
            close(lock)
        }
        try place.expect(place.fetch())
        #expect(place.notices == ["waiting for another program that is fetching weights.bin"])
        #expect(place.server.storage.exchanges.isEmpty)
    }

    @Test("several that fetch one file at once all get it, and its bytes come once")
    func atOnce() async throws {
        let place = try HubPlace()
        let hub = place.hub()
        let files = try await withThrowingTaskGroup(of: Hub.File?.self) { group in
            for _ in 0..<4 {
                group.addTask { try hub.fetch("weights.bin", of: HubRepository(HubPlace.repository)) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(files.count == 4)
        for file in files { try place.expect(file) }
        #expect(place.server.storage.exchanges.count == 1)
    }
}
