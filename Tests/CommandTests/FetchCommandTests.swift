import Foundation
import TestSupport
import Testing

/// `rwsan fetch vqa-v2`, from a server that is good, bad, or gone in the middle.
@Suite struct FetchCommandTests {
    private static let archive = "v2_Questions_Train_mscoco.zip"
    private static let largest = "v2_Annotations_Train_mscoco.zip"
    private static let name = "v2_OpenEnded_mscoco_train2014_questions.json"

    @Test("the questions are fetched once, and again only when asked for")
    func whole() throws {
        let mirror = try MiniMirror()
        let outcome = try mirror.fetch()
        try mirror.expectDataset(outcome)
        #expect(mirror.server.exchanges.count == 5)
        #expect(outcome.errorOutput.contains("VG_questions.json and VG_annotations.json"))
        #expect(outcome.errorOutput.contains("has 252 questions; VQA-v2's own has 443757"))
        #expect(outcome.lastErrorLine.contains("put train2014.tar.gz and val2014.tar.gz"))

        let again = try mirror.fetch()
        try mirror.expectDataset(again)
        #expect(mirror.server.exchanges.count == 5)
        #expect(again.errorOutput.contains("datasets/vqa/\(Self.name) is there already"))

        try mirror.expectDataset(try mirror.fetch("--force"))
        #expect(mirror.server.exchanges.count == 10)
    }

