import Foundation
import TestSupport
import Testing

/// `rwsan fetch detector --which hub`, from servers that behave like the Hugging Face hub.
@Suite struct FetchHubDetectorTests {
    private typealias Fault =
        @Sendable (inout HubServer.Reply, HubServer.Place, HubServer.Request, Int) -> Void
    private static let repository = "unc-nlp/frcnn-vg-finetuned"
    private static let folder = ".cache/detectors/hub"
    private static let path = folder + "/pytorch_model.bin"

    private let mirror: DetectorMirror
    private let weights: HubServer.File

    init() throws {
        mirror = try DetectorMirror()
        // What sha256sum says of the fixture.
        weights = HubServer.File(
            try [UInt8](Data(contentsOf: Fixtures.url("detector/weights_hf.bin"))),
            tag: "22f96929bf15840c743294a378524b7ba46c258eb49c217e871c2848125e1edc", isLarge: true)
    }

    private func server(_ fault: @escaping Fault = { _, _, _, _ in }) throws -> HubServer {
        try HubServer(Self.repository, ["pytorch_model.bin": weights], fault: fault)
    }

    private func fetch(_ server: HubServer, _ variables: String = "") throws -> CommandLineTool.Outcome {
        let environment =
            "HF_HOME=home HF_HUB_CACHE= HF_TOKEN= HF_HUB_OFFLINE= HF_ENDPOINT=\(server.hub.address) \(variables)"
        return try mirror.tool.run(
            in: environment + " exec \"$@\"",
            ["fetch", "detector", "--which", "hub", "--mirror", mirror.server.address + "/files"])
    }

    /// Holds that the weights are there, under both of their names.
    private func expectFetched(_ outcome: CommandLineTool.Outcome) throws {
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        #expect(outcome.output == mirror.tool.folder.file(Self.path) + "\n")
        #expect(mirror.names("hub") == (DetectorMirror.names + ["pytorch_model.bin"]).sorted())
        let cache = "home/hub/models--unc-nlp--frcnn-vg-finetuned"
        let bytes = weights.bytes
        for path in [Self.path, "\(cache)/snapshots/\(HubServer.commit)/pytorch_model.bin"] {
            #expect(try mirror.tool.folder.bytes(of: path) == bytes)
        }
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: mirror.tool.folder.file(cache + "/blobs"))
                == [weights.tag])
    }

    @Test("weights come into the hub's cache, and are taken by their short name, offline too")
    func whole() throws {
        let server = try server()
        try expectFetched(try fetch(server, "HF_TOKEN=hf_secret"))
        #expect(server.hub.exchanges.allSatisfy { $0.request.headers["authorization"] == "Bearer hf_secret" })
        #expect(server.storage.exchanges.map { $0.request.headers["authorization"] } == [nil])
        // One file of two names takes no room twice.
        var status = stat()
        #expect(stat(mirror.tool.folder.file(Self.path), &status) == 0 && status.st_nlink == 2)

        let count = server.hub.exchanges.count
        try FileManager.default.removeItem(atPath: mirror.tool.folder.file(Self.folder))
        let offline = try fetch(server, "HF_HUB_OFFLINE=1")
        #expect(
            offline.exitCode == 0 && offline.errorOutput.contains("HF_HUB_OFFLINE keeps from fetching them"))
        #expect(server.hub.exchanges.count == count && mirror.names("hub") == ["pytorch_model.bin"])
        let seen = try mirror.tool.run(
            "detect", Fixtures.url("detector/a_landscape.png").path, "--detector", "hub", "--regions", "36")
        #expect(seen.exitCode == 0 && seen.output.split(separator: "\n").count == 36)
    }

    @Test("a cut file is gone on with, and a wrong byte found", arguments: [1, 300_000])
    func faults(at index: Int) throws {
        let cut = try server { reply, place, _, earlier in
            if place == .storage, earlier == 0 { reply.cutAfter = index }
        }
        try expectFetched(try fetch(cut))
        #expect(cut.storage.exchanges.map(\.request.offset) == [nil, index])

        try FileManager.default.removeItem(atPath: mirror.tool.folder.file("home"))
        try FileManager.default.removeItem(atPath: mirror.tool.folder.file(Self.folder))
        let wrong = try server { reply, place, _, earlier in
            if place == .storage, earlier == 0 { reply.body[index] ^= 1 }
        }
        let outcome = try fetch(wrong)
        try expectFetched(outcome)
        #expect(outcome.errorOutput.contains("checksum") && wrong.storage.exchanges.count == 2)
    }

    @Test("what keeps the hub's weights away is the last line, with what to do")
    func refused() throws {
        let cases: [(Int, String, String, String)] = [
            (401, "GatedRepo", "", "ask for access at"), (403, "GatedRepo", "", "HF_TOKEN"),
            (404, "RepoNotFound", "", "expected a repository"),
            (404, "EntryNotFound", "", "'pytorch_model.bin'"),
            (404, "RevisionNotFound", "", "'main'"), (401, "", "", "HF_TOKEN"),
            (200, "", "HF_HUB_OFFLINE=1", "HF_HUB_OFFLINE"),
        ]
        for (status, code, variables, text) in cases {
            let server = try server { reply, _, _, _ in
                if status != 200 { reply = .init(status: status, headers: ["X-Error-Code": code]) }
            }
            let outcome = try fetch(server, variables)
            #expect(outcome.exitCode == 1 && outcome.output.isEmpty)
            #expect(outcome.lastErrorLine.hasPrefix("rwsan: error: ") && outcome.lastErrorLine.contains(text))
            #expect(mirror.names("hub").isEmpty)
        }
    }

    @Test("a file of the hub that is no detector is named, and not taken")
    func otherFile() throws {
        // The SHA-256 of "abc", from FIPS 180-2.
        let other = HubServer.File(
            Array("abc".utf8), tag: "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            isLarge: true)
        let outcome = try fetch(HubServer(Self.repository, ["pytorch_model.bin": other]))
        #expect(
            outcome.exitCode == 1 && outcome.lastErrorLine.contains("pytorch_model.bin: expected the weights")
        )
        #expect(mirror.names("hub").isEmpty)
    }
}
