import Foundation
import TestSupport
import Testing
import Torch
import VQADatasets
import VQATraining

/// `rwsan train --start-from`: a run that begins with the weights of another one.
@Suite struct StartFromTests {
    private let mini: MiniCommands

    init() throws { mini = try MiniCommands() }

    /// A short run of the fixture with words and answers of its own, so that a checkpoint with both is there.
    private func first() throws -> String {
        let outcome = try mini.tool.run(
            mini.train(
                "--answers", MiniRun.answers.path, "--set", "use_glove=false", "--set", "seed=3", "--set",
                "max_epoch=1", "--set", "eval_every_epoch=false"))
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        return mini.runFile("epoch1.safetensors")
    }

    /// A dataset of other words and answers, with the fixture's images.
    private func otherDataset() throws -> String {
        let folder = mini.tool.folder.file("other")
        try FileManager.default.createDirectory(atPath: folder + "/vqa", withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: folder + "/coco_extract", withDestinationPath: mini.dataFile("coco_extract"))
        for (name, key) in [
            ("v2_OpenEnded_mscoco_train2014_questions.json", "questions"),
            ("v2_mscoco_train2014_annotations.json", "annotations"),
        ] {
            let whole = try URL(fileURLWithPath: mini.dataFile("vqa/" + name)).json()
            var records = try #require(whole[key] as? [[String: Any]])
            for place in records.indices.prefix(60) {
                if key == "questions" {
                    records[place]["question"] = "wherefore zyzzyva \(records[place]["question"] ?? "")"
                } else {
                    records[place]["multiple_choice_answer"] = "quux"
                    records[place]["answers"] = (1...10).map {
                        ["answer": "quux", "answer_id": $0] as [String: Any]
                    }
                }
            }
            let data = try JSONSerialization.data(withJSONObject: [key: records])
            try data.write(to: URL(fileURLWithPath: folder + "/vqa/" + name))
        }
        return folder
    }

    private func start(_ checkpoint: String, name: String, _ more: String...) throws
        -> CommandLineTool.Outcome
    {
        try mini.tool.run(
            [
                "train", "--data", otherDataset(at: "other"), "--name", name, "--start-from", checkpoint,
                "--set",
                "use_glove=false", "--set", "max_epoch=1", "--set", "seed=5", "--set", "batch_size=16",
                "--set", "img_feat_pad_size=40",
            ] + more)
    }

    private func otherDataset(at name: String) throws -> String {
        let folder = mini.tool.folder.file(name)
        return FileManager.default.fileExists(atPath: folder) ? folder : try otherDataset()
    }

