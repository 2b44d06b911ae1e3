import Foundation
import TestSupport
import Testing

/// What is wrong with pictures, models and options of a run that fine-tunes, and what is left out of it.
@Suite struct FineTuningRefusalTests {
    @Test("a run begins in one way, with a model that is there and settings that it takes")
    func options() throws {
        let set = try FineTuningSet()
        let train = set.train()
        try set.tool.expectRefusal(train + ["--resume", "x"], naming: "--resume", "--model", "both")
        try set.tool.expectRefusal(train + ["--start-from", "x"], naming: "--start-from", "--model", "both")
        try set.tool.expectRefusal(train + ["--set", "max_token=41"], naming: "max_token", "40")
        try set.tool.expectRefusal(train + ["--set", "warmup_ratio=1"], naming: "warmup_ratio")
        try set.tool.expectRefusal(train + ["--set", "weight_decay=-1"], naming: "weight_decay")
        try set.tool.expectRefusal(train + ["--set", "optimizer=sgd"], naming: "optimizer", "adamw")
        let start = ["train", "--data", set.data, "--name", "b"]
        try set.tool.expectRefusal(start + ["--set", "model=vilt"], naming: "--model vilt")
        try set.tool.expectRefusal(start + ["--model", "data"], naming: "data", "config.json")
        try set.tool.expectRefusal(start + ["--model", "nowhere"], naming: "nowhere", "vilt")
        try set.tool.expectRefusal(
            start + ["--model", "vilt", "--offline"], naming: "dandelin/vilt-b32-finetuned-vqa", "--offline")
        #expect(!FileManager.default.fileExists(atPath: set.tool.folder.file("ckpts")), "no run was begun")
    }

    @Test("pictures that are nowhere, and a folder without any of them, are refused by name")
    func noPictures() throws {
        let set = try FineTuningSet()
        let images = set.data + "/images"
        try FileManager.default.moveItem(atPath: images, toPath: set.tool.folder.file("elsewhere"))
        try set.tool.expectRefusal(set.train(), naming: "train2014", "--pictures")
        try FileManager.default.createDirectory(
            atPath: set.tool.folder.file("empty"), withIntermediateDirectories: true)
        for more in [[], ["--skip-damaged"]] {
            try set.tool.expectRefusal(
                set.train() + ["--pictures", "empty"] + more, naming: "empty", "images")
        }
        try set.tool.expectRefusal(set.train() + ["--pictures", "gone"], naming: "gone")
        // A folder with a folder for each split is one of pictures too.
        try set.run(set.train("--set", "max_epoch=1", "--pictures", "elsewhere"))
    }

    /// Takes one training picture away, and breaks one of val.
    private func damage(_ set: FineTuningSet) throws -> (missing: String, broken: String) {
        func first(_ split: String) throws -> URL {
            let folder = URL(fileURLWithPath: set.data + "/images/" + split)
            let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
            return folder.appending(component: try #require(names.first))
        }
        let (missing, broken) = (try first("train2014"), try first("val2014"))
        try FileManager.default.removeItem(at: missing)
        try FileManager.default.removeItem(at: broken)
        try Data("no picture".utf8).write(to: broken)
        return (missing.lastPathComponent, broken.path)
    }

    @Test(
        "a missing and a broken picture end a run, or are left out of it with --skip-damaged, which names them"
    )
    func damaged() throws {
        let set = try FineTuningSet()
        let (missing, broken) = try damage(set)
        let number = try #require(Int(missing.filter(\.isNumber).suffix(12)))
        try set.tool.expectRefusal(set.train(), naming: "train2014", "\(number)")
        let outcome = try set.run(set.train("--set", "max_epoch=1", "--skip-damaged"))
        #expect(outcome.errorOutput.contains("expected one of image \(number), found none"))
        #expect(outcome.errorOutput.contains(broken))
        #expect(outcome.errorOutput.contains("left out of the val questions: "))

        let model = ["--checkpoint", set.runFile("epoch1.safetensors"), "--data", set.data]
        let evaluate = ["evaluate"] + model
        try set.tool.expectRefusal(evaluate, naming: broken)
        let evaluated = try set.run(evaluate + ["--skip-damaged"])
        #expect(evaluated.errorOutput.contains("about 1 images whose features cannot be read"))
        #expect(evaluated.errorOutput.contains(broken))
        try FileManager.default.removeItem(atPath: broken)
        let predict = ["predict", "--split", "val", "--output", "r.json"] + model
        try set.tool.expectRefusal(predict, naming: "val2014", "have no features")
        let predicted = try set.run(predict + ["--skip-damaged", "--save-logits", "l.safetensors"])
        #expect(predicted.errorOutput.contains("about 1 images whose features cannot be read"))
    }

    @Test("evaluate and predict tell how many questions are longer than the model reads")
    func cut() throws {
        let long = String(repeating: "is it red ", count: 20)
        let set = try FineTuningSet { rows in
            rows.map { $0.replacing("what shape is in the picture?", with: long) }
        }
        let model = ["--model", FineTuningSet.model("vilt"), "--data", set.data]
        let file = URL(fileURLWithPath: set.data + "/vqa/v2_OpenEnded_mscoco_val2014_questions.json")
        let questions = try #require(try file.json()["questions"] as? [NSDictionary])
        let count = questions.count { ($0["question"] as? String)?.contains("red is it red") == true }
        try #require(count > 0 && count < questions.count)
        let expected = "val: of \(count) of \(questions.count) questions, the model reads only the beginning"
        for command in [["evaluate"], ["predict", "--split", "val", "--output", "r.json"]] {
            #expect(try set.run(command + model).errorOutput.contains(expected))
        }
    }
}
