import Foundation
import TestSupport
import Testing
import Torch
import VQADatasets
import VQATraining

/// `rwsan export`: a model as the Hugging Face hub has models, and what is done with it afterwards.
@Suite struct ExportTests {
    /// A trained checkpoint, and the accuracies of its run.
    private static let run = Result {
        let mini = try MiniCommands()
        let outcome = try mini.tool.run(mini.trainOn("--set", "max_epoch=4"))
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        return try ["epoch4.safetensors", "metrics.jsonl"].map {
            try Data(contentsOf: URL(fileURLWithPath: mini.runFile($0)))
        }
    }

    private static let image = "coco_extract/test2015/COCO_test2015_000000048846.jpg.npz"

    private let mini: MiniCommands
    private let checkpoint: String
    private var tool: CommandLineTool { mini.tool }

    init() throws {
        mini = try MiniCommands()
        try FileManager.default.createDirectory(
            atPath: mini.runFile(""), withIntermediateDirectories: true)
        let files = try Self.run.get()
        checkpoint = try mini.tool.folder.write("ckpts/ckpt_mini/epoch4.safetensors", files[0])
        _ = try mini.tool.folder.write("ckpts/ckpt_mini/metrics.jsonl", files[1])
    }

    /// Exports the checkpoint and gives the folder's path.
    private func export(_ more: String...) throws -> String {
        let folder = tool.folder.file("model")
        let outcome = try tool.run(["export", "--checkpoint", checkpoint, "--output", folder] + more)
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        return folder
    }

    private func text(_ file: String) throws -> String { try String(contentsOfFile: file, encoding: .utf8) }

    /// The bytes of the logits and the answers that a model gives to the test questions.
    private func predicted(_ model: [String], _ more: String...) throws -> [[UInt8]] {
        let outcome = try tool.run(
            ["predict"] + model + [
                "--data", mini.datasets, "--split", "test", "--output", "r.json", "--save-logits",
                "l.safetensors",
            ] + more)
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        return try [tool.folder.bytes(of: "r.json"), tool.folder.bytes(of: "l.safetensors")]
    }

    private func ask(_ model: [String]) -> [String] {
        ["ask"] + model + [
            "--features", mini.dataFile(Self.image), "--question", "what is on the table?", "--json",
        ]
    }

