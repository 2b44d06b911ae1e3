import Foundation
import TestSupport
import Testing
import Torch
import VQADatasets
import VQATraining

/// `rwsan train --model`: published models that are fine-tuned on pictures and on features.
@Suite struct FineTuningCommandTests {
    private static let published = Fixtures.url("hub/vilt/model.safetensors").path

    @Test(
        "pictures that lie elsewhere, a folder for each split, are learned from, and shown of a run and in its report"
    )
    func picturesElsewhere() throws {
        let set = try FineTuningSet()
        let elsewhere = set.tool.folder.file("elsewhere")
        try FileManager.default.moveItem(atPath: set.data + "/images", toPath: elsewhere)
        try set.run(set.train("--pictures", elsewhere, "--set", "max_epoch=1"))
        let folder = set.runFile("")
        let files = try FileManager.default.contentsOfDirectory(atPath: folder)
        let events = try #require(files.first { $0.contains("tfevents") })
        let bytes = try Data(contentsOf: URL(fileURLWithPath: folder + "/" + events))
        #expect(bytes.range(of: Data("val/1".utf8)) != nil)
        let outcome = try set.run(
            ["report", "ckpts/ckpt_small", "--data", set.data, "--pictures", elsewhere, "--json"])
        let run = try #require((try outcome.output.json()["runs"] as? [[String: Any]])?.first)
        let evaluation = try #require(run["evaluation"] as? [String: Any])
        let mistakes = try #require(evaluation["sure_and_wrong"] as? [[String: Any]])
        #expect(!mistakes.isEmpty)
        #expect(
            mistakes.allSatisfy { ($0["picture"] as? String)?.hasPrefix(elsewhere + "/val2014/") == true })
    }

    @Test(
        "ViLT learns from pictures; it starts from published weights and pieces, and knows some of the answers"
    )
    func viLT() throws {
        let set = try FineTuningSet()
        let outcome = try set.run(set.train())
        let losses = try set.metrics().compactMap { $0["loss"] as? Double }
        #expect(losses.count == 3 && losses[2] < 0.8 * losses[0], "\(losses)")

        let start = try set.checkpoint(0)
        let answers = try #require(start.answers).answers
        let own = try #require(
            try Fixtures.url("hub/vilt/config.json").json()["id2label"] as? [String: String])
        let known = answers.filter(Set(own.values).contains)
        #expect(answers.contains("triangle") && known.contains("red") && known.count < answers.count)
        #expect(
            outcome.errorOutput.contains("213 of 213 words and of \(known.count) of \(answers.count) answers")
        )
        let weights = try loadSafetensors(Self.published).tensors
        for (name, weight) in start.weights where !name.hasPrefix("classifier.3.") {
            let (before, after): ([Float], [Float]) = (
                try #require(weights[name]).array(), try weight.array()
            )
            #expect(before == after, "\(name)")
        }
        let rows: [Float] = try #require(start.weights["classifier.3.bias"]).array()
        let published: [Float] = try #require(weights["classifier.3.bias"]).array()
        for (number, answer) in own {
            guard let place = answers.firstIndex(of: answer) else { continue }
            #expect(rows[place] == published[try #require(Int(number))], "\(answer)")
        }
        // Every layer has learned, down to the patches.
        let end = try set.checkpoint(3)
        for name in [
            "vilt.embeddings.patch_embeddings.projection.weight",
            "vilt.encoder.layer.0.attention.attention.query.weight",
            "vilt.embeddings.text_embeddings.word_embeddings.weight", "vilt.embeddings.cls_token",
        ] {
            let (before, after): ([Float], [Float]) = (
                try #require(start.weights[name]).array(), try #require(end.weights[name]).array()
            )
            #expect(before != after, "\(name)")
        }
        // The published file is as it was.
        #expect(try loadSafetensors(Self.published).tensors.count == weights.count)
        #expect(end.settings?["optimizer"] == "adamw" && end.settings?["lr_schedule"] == "linear")
        #expect(end.settings?["dropout_r"] == 0.1 && end.settings?["img_feat_pad_size"] == 35)
        #expect(end.vocabulary?.count == 213)
    }

    @Test("a fine-tuned checkpoint answers, is evaluated, and says what it is, with the pieces that it holds")
    func answers() throws {
        let set = try FineTuningSet()
        try set.run(set.train())
        let last = set.runFile("epoch3.safetensors")
        let evaluated = try set.run(["evaluate", "--checkpoint", last, "--data", set.data, "--json"])
        let expected = try #require(try set.metrics().last?["overall"] as? Double)
        #expect(try abs(#require(evaluated.output.json()["overall"] as? Double) - expected) < 1e-9)
        let asked = try set.run([
            "ask", "--checkpoint", last, "--picture", "photos/photo 1.png", "--question",
            "what shape is in the picture?", "--json",
        ])
        #expect(try (asked.output.json()["answers"] as? [NSDictionary])?.count == 3)
        let info = try set.run(["info", last, "--json"])
        #expect(try info.output.json()["words"] as? Int == 213)
        try set.tool.expectRefusal(
            ["evaluate", "--checkpoint", last, "--data", set.data, "--set", "max_token=50"],
            naming: "max_token", "40")
    }

    @Test("killed at any moment and resumed, it ends with the same bits")
    func killed() throws {
        let whole = try FineTuningSet()
        try whole.run(whole.train())
        let expected = try whole.bytes(ofCheckpoint: 3)

        let set = try FineTuningSet()
        func kill(_ arguments: [String], milliseconds: UInt32 = 0, after condition: () -> Bool) throws {
            let run = try set.tool.start(arguments)
            try run.wait(until: condition)
            usleep(milliseconds * 1000)
            run.send(SIGKILL)
            _ = try run.outcome()
        }
        func exists(_ file: String) -> Bool {
            FileManager.default.fileExists(atPath: set.runFile(file))
        }
        try kill(set.train(), milliseconds: 100) { exists("epoch0.safetensors") }
        try kill(set.resume()) { exists("epoch1.safetensors") }
        try kill(set.resume(), milliseconds: 50) { exists("epoch1.safetensors") }
        try set.run(set.resume())
        #expect(try set.bytes(ofCheckpoint: 3) == expected)
        #expect(try set.metrics().compactMap { $0["epoch"] as? Int } == [1, 2, 3])
    }

    @Test("a finished run goes on with more epochs, at a rate that is told to go by them")
    func moreEpochs() throws {
        let set = try FineTuningSet()
        try set.run(set.train("--set", "max_epoch=1"))
        let outcome = try set.run(set.resume("--set", "max_epoch=2"))
        #expect(outcome.errorOutput.contains("max_epoch = 2, where it has 1: the learning rate goes on"))
        let rates = try set.metrics().compactMap { $0["lr"] as? Double }
        // Of some nine steps the last has a ninth of the rate, and of twice as many half of that.
        #expect(rates.count == 2 && rates[0] < 2e-3 / 7 && rates[1] > 0 && rates[1] < 2e-3 / 14)
    }

    @Test("where all of the dataset's answers are among the model's, these stay as they are")
    func knownAnswers() throws {
        let set = try FineTuningSet { rows in
            rows.filter { $0.hasSuffix("answer") || $0.contains("yes") || $0.contains(",no") }
        }
        let outcome = try set.run(set.train("--set", "max_epoch=1", "--set", "batch_size=10"))
        let start = try set.checkpoint(0)
        #expect(start.answers?.count == 15 && start.answers?.answers.first == "")
        #expect(outcome.errorOutput.contains("15 of 15 answers"))
        let weights = try loadSafetensors(Self.published).tensors
        for name in ["classifier.3.weight", "classifier.3.bias"] {
            let (before, after): ([Float], [Float]) = (
                try #require(weights[name]).array(), try #require(start.weights[name]).array()
            )
            #expect(before == after, "\(name)")
        }
    }

    @Test("LXMERT learns from features, and what it has learned is exported and read back to the same logits")
    func lxmert() throws {
        let tool = try CommandLineTool()
        let outcome = try tool.run(
            "train", "--model", FineTuningSet.model("lxmert"), "--data", MiniRun.datasets.path, "--name",
            "l", "--set", "max_epoch=1", "--set", "seed=1", "--set", "eval_every_epoch=false")
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        let last = "ckpts/ckpt_l/epoch1.safetensors"
        #expect(try Checkpoint(contentsOf: tool.folder.file(last)).settings?["lr_base"] == 5e-5)
        try exportAndCompare(last, tool, ["--data", MiniRun.datasets.path, "--split", "test"])
        let config = try URL(fileURLWithPath: tool.folder.file("out/config.json")).json()
        #expect(config["architectures"] as? [String] == ["LxmertForQuestionAnswering"])
    }

    @Test("a fine-tuned ViLT is exported in transformers' form, and read back to the same logits")
    func exported() throws {
        let set = try FineTuningSet()
        try set.run(set.train("--set", "max_epoch=1"))
        try exportAndCompare(
            set.runFile("epoch1.safetensors"), set.tool, ["--data", set.data, "--split", "val"])
        let card = try String(contentsOfFile: set.tool.folder.file("out/README.md"), encoding: .utf8)
        #expect(card.contains("library_name: transformers") && card.contains("213 pieces of words"))
        // What was exported starts a run, as what the hub has does.
        try set.run(
            ["train", "--data", set.data, "--name", "again", "--model", "out"] + FineTuningSet.settings
                + ["--set", "max_epoch=1"])
    }

    private func exportAndCompare(_ checkpoint: String, _ tool: CommandLineTool, _ asked: [String]) throws {
        let export = try tool.run("export", "--checkpoint", checkpoint, "--output", "out")
        #expect(export.exitCode == 0, Comment(rawValue: export.errorOutput))
        var logits: [[Float]] = []
        for model in [["--checkpoint", checkpoint], ["--model", "out"]] {
            let outcome = try tool.run(
                ["predict", "--output", "r.json", "--save-logits", "l.safetensors"] + model + asked)
            #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
            logits.append(
                try #require(loadSafetensors(tool.folder.file("l.safetensors")).tensors["logits"]).array())
        }
        try #require(logits[0].count == logits[1].count && !logits[0].isEmpty)
        #expect(zip(logits[0], logits[1]).allSatisfy { abs($0 - $1) < 1e-5 })
    }

    @Test("a run starts from a fine-tuned checkpoint with its pieces, on a dataset of other answers")
    func startFrom() throws {
        let set = try FineTuningSet()
        try set.run(set.train("--set", "max_epoch=1"))
        _ = try set.tool.folder.write(
            "answers.json", #"[{"yes": 0, "zebra": 1}, {"0": "yes", "1": "zebra"}]"#)
        let outcome = try set.run(
            [
                "train", "--data", set.data, "--name", "second", "--start-from",
                set.runFile("epoch1.safetensors"), "--answers", "answers.json", "--set", "max_epoch=1",
            ] + Array(FineTuningSet.settings.prefix(4)))
        #expect(outcome.errorOutput.contains("213 of 213 words and of 1 of 2 answers"))
        #expect(
            try set.checkpoint(1, of: "second").vocabulary?.pieceList
                == set.checkpoint(1).vocabulary?.pieceList)
    }

    @Test("--show-settings has what a run with a published model would have")
    func settings() throws {
        let tool = try CommandLineTool()
        let outcome = try tool.run(
            "train", "--model", FineTuningSet.model("lxmert"), "--show-settings", "--json", "--set",
            "max_epoch=7")
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        let groups = try #require(try outcome.output.json()["groups"] as? [NSDictionary])
        let settings = groups.flatMap { $0["settings"] as? [NSDictionary] ?? [] }
        func value(_ key: String, _ what: String = "value") -> NSObject? {
            settings.first { $0["key"] as? String == key }?[what] as? NSObject
        }
        #expect(value("model") == "lxmert" as NSString && value("hidden_size") == 32 as NSNumber)
        #expect(value("optimizer") == "adamw" as NSString && value("lr_schedule") == "linear" as NSString)
        #expect(value("max_epoch") == 7 as NSNumber && value("max_epoch", "default") == 4 as NSNumber)
    }
}
