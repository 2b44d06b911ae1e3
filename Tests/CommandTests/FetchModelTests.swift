import Foundation
import TestSupport
import Testing

/// Models by their names, from servers that behave like the Hugging Face hub: a new user's whole way.
@Suite struct FetchModelTests {
    private typealias Fault =
        @Sendable (inout HubServer.Reply, HubServer.Place, HubServer.Request, Int) -> Void
    private static let viLT = "dandelin/vilt-b32-finetuned-vqa"
    private static let lxmert = "unc-nlp/lxmert-vqa-uncased"

    private let tool: CommandLineTool

    init() throws { tool = try CommandLineTool() }

    /// The published files of a small model, but for some.
    private static func files(_ model: String, without missing: [String] = []) throws -> [String: HubServer
        .File]
    {
        let folder = Fixtures.url("hub/\(model)")
        var files: [String: HubServer.File] = [:]
        let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
        for name in names where !missing.contains(name) && !name.contains("_old") {
            let bytes = try [UInt8](Data(contentsOf: folder.appending(path: name)))
            let isLarge = name == "model.safetensors" || name == "pytorch_model.bin"
            files[name] = HubServer.File(
                bytes, tag: isLarge ? try sha256(bytes) : "tag-\(name)", isLarge: isLarge)
        }
        files["README.md"] = HubServer.File(
            Array("---\nlicense: apache-2.0\ntags:\n- vqa\n---\n# A model\n".utf8), tag: "card",
            isLarge: false)
        return files
    }

    private func run(_ server: HubServer, _ arguments: [String], _ variables: String = "") throws
        -> CommandLineTool.Outcome
    {
        let environment =
            "HF_HOME=home HF_HUB_CACHE= HF_TOKEN= HF_HUB_OFFLINE= HF_ENDPOINT=\(server.hub.address) \(variables)"
        return try tool.run(in: environment + " exec \"$@\"", arguments)
    }

    private func ask(_ model: String) -> [String] {
        [
            "ask", "--model", model, "--picture", Fixtures.url("hub/pictures/a_landscape.png").path,
            "--question",
            "What is the color of the cat?",
        ]
    }

    @Test(
        "a model is fetched when it is first named, told with its licence, and then taken without a question")
    func first() throws {
        let server = try HubServer(Self.viLT, Self.files("vilt"))
        let outcome = try run(server, ask("vilt"))
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        #expect(outcome.output.contains("0.753  none"))
        for part in [Self.viLT, server.hub.address, "home/hub", "apache-2.0"] {
            #expect(outcome.errorOutput.contains(part), Comment(rawValue: outcome.errorOutput))
        }
        let snapshot = "home/hub/models--dandelin--vilt-b32-finetuned-vqa/snapshots/\(HubServer.commit)"
        let names = try FileManager.default.contentsOfDirectory(atPath: tool.folder.file(snapshot))
        #expect(names.contains("model.safetensors") && !names.contains("pytorch_model.bin"))

        let count = server.hub.exchanges.count
        for (arguments, variables) in [
            (ask("vilt"), ""), (ask(Self.viLT) + ["--offline"], ""), (ask("vilt"), "HF_HUB_OFFLINE=1"),
        ] {
            let again = try run(server, arguments, variables)
            #expect(again.output == outcome.output)
            #expect(again.errorOutput.isEmpty, Comment(rawValue: again.errorOutput))
        }
        #expect(server.hub.exchanges.count == count, "nothing was asked")
        // A folder is taken as it is.
        #expect(try run(server, ask(snapshot)).output == outcome.output)
    }

    @Test("train takes a model by its short name: it is fetched once, and the run notes the commit")
    func fineTuned() throws {
        let server = try HubServer(Self.viLT, Self.files("vilt"))
        let set = try FineTuningSet()
        let train = ["train", "--model", "vilt", "--data", set.data] + FineTuningSet.settings
        let outcome = try run(server, train + ["--set", "max_epoch=1", "--name", "a"])
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        for part in [Self.viLT, server.hub.address, "apache-2.0"] {
            #expect(outcome.errorOutput.contains(part), Comment(rawValue: outcome.errorOutput))
        }
        let count = server.hub.exchanges.count
        let again = try run(server, train + ["--set", "max_epoch=1", "--name", "b", "--offline"])
        #expect(again.exitCode == 0 && server.hub.exchanges.count == count)
        let info = try tool.run("info", "ckpts/ckpt_b/epoch1.safetensors")
        #expect(info.output.contains("started from \(Self.viLT)@\(HubServer.commit): 65 tensors"))
    }

