import Foundation
import TestSupport
import Testing

/// `rwsan fetch detector`, from a server that is good, bad, or gone in the middle; and what comes after it.
@Suite struct FetchDetectorTests {
    private static let picture = Fixtures.url("detector/a_landscape.png").path
    private typealias Mirror = DetectorMirror

    @Test(
        "weights of any form are fetched with the names, and taken by their short name",
        arguments: ["weights.caffemodel", "weights_milvlg.pth", "weights_hf.bin", "weights_airsplay.pkl"])
    func whole(form: String) throws {
        let mirror = try Mirror(form: form)
        let outcome = try mirror.fetch()
        try mirror.expectFetched(outcome)
        #expect(mirror.server.exchanges.count == 3)
        #expect(outcome.errorOutput.contains("a detector of 40 objects and 16 attributes"))
        #expect(outcome.errorOutput.contains("no checksum of \(Mirror.weightsName) is published"))
        #expect(outcome.lastErrorLine == "next: rwsan detect PICTURE --detector k10-100")

        let seen = try mirror.tool.run("detect", Self.picture, "--detector", "k10-100")
        #expect(seen.exitCode == 0, Comment(rawValue: seen.errorOutput))
        #expect(seen.output.contains(" thing") && seen.output.contains("  quality"))
        #expect(!seen.output.contains("object "))
    }

    @Test("what is there is not fetched again, unless that is asked for")
    func again() throws {
        let mirror = try Mirror()
        _ = try mirror.fetch()
        let again = try mirror.fetch()
        try mirror.expectFetched(again)
        #expect(mirror.server.exchanges.count == 3 && again.errorOutput.contains("is there already"))
        try mirror.expectFetched(try mirror.fetch("--force"))
        #expect(mirror.server.exchanges.count == 6)
    }