    @Test(
        "weights are taken by name, embeddings by word, and the output by answer; the rest is new, and that is told"
    )
    func transfer() throws {
        let path = try first()
        let old = try Checkpoint(contentsOf: path)
        let outcome = try start(path, name: "b")
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        // The checkpoint before the first step.
        let new = try Checkpoint(contentsOf: mini.tool.folder.file("ckpts/ckpt_b/epoch0.safetensors"))
        let (oldWords, newWords) = (try #require(old.vocabulary).words, try #require(new.vocabulary).words)
        let (oldAnswers, newAnswers) = (try #require(old.answers).answers, try #require(new.answers).answers)
        #expect(newWords.contains("zyzzyva") && newAnswers.contains("quux") && newAnswers != oldAnswers)
        let start = try #require(new.training?.startedFrom)
        #expect(start.checkpoint == path && start.tensors == old.weights.count - 3)
        #expect(start.words == Set(oldWords).intersection(newWords).count && start.words < newWords.count)
        #expect(
            start.answers == Set(oldAnswers).intersection(newAnswers).count
                && start.answers < newAnswers.count)
        #expect(
            outcome.errorOutput.contains(
                "starting from \(path): \(start.tensors) tensors as they are, and the rows of \(start.words) of "
                    + "\(newWords.count) words and of \(start.answers) of \(newAnswers.count) answers"))

        for (name, weight) in old.weights
        where !["embedding.weight", "proj.weight", "proj.bias"].contains(name) {
            let (before, after): ([Float], [Float]) = (
                try weight.array(), try #require(new.weights[name]).array()
            )
            #expect(before == after, "\(name)")
        }
        try expectRows(of: "embedding.weight", newWords, new, areThoseOf: oldWords, old)
        try expectRows(of: "proj.weight", newAnswers, new, areThoseOf: oldAnswers, old)
        try expectRows(of: "proj.bias", newAnswers, new, areThoseOf: oldAnswers, old)
        // The optimizer starts anew.
        #expect(new.stepCount == 0)
        #expect(
            try new.optimizerState.values.flatMap(\.values).allSatisfy {
                try $0.array().allSatisfy { (x: Float) in x == 0 }
            })
        // What goes on from there still tells it.
        let last = try Checkpoint(contentsOf: mini.tool.folder.file("ckpts/ckpt_b/epoch1.safetensors"))
        #expect(last.training?.startedFrom == start)
        let info = try mini.tool.run("info", mini.tool.folder.file("ckpts/ckpt_b/epoch1.safetensors"))
        #expect(info.output.contains("started from \(path): \(start.tensors) tensors"))
    }

    private func expectRows(
        of name: String, _ newTexts: [String], _ new: Checkpoint, areThoseOf oldTexts: [String],
        _ old: Checkpoint
    ) throws {
        let (before, after): ([Float], [Float]) = (
            try #require(old.weights[name]).array(), try #require(new.weights[name]).array()
        )
        let width = after.count / newTexts.count
        for (place, text) in newTexts.enumerated() {
            let row = after[place * width..<(place + 1) * width]
            guard let other = oldTexts.firstIndex(of: text) else { continue }
            #expect(row.elementsEqual(before[other * width..<(other + 1) * width]), "\(name): \(text)")
        }
    }

    @Test("the same start and seed end with the same weights")
    func reproducible() throws {
        let path = try first()
        #expect(try start(path, name: "b").exitCode == 0)
        #expect(try start(path, name: "c").exitCode == 0)
        func weights(_ run: String) throws -> [String: [UInt8]] {
            let file = try SafetensorsFile(
                path: mini.tool.folder.file("ckpts/ckpt_\(run)/epoch1.safetensors"))
            return try Dictionary(
                uniqueKeysWithValues: file.tensors.map { ($0.name, Array(try file.bytes(of: $0.name))) })
        }
        #expect(try weights("b") == weights("c"))
    }

    @Test("an official checkpoint gives all weights but those of words and answers, which it does not name")
    func official() throws {
        let outcome = try mini.tool.run(
            mini.train(
                "--start-from", MiniRun.checkpoint(2).path, "--set", "use_glove=false", "--set",
                "max_epoch=1",
                "--json"))
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        let began = try #require(outcome.output.split(separator: "\n").first { $0.contains("started_from") })
        let start = try #require(try String(began).json()["started_from"] as? [String: Any])
        #expect(start["words"] as? Int == 0 && start["answers"] as? Int == 0)
        #expect(start["tensors"] as? Int ?? 0 > 10)
        let official = try Checkpoint(contentsOf: MiniRun.checkpoint(2).path)
        let new = try Checkpoint(contentsOf: mini.runFile("epoch0.safetensors"))
        let name = "img_feat_linear.weight"
        let (before, after): ([Float], [Float]) = (
            try #require(official.weights[name]).array(), try #require(new.weights[name]).array()
        )
        #expect(before == after)
    }

    @Test(
        "other models and sizes are refused with what differs, and so are --resume beside it and what is no checkpoint"
    )
    func refused() throws {
        let path = try first()
        func expect(_ arguments: [String], _ names: String...) throws {
            let outcome = try mini.tool.run(arguments)
            mini.tool.expectOneErrorLine(outcome, naming: names)
        }
        try expect(
            mini.train("--start-from", path, "--set", "flat_out_size=24"), path,
            "flat_out_size = 24, where it has 64")
        let plain = [
            "train", "--data", mini.datasets, "--name", "b", "--set", "use_glove=false", "--start-from",
        ]
        try expect(plain + [path, "--set", "img_feat_size=25"], path, "img_feat_size = 25, where it has 24")
        try expect(plain + [path, "--set", "model=mcan_small"], path, "a checkpoint of rwsan", "mcan_small")
        try expect(plain + [MiniRun.checkpoint(2).path], "epoch2.pkl", "[")
        try expect(
            plain + [MiniRun.checkpoint(2).path, "--set", "model=mcan_small"], "look like those of rwsan")
        try expect(
            mini.train("--start-from", path, "--resume", path), "--resume", "--start-from", "found both")
        try expect(plain + [mini.tool.folder.file("ckpts")], "found a folder")
        try expect(plain + ["nowhere.safetensors"], "nowhere.safetensors")
        try expect(plain + [MiniRun.answers.path], MiniRun.answers.path, "expected a checkpoint")
        #expect(!mini.exists(mini.tool.folder.file("ckpts/ckpt_b")))
    }
}