    @Test("offline, a model that is not there is one line, and nothing is asked")
    func offline() throws {
        let server = try HubServer(Self.viLT, Self.files("vilt"))
        for (arguments, variables) in [(ask("vilt") + ["--offline"], ""), (ask("vilt"), "HF_HUB_OFFLINE=1")] {
            let outcome = try run(server, arguments, variables)
            tool.expectOneErrorLine(
                outcome,
                naming: [
                    Self.viLT, "config.json", "fetch model",
                    arguments.contains("--offline") ? "--offline" : "HF_HUB_OFFLINE",
                ])
        }
        #expect(server.hub.exchanges.isEmpty)
    }

    @Test("weights of PyTorch are taken where there are none in safetensors")
    func containers() throws {
        let server = try HubServer(
            Self.viLT, Self.files("vilt", without: ["model.safetensors", "tokenizer_config.json"]))
        for _ in 0..<2 {
            let outcome = try run(server, ask("vilt"))
            #expect(outcome.output.contains("0.753  none"), Comment(rawValue: outcome.errorOutput))
        }
    }

    @Test("a cut is gone on with, a wrong byte found, and a busy hub waited for")
    func faults() throws {
        let cut = try HubServer(Self.viLT, Self.files("vilt")) { reply, place, _, earlier in
            if place == .storage, earlier == 0 { reply.cutAfter = 300_000 }
            if place == .hub, earlier == 0 {
                reply = HubServer.Reply(status: 429, headers: ["Retry-After": "0"])
            }
        }
        let outcome = try run(cut, ask("vilt"))
        #expect(outcome.output.contains("0.753  none"), Comment(rawValue: outcome.errorOutput))
        #expect(cut.storage.exchanges.map(\.request.offset) == [nil, 300_000])

        try FileManager.default.removeItem(atPath: tool.folder.file("home"))
        let wrong = try HubServer(Self.viLT, Self.files("vilt")) { reply, place, _, _ in
            if place == .storage { reply.body[1000] ^= 1 }
        }
        let refused = try run(wrong, ask("vilt"))
        #expect(refused.exitCode == 1 && refused.output.isEmpty)
        #expect(refused.lastErrorLine.contains("checksum"), Comment(rawValue: refused.errorOutput))
    }

    @Test("a repository that is not there, gated or of another kind is one line", arguments: [401, 404, 200])
    func refused(status: Int) throws {
        var files = try Self.files("vilt")
        files["config.json"]?.bytes = Array(#"{"architectures": ["BertModel"]}"#.utf8)
        let server = try HubServer(Self.viLT, files) { reply, _, _, _ in
            guard status != 200 else { return }
            reply = HubServer.Reply(
                status: status, headers: ["X-Error-Code": status == 401 ? "GatedRepo" : "RepoNotFound"])
        }
        let outcome = try run(server, ask("vilt"))
        #expect(outcome.exitCode == 1)
        #expect(
            outcome.lastErrorLine.contains(status == 200 ? "BertModel" : Self.viLT),
            Comment(rawValue: outcome.errorOutput))
    }

