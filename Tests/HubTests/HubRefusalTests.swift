import Downloads
import Foundation
import Hub
import TestSupport
import Testing

/// What the hub, the network and the environment may have against a file.
@Suite struct HubRefusalTests {
    @Test("what is not there is told by what is missing")
    func missing() throws {
        let place = try HubPlace()
        #expect(
            try place.failure(of: "org/other")
                == .noRepository(repository: "org/other", endpoint: place.server.hub.address))
        #expect(try place.failure(revision: "v2") == .noRevision(repository: "org/net", revision: "v2"))
        #expect(
            try place.failure("other.bin")
                == .noFile(repository: "org/net", file: "other.bin", revision: "main"))
        #expect("\(try place.failure(of: "org/other"))".contains("HF_TOKEN"))
        // What a commit lacks is all that is kept.
        #expect(try FileManager.default.contentsOfDirectory(atPath: place.cache) == [".no_exist"])
    }

    @Test(
        "who may not have a file is told what to do",
        arguments: [
            (401, ["X-Error-Code": "GatedRepo"], "ask for access at"),
            (403, ["X-Error-Code": "GatedRepo"], "ask for access at"),
            (
                401, ["X-Error-Message": "Invalid credentials in Authorization header"],
                "does not accept the token"
            ),
            (401, ["X-Error-Code": "RepoNotFound"], "a private one needs HF_TOKEN"),
            (401, [:], "a private one needs HF_TOKEN"),
        ])
    func refused(status: Int, headers: [String: String], text: String) throws {
        let place = try HubPlace { reply, _, _, _ in reply = .init(status: status, headers: headers) }
        let error = try place.failure()
        #expect("\(error)".contains(text) && !"\(error)".contains("\n"))
        #expect(place.requests.count == 1)
    }

    @Test("other refusals are told with the address and the status", arguments: [400, 403, 404, 410])
    func otherRefusals(status: Int) throws {
        let place = try HubPlace { reply, _, _, _ in reply = .init(status: status) }
        let error = try #require(#expect(throws: DownloadError.self) { _ = try place.fetch() })
        #expect(error.reason == .refused(status: status) && error.address.hasPrefix(place.server.hub.address))
    }

    @Test("what passes is waited for, at the hub and at the storage", arguments: [429, 500, 503])
    func passing(status: Int) throws {
        let place = try HubPlace { reply, _, _, earlier in if earlier < 1 { reply = .init(status: status) } }
        try place.expect(place.fetch())
        // When it is asked what the file is, when the file is asked for, and where its bytes are.
        #expect(place.events.count { if case .retrying = $0 { true } else { false } } == 3)
    }

    @Test("a hub that asks to come back later is waited for as it says, and given up where that is too long")
    func putOff() throws {
        let start = ContinuousClock.now
        let place = try HubPlace { reply, place, _, earlier in
            if place == .hub, earlier == 0 { reply = .init(status: 429, headers: ["Retry-After": "1"]) }
        }
        try place.expect(place.fetch())
        #expect(ContinuousClock.now - start >= .seconds(1))
        let busy = try HubPlace { reply, _, _, _ in
            reply = .init(status: 429, headers: ["Retry-After": "3600"])
        }
        let error = try #require(#expect(throws: DownloadError.self) { _ = try busy.fetch() })
        #expect(error.reason == .putOff(status: 429, seconds: 3600))
    }

    @Test("a failure that lasts is told with the number of tries")
    func lasting() throws {
        let place = try HubPlace { reply, _, _, _ in reply = .init(status: 500) }
        let error = try #require(#expect(throws: DownloadError.self) { _ = try place.fetch() })
        #expect(error.reason == .refused(status: 500) && error.attempts == 4)
    }

    @Test("what was fetched before is taken where the hub fails, and that is told")
    func keptWhereHubFails() throws {
        for status in [500, 401, 404] {
            let place = try HubPlace { reply, _, request, earlier in
                if request.method == "HEAD", earlier > 0 { reply = .init(status: status) }
            }
            try place.expect(place.fetch())
            let count = place.requests.count
            try place.expect(place.fetch())
            #expect(place.requests.count == count + 1, "it is asked once, without a pause")
            #expect(place.notices.count == 1 && place.notices[0].contains(HubServer.commit))
        }
        let gone = try HubPlace()
        _ = try gone.fetch()
        gone.variables["HF_ENDPOINT"] = "http://127.0.0.1:1"
        try gone.expect(gone.fetch())
        #expect(gone.notices.count == 1 && gone.notices[0].contains("cannot be reached"))
        // The file is known to be gone.
        let place = try HubPlace { reply, _, request, earlier in
            if request.method == "HEAD", earlier > 0 {
                reply = .init(status: 404, headers: ["X-Error-Code": "EntryNotFound"])
            }
        }
        _ = try place.fetch()
        #expect(try place.failure() == .noFile(repository: "org/net", file: "weights.bin", revision: "main"))
    }

    @Test("offline, nothing is asked: what is there is given, and what is not is named with what to do")
    func offline() throws {
        for value in ["1", "true", "YES", "on"] {
            let place = try HubPlace()
            place.variables["HF_HUB_OFFLINE"] = value
            let error = try place.failure()
            #expect("\(error)".contains("weights.bin") && "\(error)".contains("HF_HUB_OFFLINE"))
            #expect("\(error)".contains(place.folder.file("home/hub")))
            #expect(place.requests.isEmpty)
        }
        let place = try HubPlace()
        _ = try place.fetch()
        let count = place.requests.count
        place.variables["HF_HUB_OFFLINE"] = "1"
        try place.expect(place.fetch())
        try place.expect(place.fetch(revision: HubServer.commit))
        _ = try place.failure(revision: "v1.0")
        #expect(place.requests.count == count)
    }

    @Test("that a commit has no such file is believed where huggingface_hub has noted it")
    func knownMissing() throws {
        let place = try HubPlace()
        try place.write(".no_exist/\(HubServer.commit)/weights.bin", [])
        guard case .noFile = try place.failure(revision: HubServer.commit) else {
            Issue.record("expected a missing file")
            return
        }
        #expect(place.requests.isEmpty)
    }

    @Test("what a hub says is not taken for a path of its choosing, nor another server for a hub")
    func hostileAnswers() throws {
        for (header, value) in [
            ("X-Linked-Etag", "\"../../../../evil\""), ("X-Linked-Etag", "\"\""), ("X-Linked-Etag", "\"..\""),
            ("X-Repo-Commit", "../../evil"), ("X-Repo-Commit", "main"), ("X-Repo-Commit", ""),
        ] {
            let place = try HubPlace { reply, place, _, _ in
                if place == .hub { reply.headers[header] = value }
            }
            guard case .otherServer = try place.failure() else {
                Issue.record("\(header): \(value)")
                continue
            }
            #expect(try place.folder.names().isEmpty)
        }
        let page = try HubPlace { reply, _, _, _ in reply = .init(body: Array("<html>Sign in".utf8)) }
        #expect("\(try page.failure())".contains("HF_ENDPOINT"))
    }

    @Test("a hub that leads on in a circle is left")
    func circle() throws {
        let place = try HubPlace { reply, _, request, _ in
            reply.status = 302
            reply.headers["Location"] = request.path
        }
        #expect("\(try place.failure())".contains("leads on and on"))
    }

    @Test("the token goes to the hub, and never to the storage", arguments: [false, true])
    func token(isInFile: Bool) throws {
        let place = try HubPlace()
        if isInFile {
            place.variables["HF_TOKEN_PATH"] = try place.folder.write("token", "hf_secret\n")
        } else {
            place.variables["HF_TOKEN"] = "hf_secret"
        }
        try place.expect(place.fetch())
        try place.expect(place.fetch("config.json"), "config.json", is: HubPlace.settings)
        let hub = place.server.hub.exchanges.map(\.request.headers)
        #expect(hub.count == 4 && hub.allSatisfy { $0["authorization"] == "Bearer hf_secret" })
        let storage = place.server.storage.exchanges.map(\.request)
        #expect(storage.count == 1 && storage.allSatisfy { $0.headers["authorization"] == nil })
    }

    @Test("without a token, or where it is held back, nothing tells who asks")
    func noToken() throws {
        let place = try HubPlace()
        try place.expect(place.fetch())
        place.variables = ["HF_TOKEN": "hf_secret", "HF_HUB_DISABLE_IMPLICIT_TOKEN": "1"]
        _ = try place.fetch("config.json")
        #expect(place.requests.allSatisfy { $0.headers["authorization"] == nil })
    }

    @Test("a token that could say something else to the server is refused, and not shown")
    func hostileToken() throws {
        let place = try HubPlace()
        place.variables["HF_TOKEN"] = "hf_secret\r\nX-Other: 1"
        let error = "\(try place.failure())"
        #expect(error.contains("HF_TOKEN") && !error.contains("secret"))
        #expect(place.requests.isEmpty)
    }

    @Test("names that lead out of the cache, or are none, are refused")
    func names() throws {
        let place = try HubPlace()
        for name in ["../x", "a/../b", "/etc/passwd", "", "a//b", "a\0b", "./a"] {
            _ = try place.failure(name)
        }
        for revision in ["../x", "", "a/../../b"] { _ = try place.failure(revision: revision) }
        for id in ["", "a/b/c", "../b", "a/..", "-a/b", "a b", "a/b--c", String(repeating: "a", count: 97)] {
            #expect(throws: HubError.self) { _ = try HubRepository(id) }
        }
        #expect(place.requests.isEmpty)
        #expect(try place.folder.names().isEmpty)
    }

    @Test("a cache that cannot be written is told with the system's reason")
    func unwritable() throws {
        let place = try HubPlace()
        _ = try place.folder.write("home", "a file")
        let error = try place.failure()
        guard case .unusableCache(_, let reason) = error else {
            Issue.record("\(error)")
            return
        }
        #expect(reason == "Not a directory" || reason == "File exists")
    }

    @Test("a file that is larger than the disk's room is refused before its first byte")
    func noRoom() throws {
        let place = try HubPlace { reply, place, _, _ in
            if place == .hub { reply.headers["X-Linked-Size"] = "1000000000000000" }
            if place == .storage { reply.headers["Content-Length"] = "1000000000000000" }
        }
        let error = try #require(#expect(throws: DownloadError.self) { _ = try place.fetch() })
        guard case .noRoom(_, expected: 1_000_000_000_000_000, _) = error.reason else {
            Issue.record("\(error)")
            return
        }
        #expect(place.blobs.isEmpty)
    }
}