    @Test("each has its folder, and --json says what is where")
    func json() throws {
        struct Summary: Decodable {
            let which: String
            let outcome: String
            let output: String
            let names: String?
        }
        let mirror = try Mirror()
        let outcome = try mirror.fetch("--which", "k36", "--json")
        #expect(outcome.lastErrorLine == "next: rwsan detect PICTURE --detector k36 --regions 36")
        let summary = try JSONDecoder().decode(Summary.self, from: Data(outcome.output.utf8))
        #expect(summary.which == "k36" && summary.outcome == "complete")
        #expect(summary.output == mirror.folder("k36") + "/" + Mirror.otherName)
        #expect(summary.names == mirror.folder("k36"))

        let other = try mirror.fetch("--output", "weights")
        #expect(other.output == "weights/\(Mirror.weightsName)\n")
        #expect(
            other.lastErrorLine
                == "next: rwsan detect PICTURE --detector weights/\(Mirror.weightsName) --names weights")
        #expect(mirror.names().isEmpty)
        let seen = try mirror.tool.run(
            "detect", Self.picture, "--detector", "weights/\(Mirror.weightsName)", "--names", "weights")
        #expect(seen.output.contains(" thing"))
    }

    @Test("extract takes the short name; a folder of that name does not matter, and ./ makes it a file")
    func shortName() throws {
        let mirror = try Mirror()
        _ = try mirror.fetch()
        let pictures = mirror.tool.folder.file("pictures")
        try FileManager.default.createDirectory(atPath: pictures, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: Self.picture, toPath: pictures + "/1.png")
        let extract = ["extract", "--pictures", "pictures", "--output", "k10-100", "--detector"]
        let extracted = try mirror.tool.run(extract + ["k10-100"])
        #expect(extracted.exitCode == 0, Comment(rawValue: extracted.errorOutput))
        #expect(try mirror.tool.run(extract + ["k10-100"]).errorOutput.contains("1 there already"))
        try mirror.tool.expectRefusal(
            ["detect", Self.picture, "--detector", "./k10-100"], naming: "k10-100", "directory")
    }

    @Test("a short name whose weights are not there is refused with the command that brings them")
    func notFetched() throws {
        let tool = try CommandLineTool()
        for which in ["k10-100", "k36", "hub"] {
            for command in [
                ["detect", Self.picture], ["extract", "--pictures", ".", "--output", "features"],
                ["ask", "--checkpoint", "none", "--picture", Self.picture, "--question", "what?"],
            ] {
                try tool.expectRefusal(
                    command + ["--detector", which], naming: "--detector \(which)",
                    "'rwsan fetch detector --which \(which)'")
            }
        }
    }

    @Test("a cut connection is gone on with, without a byte twice", arguments: [1, 4096, 300_000, 621_234])
    func cut(at cut: Int) throws {
        let mirror = try Mirror { reply, name, earlier in
            if name == Mirror.weightsName, earlier == 0 { reply.cutAfter = cut }
            if name == Mirror.weightsName, earlier == 1 { reply = .init(status: 503) }
        }
        try mirror.expectFetched(try mirror.fetch())
        #expect(mirror.offsets() == [0, cut, cut] && mirror.sentByteCount == mirror.weights.count)
    }

    @Test("killed in the middle and started again, it goes on where it was")
    func killed() throws {
        let mirror = try Mirror { reply, name, earlier in
            if name == Mirror.weightsName, earlier == 0 { reply.stallAfter = 400_000 }
        }
        let partial = mirror.folder() + "/\(Mirror.weightsName).unchecked.partial"
        let run = try mirror.tool.start(mirror.command)
        try run.wait { (try? Data(contentsOf: URL(fileURLWithPath: partial)).count) == 400_000 }
        let second = try mirror.fetch()
        mirror.tool.expectOneErrorLine(second, naming: ["expected a folder that nobody else is fetching to"])
        run.send(SIGKILL)
        #expect(try run.outcome().exitCode == nil)
        try mirror.expectFetched(try mirror.fetch())
        #expect(mirror.offsets() == [0, 400_000] && mirror.sentByteCount == mirror.weights.count)
    }

    @Test("killed while it read what had come, it reads it again and asks for nothing")
    func killedWhileReading() throws {
        let mirror = try Mirror()
        try FileManager.default.createDirectory(atPath: mirror.folder(), withIntermediateDirectories: true)
        try Data(mirror.weights).write(
            to: URL(fileURLWithPath: mirror.folder() + "/\(Mirror.weightsName).unchecked"))
        try mirror.expectFetched(try mirror.fetch())
        #expect(mirror.offsets().isEmpty)
    }

    @Test("Ctrl-C keeps what has come and says how to go on; a large file is told of before it comes")
    func interrupted() throws {
        let mirror = try Mirror { reply, name, earlier in
            reply.headers["Content-Length"] = "150000000"
            reply.stallAfter = 400_000
        }
        let partial = mirror.folder() + "/\(Mirror.weightsName).unchecked.partial"
        let run = try mirror.tool.start(mirror.command)
        try run.wait { (try? Data(contentsOf: URL(fileURLWithPath: partial)).count) == 400_000 }
        run.send(SIGINT)
        let outcome = try run.outcome(seconds: 10)
        #expect(outcome.exitCode == 130 && outcome.output.isEmpty)
        #expect(
            outcome.lastErrorLine.hasSuffix(
                "to go on: rwsan fetch detector --which k10-100 --mirror \(mirror.server.address)/files"))
        #expect(outcome.errorOutput.contains("fetching \(mirror.server.address)/files/\(Mirror.weightsName)"))
        #expect(
            outcome.errorOutput.contains(
                "\(Mirror.weightsName) has 150.0 MB, and goes to .cache/detectors/k10-100/\(Mirror.weightsName)"
            ))
    }

    @Test(
        "a page, a cut file or a damaged one in place of weights is refused, and nothing of it stays",
        arguments: ["page", "cut", "damaged", "empty", "picture"])
    func wrongContent(kind: String) throws {
        let mirror = try Mirror { reply, name, _ in
            guard name == Mirror.weightsName else { return }
            switch kind {
            case "page": reply.body = Array("<html>Sign in to this network</html>".utf8)
            case "cut": reply.body = Array(reply.body.prefix(400_000))
            case "damaged": reply.body.replaceSubrange(0..<2, with: [0xFF, 0xFF])
            case "empty": reply.body = []
            default: reply.body = [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A] + reply.body
            }
        }
        let outcome = try mirror.fetch()
        #expect(outcome.exitCode == 1 && outcome.output.isEmpty)
        #expect(
            outcome.lastErrorLine.hasPrefix(
                "rwsan: error: \(mirror.server.address)/files/\(Mirror.weightsName): expected the weights of a detector"
            ),
            Comment(rawValue: outcome.lastErrorLine))
        #expect(mirror.offsets() == [0, 0] && mirror.names().isEmpty)
    }

    @Test("weights that were damaged since are fetched again; what came damaged once is as well")
    func damagedSince() throws {
        let mirror = try Mirror { reply, name, earlier in
            if name == Mirror.weightsName, earlier == 1 { reply.body = Array(reply.body.dropLast(1000)) }
        }
        _ = try mirror.fetch()
        let path = mirror.folder() + "/" + Mirror.weightsName
        try Data(mirror.weights.prefix(1000)).write(to: URL(fileURLWithPath: path))
        let outcome = try mirror.fetch()
        try mirror.expectFetched(outcome)
        #expect(mirror.offsets().count == 3)
        #expect(outcome.errorOutput.components(separatedBy: ": fetching it again").count == 3)
    }

    @Test(
        "without names regions have numbers, which is told and no error",
        arguments: ["404", "wrong count", "page"])
    func withoutNames(kind: String) throws {
        let mirror = try Mirror { reply, name, _ in
            guard Mirror.names.contains(name) else { return }
            switch kind {
            case "404": reply = .init(status: 404)
            case "page": reply.body = Array("<html>\u{0}</html>".utf8)
            default: reply.body += Array("one more\n".utf8)
            }
        }
        let outcome = try mirror.fetch("--json")
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        #expect(outcome.errorOutput.contains("without names, regions have numbers"))
        #expect(!outcome.output.contains("\"names\""))
        #expect(mirror.names() == [Mirror.weightsName])
        let seen = try mirror.tool.run("detect", Self.picture, "--detector", "k10-100")
        #expect(seen.exitCode == 0 && seen.output.contains("object "))
    }

    @Test("an address with nothing there, a server that fails, and one that sends too much are told")
    func refusedByServer() throws {
        let missing = try Mirror { reply, _, _ in reply = .init(status: 404) }
        try missing.tool.expectRefusalBesideNotes(
            missing.command, naming: "\(missing.server.address)/files/\(Mirror.weightsName)", "404")
        #expect(missing.names().isEmpty)
        let failing = try Mirror { reply, _, _ in reply = .init(status: 500) }
        try failing.tool.expectRefusalBesideNotes(
            failing.command + ["--retries", "1"], naming: "status 500", "tried 2 times")
        let endless = try Mirror { reply, _, _ in reply.headers["Content-Length"] = "9000000000000000" }
        try endless.tool.expectRefusalBesideNotes(endless.command, naming: "at most 4294967296 bytes")
        #expect(endless.names().isEmpty)
    }

    @Test("options that cannot be meant, and folders that cannot be made, are refused")
    func refused() throws {
        let tool = try CommandLineTool()
        try tool.expectRefusal(
            ["fetch", "detector", "--which", "k37"], naming: "--which", "k10-100, k36 or hub", "'k37'")
        try tool.expectRefusal(["fetch", "detector", "--mirror", "files"], naming: "--mirror", "'files'")
        try tool.expectRefusal(["fetch", "detector", "--retries=-1"], naming: "--retries", "-1")
        _ = try tool.folder.write("weights", "a file")
        try tool.expectRefusal(
            ["fetch", "detector", "--output", "weights"], naming: "weights", "Not a directory")
    }
}

extension CommandLineTool {
    /// Runs a command that is to fail after it has said what it does.
    func expectRefusalBesideNotes(
        _ arguments: [String], naming names: String..., sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let outcome = try run(arguments)
        let text = Comment(rawValue: outcome.errorOutput)
        #expect(outcome.exitCode == 1 && outcome.output.isEmpty, text, sourceLocation: sourceLocation)
        for name in names {
            #expect(outcome.lastErrorLine.contains(name), text, sourceLocation: sourceLocation)
        }
    }
}