    @Test("feature archives are packed, once, and what comes next is said; and it works")
    func features() throws {
        let mirror = try MiniMirror()
        try mirror.addFeatureArchives()
        let outcome = try mirror.fetch()
        try mirror.expectDataset(outcome)
        #expect(
            outcome.errorOutput.contains(
                "train: 252 questions, 252 annotations, features of 14 images in "
                    + "datasets/coco_extract/train2014.packed"))
        #expect(
            outcome.lastErrorLine
                == "next: rwsan train --data datasets --name val --glove glove.840B.300d.zip")
        let mini = try MiniCommands()
        for name in ["train2014", "val2014", "test2015"] {
            #expect(
                try mini.tool.run("info", "--verify", mirror.file("coco_extract/\(name).packed")).exitCode
                    == 0)
        }
        let again = try mirror.fetch()
        #expect(again.exitCode == 0)
        #expect(again.errorOutput.contains("datasets/coco_extract/train2014.packed is there already"))

        let training = try mirror.tool.run(
            ["train", "--data", "datasets", "--name", "val", "--glove", MiniRun.glove.path]
                + MiniRun.settings.flatMap { ["--set", "\($0)=\($1)"] } + ["--set", "max_epoch=1"])
        #expect(training.exitCode == 0, Comment(rawValue: training.errorOutput))
    }

    @Test("a feature archive that ends early is an error; the others are packed, and the next run goes on")
    func damagedFeatures() throws {
        let mirror = try MiniMirror()
        // Long enough for the features before it to have been read when the end is missed.
        let noise = (0..<500_000).map { _ in UInt8.random(in: 0...255) }
        _ = try mirror.tool.folder.write("noise", noise)
        try mirror.addFeatureArchives(last: "noise")
        let archive = mirror.file("coco_extract/train2014.tar.gz")
        let bytes = try Data(contentsOf: URL(fileURLWithPath: archive))
        try bytes.dropLast(100).write(to: URL(fileURLWithPath: archive))
        let outcome = try mirror.fetch()
        #expect(outcome.exitCode == 1)
        #expect(outcome.lastErrorLine.contains("train2014.packed: not a store yet"))
        #expect(outcome.lastErrorLine.contains("train2014.tar.gz"))
        for name in ["val2014", "test2015"] {
            #expect(
                FileManager.default.fileExists(atPath: mirror.file("coco_extract/\(name).packed/index.json")))
        }
        try bytes.write(to: URL(fileURLWithPath: archive))
        try mirror.expectDataset(try mirror.fetch())
    }

    @Test("cut connections and failures that pass are gone on after, without a byte twice")
    func cuts() throws {
        let large = [Self.archive, Self.largest, "v2_Annotations_Val_mscoco.zip"]
        let mirror = try MiniMirror { reply, name, earlier in
            guard large.contains(name) else { return }
            switch earlier {
            case 0, 2: reply.cutAfter = 8192
            case 1: reply = .init(status: 503)
            default: break
            }
        }
        let outcome = try mirror.fetch()
        try mirror.expectDataset(outcome)
        for name in large {
            #expect(mirror.offsets(of: name) == [0, 8192, 8192, 16384])
            #expect(mirror.sentByteCount(of: name) == mirror.archives[name]?.count)
        }
        #expect(outcome.errorOutput.contains("status 503 (not available now)"))
    }

    @Test("killed in the middle and started again, it goes on where it was")
    func killed() throws {
        // It is killed while it waits for more, so that it is known what has come.
        let mirror = try MiniMirror { reply, name, earlier in
            if name == Self.largest, earlier < 2 { reply.stallAfter = 40_000 }
        }
        let partial = mirror.file("vqa/downloads/\(Self.largest).partial")
        for round in 1...2 {
            let run = try mirror.tool.start(mirror.command)
            try run.wait { (try? Data(contentsOf: URL(fileURLWithPath: partial)).count) == round * 40_000 }
            run.send(SIGKILL)
            #expect(try run.outcome().exitCode == nil)
        }
        #expect(
            !FileManager.default.fileExists(atPath: mirror.file("vqa/v2_mscoco_train2014_annotations.json")))
        let outcome = try mirror.fetch()
        try mirror.expectDataset(outcome)
        #expect(mirror.offsets(of: Self.largest) == [0, 40_000, 80_000])
        #expect(mirror.sentByteCount(of: Self.largest) == mirror.archives[Self.largest]?.count)
        #expect(outcome.errorOutput.contains("going on at 0.1 MB"))
    }

    @Test("what a kill in the middle of unpacking left is removed, and nothing of others")
    func leftovers() throws {
        let mirror = try MiniMirror()
        try FileManager.default.createDirectory(
            atPath: mirror.file("vqa"), withIntermediateDirectories: true)
        for name in [Self.name + ".1abc.partial", "notes.partial"] {
            _ = try mirror.tool.folder.write("datasets/vqa/" + name, "half")
        }
        try mirror.expectDataset(try mirror.fetch(), besides: ["notes.partial"])
    }

    @Test("two that fetch to the same folder do not get into each other's way")
    func twice() throws {
        let mirror = try MiniMirror { reply, _, earlier in if earlier == 0 { reply.stallAfter = 8192 } }
        let first = try mirror.tool.start(mirror.command)
        try first.wait { mirror.sentByteCount(of: Self.archive) == 8192 }
        let second = try mirror.fetch()
        #expect(second.exitCode == 1)
        #expect(
            second.lastErrorLine.contains("datasets/vqa: expected a folder that nobody else is fetching to"))
        #expect(mirror.server.exchanges.count == 1)
    }

    @Test("the environment's proxy is asked")
    func proxy() throws {
        let proxy = try LoopbackServer { _, _ in .init(status: 404) }
        let outcome = try CommandLineTool().run(
            in: "http_proxy=\(proxy.address) exec \"$@\"",
            ["fetch", "vqa-v2", "--mirror", "http://example.invalid/vqa"])
        #expect(outcome.exitCode == 1)
        #expect(proxy.exchanges.map(\.request.path) == ["http://example.invalid/vqa/" + Self.archive])
    }

    @Test("Ctrl-C keeps what has come and says how to go on", arguments: [SIGINT, SIGTERM])
    func interrupted(signal: Int32) throws {
        let mirror = try MiniMirror { reply, _, earlier in if earlier == 0 { reply.stallAfter = 8192 } }
        let partial = mirror.file("vqa/downloads/\(Self.archive).partial")
        let run = try mirror.tool.start(mirror.command)
        try run.wait { (try? Data(contentsOf: URL(fileURLWithPath: partial)).count) == 8192 }
        run.send(signal)
        let outcome = try run.outcome(seconds: 10)
        #expect(outcome.exitCode == 128 + signal)
        #expect(
            outcome.lastErrorLine.hasSuffix(
                "to go on: rwsan fetch vqa-v2 --output datasets --mirror \(mirror.server.address)/vqa"))
        #expect(outcome.output.isEmpty)
        #expect(try Data(contentsOf: URL(fileURLWithPath: partial)).count == 8192)
    }

    @Test("a page in place of an archive, served twice, is an error that names the address; nothing is left")
    func page() throws {
        let mirror = try MiniMirror { reply, name, _ in
            if name == Self.archive { reply.body = Array("<html>Sign in to this network</html>".utf8) }
        }
        let outcome = try mirror.fetch()
        #expect(outcome.exitCode == 1)
        #expect(outcome.lastErrorLine.contains("\(mirror.server.address)/vqa/\(Self.archive)"))
        #expect(outcome.lastErrorLine.contains("twice found something else"))
        #expect(outcome.output.isEmpty)
        #expect(mirror.offsets(of: Self.archive) == [0, 0])
        #expect(try mirror.names(in: "vqa").isEmpty)
    }

    @Test("flipped bytes are noticed, and the archive fetched once more")
    func flipped() throws {
        let mirror = try MiniMirror { reply, _, earlier in
            if earlier == 0 { reply.body[reply.body.count / 2] ^= 1 }
        }
        let outcome = try mirror.fetch()
        try mirror.expectDataset(outcome)
        #expect(mirror.server.exchanges.count == 10)
        #expect(outcome.errorOutput.contains("CRC"))
    }

    @Test("the rest of an archive that has changed since is not glued to its beginning")
    func changed() throws {
        let mirror = try MiniMirror { reply, name, earlier in
            guard name == Self.archive else { return }
            reply.headers["ETag"] = "\"\(min(earlier, 1))\""
            if earlier == 0 {
                reply.body = reply.body.map { ~$0 }
                reply.cutAfter = 8192
            }
        }
        let outcome = try mirror.fetch()
        try mirror.expectDataset(outcome)
        #expect(mirror.offsets(of: Self.archive) == [0, 8192])
        #expect(outcome.errorOutput.contains("starting again"))
    }

    @Test("an address with nothing there is told, in a code other than 0; what came before stays")
    func notFound() throws {
        let mirror = try MiniMirror { reply, name, _ in
            if name == "v2_Annotations_Val_mscoco.zip" { reply = .init(status: 404) }
        }
        let outcome = try mirror.fetch()
        #expect(outcome.exitCode == 1)
        #expect(
            outcome.lastErrorLine
                == "rwsan: error: \(mirror.server.address)/vqa/v2_Annotations_Val_mscoco.zip: expected a file, "
                + "found status 404 (not found)")
        #expect(try mirror.names(in: "vqa").count == 5)
        let nobody = try CommandLineTool()
        let refused = try nobody.run("fetch", "vqa-v2", "--mirror", "http://no-such-host.invalid/")
        #expect(refused.exitCode == 1)
        #expect(
            refused.lastErrorLine.contains("http://no-such-host.invalid/\(Self.archive): cannot be reached"))
    }

    @Test("a server that fails for good is given up after --retries")
    func failing() throws {
        let mirror = try MiniMirror { reply, _, _ in reply = .init(status: 500) }
        let outcome = try mirror.fetch("--retries", "1")
        #expect(outcome.exitCode == 1)
        #expect(outcome.lastErrorLine.contains("status 500 (the server failed) (tried 2 times)"))
        #expect(mirror.server.exchanges.count == 2)
    }

    @Test("a full disk is told with the file; with room again, it goes on")
    func noRoom() throws {
        let mirror = try MiniMirror()
        let outcome = try mirror.tool.run(in: "ulimit -f 16 && exec \"$@\"", mirror.command)
        #expect(outcome.exitCode == 1)
        #expect(outcome.lastErrorLine.contains("\(Self.archive).partial: cannot be written: File too large"))
        try mirror.expectDataset(try mirror.fetch())
        #expect(mirror.offsets(of: Self.archive) == [0, 8192])
    }

    @Test("a file that is there but damaged is fetched again, and the others are not")
    func damagedFile() throws {
        let mirror = try MiniMirror()
        try mirror.expectDataset(try mirror.fetch())
        let file = mirror.file("vqa/v2_OpenEnded_mscoco_test-dev2015_questions.json")
        try Data(contentsOf: URL(fileURLWithPath: file)).prefix(500).write(to: URL(fileURLWithPath: file))
        let outcome = try mirror.fetch()
        try mirror.expectDataset(outcome)
        #expect(outcome.errorOutput.contains("test-dev2015_questions.json"))
        #expect(outcome.errorOutput.contains(": fetching it again"))
        #expect(mirror.server.exchanges.count == 6)
    }

    @Test("an archive that lies there already is unpacked and kept; a damaged one is passed over")
    func ownArchive() throws {
        let mirror = try MiniMirror()
        try FileManager.default.createDirectory(
            atPath: mirror.file("vqa"), withIntermediateDirectories: true)
        let path = "datasets/vqa/" + Self.archive
        let bytes = try #require(mirror.archives[Self.archive])
        _ = try mirror.tool.folder.write(path, bytes)
        try mirror.expectDataset(try mirror.fetch(), besides: [Self.archive])
        #expect(mirror.offsets(of: Self.archive).isEmpty)

        _ = try mirror.tool.folder.write(path, bytes.dropLast())
        try FileManager.default.removeItem(atPath: mirror.file("vqa/" + Self.name))
        let outcome = try mirror.fetch()
        try mirror.expectDataset(outcome, besides: [Self.archive])
        #expect(outcome.errorOutput.contains("passing over"))
        #expect(mirror.offsets(of: Self.archive) == [0])
    }

    @Test("a folder of archives is a source too")
    func localSource() throws {
        let mirror = try MiniMirror()
        for (name, bytes) in mirror.archives { _ = try mirror.tool.folder.write(name, bytes) }
        let outcome = try mirror.tool.run("fetch", "vqa-v2", "--mirror", "file://\(mirror.tool.folder.path)/")
        try mirror.expectDataset(outcome)
    }

    @Test("addresses that are none, and folders that cannot be made, are refused")
    func refused() throws {
        let tool = try CommandLineTool()
        for mirror in ["vqa", "/mnt/vqa", "ftp://example.org/", "file://vqa"] {
            try tool.expectRefusal(
                ["fetch", "vqa-v2", "--mirror", mirror], naming: "--mirror", "'\(mirror)'")
        }
        try tool.expectRefusal(["fetch", "vqa-v2", "--retries=-1"], naming: "--retries", "-1")
        _ = try tool.folder.write("datasets", "a file")
        try tool.expectRefusal(["fetch", "vqa-v2"], naming: "datasets/vqa", "Not a directory")
    }
}