    @Test("predict, evaluate and ask answer from the folder as from the checkpoint, logits to the bit")
    func sameAnswers() throws {
        let (ours, exported) = (["--checkpoint", checkpoint], ["--model", try export()])
        #expect(try predicted(ours) == predicted(exported))
        for command in [["evaluate", "--data", mini.datasets, "--json"]] {
            let (found, expected) = (try tool.run(command + exported), try tool.run(command + ours))
            #expect(found.exitCode == 0, Comment(rawValue: found.errorOutput))
            #expect(found.output == expected.output)
        }
        let (found, expected) = (try tool.run(ask(exported)), try tool.run(ask(ours)))
        #expect(found.exitCode == 0, Comment(rawValue: found.errorOutput))
        #expect(found.output == expected.output && !found.output.isEmpty)
        // Written once more, it is the same.
        let again = try tool.run(["export"] + exported + ["--output", "again"])
        #expect(again.exitCode == 0, Comment(rawValue: again.errorOutput))
        for name in try FileManager.default.contentsOfDirectory(atPath: exported[1]) {
            #expect(
                try tool.folder.bytes(of: "again/" + name) == tool.folder.bytes(of: "model/" + name),
                "\(name)")
        }
    }

    @Test(
        "an official checkpoint becomes a folder that gives the official answers without words and answers beside it"
    )
    func official() throws {
        let outcome = try tool.run(
            "export", "--checkpoint", MiniRun.checkpoint(2).path, "--config", "mini.yaml", "--data",
            mini.datasets,
            "--answers", MiniRun.answers.path, "--output", "official", "--json")
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        let summary = try outcome.output.json()
        #expect(summary["architecture"] as? String == "RWSAN" && summary["accuracy"] == nil)
        #expect(
            try predicted(["--model", "official"])[0]
                == [UInt8](Data(contentsOf: MiniRun.expected("test_result_epoch2.json"))))
        let (found, _) = try loadSafetensors(tool.folder.file("l.safetensors"))
        let (expected, _) = try loadSafetensors(MiniRun.expected("test_predictions_epoch2.safetensors").path)
        let difference = try #require(found["logits"]) - #require(expected["logits"])
        #expect(try difference.absolute().maximum().item() < 1e-4)
    }

    @Test(
        "the files are those of a repository: weights by their names, every setting, the answers, a word a line"
    )
    func files() throws {
        let outcome = try tool.run("export", "--checkpoint", checkpoint, "--output", "a/model", "--json")
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        #expect(outcome.errorOutput.contains("licence"))
        let summary = try outcome.output.json()
        let names = ["vocab.txt", "README.md", "model.safetensors", "config.json"]
        #expect(summary["files"] as? [String] == names)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: tool.folder.file("a/model")).sorted()
                == names.sorted())

        let own = try Checkpoint(contentsOf: checkpoint)
        let weights = try SafetensorsFile(path: tool.folder.file("a/model/model.safetensors"))
        #expect(weights.metadata == ["format": "pt"])
        #expect(Set(weights.tensors.map(\.name)) == Set(own.weights.keys))
        for (name, tensor) in own.weights {
            #expect(try weights.info(of: name).dtype == .float32)
            #expect(try Array(weights.bytes(of: name)) == tensor.withUnsafeBytes { Array($0) }, "\(name)")
        }
        let words = try #require(own.vocabulary).words
        #expect(try text(tool.folder.file("a/model/vocab.txt")) == words.map { $0 + "\n" }.joined())
        var configuration = try #require(
            try text(tool.folder.file("a/model/config.json")).json() as? [String: Any])
        #expect(configuration.removeValue(forKey: "architectures") as? [String] == ["RWSAN"])
        #expect(configuration.removeValue(forKey: "model_type") as? String == "rwsan")
        #expect(configuration.removeValue(forKey: "rwsan_format") as? Int == 1)
        let labels = try #require(configuration.removeValue(forKey: "id2label") as? [String: String])
        #expect(labels.count == own.answers?.count)
        #expect(
            try labels
                == Dictionary(
                    uniqueKeysWithValues: #require(own.answers).answers.enumerated().map { ("\($0)", $1) }))
        #expect(Set(configuration.keys) == Set(try #require(own.settings).keys))
    }

    @Test("the page claims the accuracies that were measured, and leaves the licence to be filled in")
    func card() throws {
        let card = try text(export() + "/README.md")
        let front = try #require(card.components(separatedBy: "---\n").dropFirst().first)
        #expect(front.contains("library_name: rwsan\npipeline_tag: visual-question-answering\n"))
        #expect(front.contains("# license:") && !front.contains("\nlicense:"))
        let record = try #require(try mini.metrics().last)
        let overall = String(format: "%.2f", try #require(record["overall"] as? Double))
        #expect(card.contains("| all | \(overall) |"), Comment(rawValue: card))
        for (type, accuracy) in try #require(record["perAnswerType"] as? [String: Double]) {
            #expect(card.contains("| \(type) | \(String(format: "%.2f", accuracy)) |"))
        }
        for part in ["- epochs: 4\n", "| `hidden_size` | `32` |", "| `batch_size` | `16` |", "ask --model"] {
            #expect(card.contains(part), "\(part)")
        }
        #expect(!card.contains(tool.folder.path), "where files lay is not told")
    }

    @Test(
        "without metrics.jsonl beside the checkpoint no accuracy is claimed; one that is damaged is an error")
    func noAccuracy() throws {
        _ = try tool.folder.write("ckpts/ckpt_mini/metrics.jsonl", "{\n")
        try tool.expectRefusal(
            ["export", "--checkpoint", checkpoint, "--output", "model"], naming: "metrics.jsonl")
        #expect(!mini.exists(tool.folder.file("model")))
        try FileManager.default.removeItem(atPath: mini.runFile("metrics.jsonl"))
        #expect(try text(export() + "/README.md").contains("None is claimed"))
    }

    @Test("how features were made of pictures goes with the model")
    func recipe() throws {
        var changed = try Checkpoint(contentsOf: checkpoint)
        let recipe = #"{"blocks":[10],"inputSize":64,"network":"EfficientNet-Lite0"}"#
        changed.featureRecipe = recipe
        try changed.write(to: checkpoint)
        let folder = try export()
        #expect(try text(folder + "/extraction.json") == recipe)
        #expect(try text(folder + "/README.md").contains("features of EfficientNet-Lite0, block 10"))
        #expect(try predicted(["--model", folder]) == predicted(["--checkpoint", checkpoint]))

        changed.featureRecipe = #"{"network":"unheard of"}"#
        try changed.write(to: checkpoint)
        try tool.expectRefusal(
            ["export", "--checkpoint", checkpoint, "--output", "other"], naming: checkpoint, "unheard of")
    }

    // MARK: - Refusals

    @Test("a folder with something in it, a file in its place, or no room is refused, and nothing changes")
    func output() throws {
        let export = ["export", "--checkpoint", checkpoint, "--output"]
        try tool.expectRefusal(export + [mini.runFile("")], naming: "an empty folder", "epoch4.safetensors")
        try tool.expectRefusal(export + ["mini.yaml"], naming: "an empty folder", "mini.yaml")
        try tool.expectRefusal(export + ["mini.yaml/model"], naming: "mini.yaml/model", "Not a directory")
        try tool.expectRefusal(export + [checkpoint], naming: "--checkpoint")
        let full = try tool.run(in: "ulimit -f 20 && exec \"$@\"", export + ["model"])
        tool.expectOneErrorLine(full, naming: ["model.safetensors", "File too large"])
        #expect(!mini.exists(tool.folder.file("model")))
    }

    @Test(
        "killed as soon as there is a folder, export leaves what is no model, or a whole one",
        arguments: [0, 3000])
    func killed(microseconds: UInt32) throws {
        let folder = tool.folder.file("model")
        let command = try tool.start(["export", "--checkpoint", checkpoint, "--output", folder])
        try command.wait { mini.exists(folder) }
        usleep(microseconds)
        command.send(SIGKILL)
        _ = try command.outcome()
        let outcome = try tool.run(ask(["--model", folder]))
        if mini.exists(folder + "/config.json") {
            #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        } else {
            tool.expectOneErrorLine(outcome, naming: ["config.json", "found none"])
        }
    }

    @Test("a checkpoint that is damaged, or lacks words or answers, is refused before a folder is made")
    func damagedCheckpoint() throws {
        var bytes = try [UInt8](Self.run.get()[0])
        bytes[bytes.count - 100] ^= 1
        let damaged = try tool.folder.write("damaged.safetensors", bytes)
        try tool.expectRefusal(
            ["export", "--checkpoint", damaged, "--output", "model"], naming: damaged, "checksum")
        let official = ["export", "--checkpoint", MiniRun.checkpoint(2).path, "--config", "mini.yaml"]
        try tool.expectRefusal(official + ["--output", "model"], naming: "it has no words", "--data")
        try tool.expectRefusal(
            ["export", "--model", ".", "--set", "hidden_size=3", "--output", "model"], naming: "--set",
            "--model")
        try tool.expectRefusal(["export", "--output", "model"], naming: "--checkpoint", "--model")
        // The page says what the model was trained with.
        try tool.expectRefusal(
            ["export", "--checkpoint", checkpoint, "--set", "batch_size=8", "--output", "model"],
            naming: checkpoint, "batch_size")
        #expect(!mini.exists(tool.folder.file("model")))
    }

    @Test("a word that no line can hold is refused", arguments: ["a\nb", "a\r"])
    func wordWithLineEnd(word: String) throws {
        var changed = try Checkpoint(contentsOf: checkpoint)
        var words = try #require(changed.vocabulary).words
        words[5] = word
        changed.vocabulary = try Vocabulary(words: words)
        try changed.write(to: checkpoint)
        try tool.expectRefusal(
            ["export", "--checkpoint", checkpoint, "--output", "model"], naming: checkpoint, "ends of lines")
        #expect(!mini.exists(tool.folder.file("model")))
    }

    /// What is done to an exported folder, and what the error names.
    struct Damage: CustomTestStringConvertible {
        let file: String
        let old: String?
        let new: String?
        let named: [String]
        var testDescription: String { "\(file): \(old ?? "all") to \(new ?? "nothing")" }

        /// Replaces a part of a file, all of it, or removes it.
        init(_ file: String, _ old: String?, _ new: String?, _ named: String...) {
            (self.file, self.old, self.new, self.named) = (file, old, new, named)
        }
    }

    @Test(
        "a folder that lacks a file, or has one that does not fit the others, is one line",
        arguments: [
            Damage("config.json", nil, nil, "config.json"), Damage("config.json", nil, "{", "config.json"),
            Damage("config.json", "\"hidden_size\"", "\"hiddn_size\"", "hiddn_size", "hidden_size"),
            Damage("config.json", "\"batch_size\": 16", "\"batch_size\": -16", "batch_size"),
            Damage("config.json", "\"batch_size\": 16", "\"batch_size\": {\"a\": 1}", "batch_size"),
            Damage("config.json", "\"hidden_size\": 32", "\"hidden_size\": 1048576", "another shape"),
            Damage("config.json", "\"rwsan_format\": 1", "\"rwsan_format\": 2", "rwsan_format", "found 2"),
            Damage("config.json", "  \"rwsan_format\": 1,\n", "", "rwsan_format", "found none"),
            Damage("config.json", "\"model_type\": \"rwsan\"", "\"model_type\": \"bert\"", "model_type"),
            Damage("config.json", "\"model\": \"rwsan\"", "\"model\": \"mcan_small\"", "no such key"),
            Damage(
                "config.json", "[\"RWSAN\"],\n  \"model_type\": \"rwsan\"",
                "[\"MCAN\"],\n  \"model_type\": \"mcan\"", "architectures", "'RWSAN'", "'MCAN'"),
            Damage("config.json", "\"model\": \"rwsan\"", "\"model\": \"x\"", "mcan_small"),
            Damage("config.json", "  \"model\": \"rwsan\",\n", "", "model", "none"),
            Damage(
                "config.json", "[\"RWSAN\"]", "[\"Other\"]", "ViltForQuestionAnswering", "RWSAN", "'Other'"),
            Damage("config.json", "    \"0\": ", "    \"1000000\": ", "id2label"),
            Damage("config.json", "    \"1\": ", "    \"0\": ", "id2label"),
            Damage("vocab.txt", nil, nil, "vocab.txt"),
            Damage("vocab.txt", nil, "a\nb\n", "vocab.txt", "PAD"),
            Damage("vocab.txt", "PAD\nUNK\n", "PAD\nUNK\nmore\n", "vocab.txt", "words of the weights"),
            Damage("vocab.txt", "PAD\nUNK\n", "PAD\nUNK\nx\nx\n", "vocab.txt", "twice"),
            Damage("model.safetensors", nil, nil, "model.safetensors"),
            Damage("model.safetensors", nil, "abc", "model.safetensors"),
            Damage("extraction.json", nil, "{}", "extraction.json"),
        ])
    func damaged(damage: Damage) throws {
        let folder = try export()
        let file = folder + "/" + damage.file
        if let old = damage.old {
            let whole = try text(file)
            try #require(whole.contains(old))
            _ = try tool.folder.write(
                "model/" + damage.file, whole.replacingOccurrences(of: old, with: damage.new ?? ""))
        } else if let new = damage.new {
            _ = try tool.folder.write("model/" + damage.file, new)
        } else {
            try FileManager.default.removeItem(atPath: file)
        }
        let outcome = try tool.run(ask(["--model", folder]))
        tool.expectOneErrorLine(outcome, naming: damage.named)
    }

    @Test(
        "fewer answers than the weights have are told as such, and another list than the folder's is refused")
    func answers() throws {
        let folder = try export()
        let whole = try text(folder + "/config.json")
        let count = try #require(try Checkpoint(contentsOf: checkpoint).answers).count
        let last = try #require(whole.range(of: ",\n    \"\(count - 1)\": "))
        let end = try #require(whole.range(of: "\n  }", range: last.upperBound..<whole.endIndex))
        _ = try tool.folder.write(
            "model/config.json", whole.replacingCharacters(in: last.lowerBound..<end.lowerBound, with: ""))
        tool.expectOneErrorLine(
            try tool.run(ask(["--model", folder])), naming: ["id2label", "expected the \(count) answers"])
        _ = try tool.folder.write("model/config.json", whole)
        let other = try tool.folder.write(
            "other.json", "[{\"no\": 0, \"yes\": 1}, {\"0\": \"no\", \"1\": \"yes\"}]")
        try tool.expectRefusal(ask(["--model", folder, "--answers", other]), naming: other, "config.json")
    }

    // MARK: - The hub

    @Test("an exported folder, put on the hub as a repository, answers by its name, and offline afterwards")
    func hub() throws {
        let folder = try export()
        let name = "somebody/my-model"
        var files: [String: HubServer.File] = [:]
        for file in try FileManager.default.contentsOfDirectory(atPath: folder) {
            let bytes = try tool.folder.bytes(of: "model/" + file)
            let isLarge = file == "model.safetensors"
            files[file] = HubServer.File(
                bytes, tag: isLarge ? try sha256(bytes) : "tag-\(file)", isLarge: isLarge)
        }
        let server = try HubServer(name, files)
        let shell =
            "HF_HOME=home HF_HUB_CACHE= HF_TOKEN= HF_HUB_OFFLINE= HF_ENDPOINT=\(server.hub.address) exec \"$@\""
        let expected = try tool.run(ask(["--checkpoint", checkpoint]))
        for more in [[], ["--offline"]] {
            let found = try tool.run(in: shell, ask(["--model", name] + more))
            #expect(found.exitCode == 0, Comment(rawValue: found.errorOutput))
            #expect(found.output == expected.output)
        }
        let snapshot = "home/hub/models--somebody--my-model/snapshots/\(HubServer.commit)"
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: tool.folder.file(snapshot)).sorted()
                == ["README.md", "config.json", "model.safetensors", "vocab.txt"])
        // Its words are its own: those of BERT do not stand in for them.
        files["vocab.txt"] = nil
        let other = try HubServer("somebody/other", files)
        let refused = try tool.run(
            in: shell.replacingOccurrences(of: server.hub.address, with: other.hub.address),
            ask(["--model", "somebody/other"]))
        #expect(refused.exitCode == 1)
        #expect(refused.lastErrorLine.contains("vocab.txt"), Comment(rawValue: refused.errorOutput))
    }
}
