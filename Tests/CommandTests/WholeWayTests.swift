import Foundation
import TestSupport
import Testing
import VQADatasets

/// The commands of docs/vqa-v2.md, from an empty folder to an EvalAI file, on seven pictures.
@Suite struct WholeWayTests {
    private let sources: PrimarySources

    init() throws {
        sources = try PrimarySources { reply, name, earlier, isHead in
            // Each large file is cut once.
            if !isHead, earlier == 0, reply.body.count > 20_000 { reply.cutAfter = 16_384 }
        }
        var lines = MiniRun.settings.map { "\($0.key): \($0.value)\n" }
        // What the small detector gives, and one epoch.
        lines += ["img_feat_size: 128\n", "max_epoch: 1\n"]
        let settings = lines.filter { !$0.hasPrefix("img_feat_size: 24") && !$0.hasPrefix("max_epoch: 5") }
        _ = try sources.tool.folder.write("small.yaml", settings.joined())
    }

    /// The commands of a section of the document.
    private func commands(of section: String) throws -> [[String]] {
        let document = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(components: "docs", "vqa-v2.md")
        let sections = try String(contentsOf: document, encoding: .utf8).components(separatedBy: "\n## ")
        let text = try #require(sections.first { $0.hasPrefix(section + "\n") }, "no section '\(section)'")
        return text.replacing(/\\\n */, with: "").split(separator: "\n").compactMap { line in
            guard line.hasPrefix("    rwsan ") else { return nil }
            return line.prefix { $0 != "#" }.split(separator: " ").dropFirst().map(String.init)
        }
    }

    /// Runs a command of the document: from the server, and for one small epoch.
    @discardableResult
    private func run(_ command: [String]) throws -> CommandLineTool.Outcome {
        var command = command.map { $0.replacing("epoch16", with: "epoch1") }
        if command.first == "fetch" { command += ["--mirror", sources.server.address + "/all"] }
        if command.first == "train" { command += ["--config", "small.yaml"] }
        let outcome = try sources.tool.run(command)
        #expect(outcome.exitCode == 0, "\(command): \(outcome.errorOutput)")
        return outcome
    }

    private func contents(_ folder: String) throws -> [String: [UInt8]] {
        let names = try FileManager.default.contentsOfDirectory(atPath: sources.file(folder))
        return try Dictionary(
            uniqueKeysWithValues: names.map {
                ($0, try sources.tool.folder.bytes(of: "datasets/\(folder)/\($0)"))
            })
    }

    @Test(
        "with features made of the pictures, the document's commands end in an answer to each test question")
    func fromPictures() throws {
        let commands = try self.commands(of: "Features made of the pictures")
        let fetched = try run(try #require(commands.first))
        for command in commands.dropFirst() {
            try run(command)
            guard command.first == "extract" else { continue }
            #expect(fetched.errorLines.contains { $0.hasSuffix("rwsan " + command.joined(separator: " ")) })
        }
        try sources.expectKept()
        let store = try contents("coco_extract/train2014.packed")
        #expect(store["index.json"] != nil)
        for command in try self.commands(of: "Train, evaluate, predict") { try run(command) }

        let layout = OfficialLayout(datasets: URL(fileURLWithPath: sources.file("")))
        let questions = try QuestionTable(contentsOf: layout.questions(of: .test))
        let results = try ResultFile.read(URL(fileURLWithPath: sources.tool.folder.file("result.json")))
        #expect(results.map(\.questionID) == questions.ids && questions.count == 42)
        #expect(results.allSatisfy { !$0.answer.isEmpty })
        #expect(sources.offsets["train2014.zip"] == [0, 16_384])

        try FileManager.default.removeItem(atPath: sources.file("coco_extract/train2014.packed"))
        for command in try self.commands(of: "On several machines") { try run(command) }
        #expect(try contents("coco_extract/train2014.packed") == store)
    }

    @Test(
        "with official features that were put there by hand, the document's commands make everything ready to train"
    )
    func officialFeatures() throws {
        let commands = try self.commands(of: "The official features")
        try run(try #require(commands.first))
        try FileManager.default.createDirectory(
            atPath: sources.file("coco_extract"), withIntermediateDirectories: true)
        for name in PrimarySources.features {
            _ = try sources.tool.folder.write("datasets/coco_extract/" + name, #require(sources.files[name]))
        }
        #expect(commands.count > 1)
        for command in commands.dropFirst() { try run(command) }
        for set in PrimarySources.images.keys {
            #expect(sources.exists("coco_extract/\(set).packed/index.json"))
        }
        let outcome = try sources.fetch(nil)
        #expect(outcome.lastErrorLine == "next: rwsan train --data datasets --name val")
    }
}