    @Test("a model keeps its own words and answers where they could not be had the first time")
    func ownFiles() throws {
        // LXMERT's, and BERT's words, which are there already, must not take their place.
        let list = try [UInt8](Data(contentsOf: Fixtures.url("hub/lxmert/trainval_label2ans.json")))
        try FileManager.default.createDirectory(
            atPath: tool.folder.file(".cache/models/lxmert"), withIntermediateDirectories: true)
        _ = try tool.folder.write(".cache/models/lxmert/trainval_label2ans.json", Array(list.reversed()))
        let server = try HubServer(Self.lxmert, Self.files("lxmert")) { reply, _, request, earlier in
            if earlier == 0, ["vocab.txt", "trainval_label2ans.json"].contains(where: request.path.hasSuffix)
            {
                reply = HubServer.Reply(status: 403)
            }
        }
        var outcomes: [CommandLineTool.Outcome] = []
        // Each is refused twice: what it is, and its bytes.
        for _ in 0..<5 { outcomes.append(try run(server, ["fetch", "model", "lxmert", "--json"])) }
        #expect(outcomes[0].exitCode == 1)
        #expect(outcomes.last?.exitCode == 0, Comment(rawValue: outcomes.map(\.errorOutput).joined()))
        let found = try #require(try outcomes.last?.output.json())
        #expect(found["words"] == nil && found["answers"] == nil)
    }

    @Test("a fetch that fails leaves the model that was there, and a missing file comes of the same commit")
    func renewed() throws {
        let server = try HubServer(Self.viLT, Self.files("vilt"))
        #expect(try run(server, ask("vilt")).exitCode == 0)
        let newer = "89abcdef0123456789abcdef0123456789abcdef"
        let broken = try HubServer(Self.viLT, Self.files("vilt")) { reply, place, request, _ in
            reply.headers["X-Repo-Commit"] = newer
            if request.path.hasSuffix("model.safetensors") || place == .storage {
                reply = HubServer.Reply(status: 403)
            }
        }
        #expect(try run(broken, ["fetch", "model", "vilt", "--retries", "0"]).exitCode == 1)
        let offline = try run(broken, ask("vilt") + ["--offline"])
        #expect(offline.output.contains("0.753  none"), Comment(rawValue: offline.errorOutput))

        let snapshot = "home/hub/models--dandelin--vilt-b32-finetuned-vqa/snapshots/\(HubServer.commit)"
        try FileManager.default.removeItem(atPath: tool.folder.file(snapshot + "/vocab.txt"))
        let count = server.hub.exchanges.count
        #expect(try run(server, ask("vilt")).output.contains("0.753  none"))
        let asked = server.hub.exchanges.dropFirst(count).map(\.request.path)
        #expect(asked.contains { $0.hasSuffix("\(HubServer.commit)/vocab.txt") })
        #expect(!asked.contains { $0.contains("/main/") }, "\(asked)")
    }

    @Test("LXMERT's answers come from their authors, and are found by the next command")
    func lxmert() throws {
        let server = try HubServer(Self.lxmert, Self.files("lxmert", without: ["trainval_label2ans.json"]))
        let list = try [UInt8](Data(contentsOf: Fixtures.url("hub/lxmert/trainval_label2ans.json")))
        let authors = try LoopbackServer { request, _ in
            request.path == "/vqa/trainval_label2ans.json"
                ? .file(list, tag: "answers", to: request) : LoopbackServer.Reply(status: 404)
        }
        let outcome = try run(
            server, ["fetch", "model", "lxmert", "--mirror", authors.address + "/vqa", "--json"])
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        let found = try outcome.output.json()
        #expect(outcome.errorOutput.contains("not those that LXMERT was published with"))
        #expect(found["commit"] as? String == HubServer.commit)
        #expect(
            found["answers"] as? String == tool.folder.file(".cache/models/lxmert/trainval_label2ans.json"))
        // It knows its answers; what it lacks is regions.
        let asked = try run(server, ask("lxmert"))
        tool.expectOneErrorLine(asked, naming: ["fetch detector --which hub"])
    }

    @Test("a name that stands for nothing is refused", arguments: ["gone", "a/b/c", "../up", "-x/y"])
    func names(name: String) throws {
        let server = try HubServer(Self.viLT, [:])
        let arguments = ["ask", "--model=\(name)", "--picture", "a.png", "--question", "is it red?"]
        let outcome = try run(server, arguments)
        tool.expectOneErrorLine(outcome, naming: ["--model", "vilt"])
        #expect(server.hub.exchanges.isEmpty)
    }
}
