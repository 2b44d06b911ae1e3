import Foundation
import TestSupport
import Testing
import Torch
import VQAFeatures

/// Models as the Hugging Face hub publishes them, answering through the command line; the numbers are transformers'.
@Suite struct PublishedModelTests {
    private static let hub = Fixtures.url("hub")

    private static func folder(_ model: String) -> String { hub.appending(component: model).path }

    private static func picture(_ name: String) -> String { hub.appending(path: "pictures/\(name)").path }

    private static func questions() throws -> [String: String] {
        let texts = try #require(try hub.appending(path: "text.json").json()["questions"] as? [NSDictionary])
        return try Dictionary(
            uniqueKeysWithValues: texts.map {
                (try #require($0["name"] as? String), try #require($0["text"] as? String))
            })
    }

    private static func cases(_ model: String) throws -> [NSDictionary] {
        try #require(try hub.appending(path: "\(model)_cases.json").json()["cases"] as? [NSDictionary])
    }

    private func line(_ fields: [String: String]) throws -> String {
        try String(decoding: JSONSerialization.data(withJSONObject: fields), as: UTF8.self) + "\n"
    }

    private func requireLogits(_ tool: CommandLineTool, _ model: String, _ expected: [Tensor]) throws {
        let (found, _) = try loadSafetensors(tool.folder.file("logits.safetensors"))
        let logits = try #require(found["logits"])
        let wanted = try Tensor.concatenate(expected)
        #expect(logits.shape == wanted.shape)
        #expect(try (logits - wanted).absolute().maximum().item() < 1e-4)
    }

    @discardableResult
    private func predict(_ tool: CommandLineTool, _ model: String, _ lines: [String]) throws
        -> CommandLineTool.Outcome
    {
        _ = try tool.folder.write("questions.jsonl", lines.joined())
        let outcome = try tool.run(
            "predict", "--model", model, "--pictures-and-questions", "questions.jsonl", "--save-logits",
            "logits.safetensors", "--output", "results.json")
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        return outcome
    }

    @Test(
        "ask gives a photograph's answers and their scores, the first pictures and questions of the fixtures")
    func ask() throws {
        let tool = try CommandLineTool()
        let questions = try Self.questions()
        for testCase in try Self.cases("vilt").prefix(2) {
            let pictures = try #require(testCase["pictures"] as? [String])
            let names = try #require(testCase["questions"] as? [String])
            let outcome = try tool.run(
                "ask", "--model", Self.folder("vilt"), "--picture", Self.picture(pictures[0]), "--question",
                try #require(questions[names[0]]), "--json")
            #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
            let found = try #require(try outcome.output.json()["answers"] as? [NSDictionary])
            let expected = try #require((testCase["answers"] as? [[NSDictionary]])?.first)
            for (answer, wanted) in zip(found, expected) {
                #expect(answer["answer"] as? String == wanted["answer"] as? String)
                let (score, sigmoid) = (answer["score"] as? Double, wanted["sigmoid"] as? Double)
                #expect(try abs(#require(score) - #require(sigmoid)) < 1e-5)
            }
            // How sure the model is: transformers' first score less its second.
            let sigmoids = expected.compactMap { $0["sigmoid"] as? Double }
            let lead = try #require(found.first?["lead"] as? Double)
            #expect(abs(lead - (sigmoids[0] - sigmoids[1])) < 1e-5)
        }
    }

    @Test("ask tells how far the first answer is ahead of the next, also where only one is shown")
    func lead() throws {
        let tool = try CommandLineTool()
        let asked = [
            "ask", "--model", Self.folder("vilt"), "--picture", Self.picture("a_landscape.png"),
            "--question", try #require(try Self.questions()["plain"]),
        ]
        let outcome = try tool.run(asked + ["--top", "1"])
        #expect(outcome.output.contains("  0.753  none\n  the first answer is 0.105 ahead of the next\n"))
        // Of all answers the last one has none behind it.
        let all = try tool.run(asked + ["--top", "1000", "--json"])
        let answers = try #require(try all.output.json()["answers"] as? [NSDictionary])
        #expect(answers.count == 15 && answers[13]["lead"] != nil && answers[14]["lead"] == nil)
    }

    @Test("predict gives ViLT's logits for pictures of many shapes, whole questions and cut ones, in a batch")
    func viLT() throws {
        let tool = try CommandLineTool()
        let questions = try Self.questions()
        let tensors = try loadSafetensors(Self.hub.appending(path: "vilt_cases.safetensors").path).tensors
        var (lines, expected): ([String], [Tensor]) = ([], [])
        for testCase in try Self.cases("vilt") {
            let name = try #require(testCase["name"] as? String)
            expected.append(try #require(tensors["\(name).logits"]))
            let asked = zip(
                try #require(testCase["pictures"] as? [String]),
                try #require(testCase["questions"] as? [String]))
            for (number, (picture, question)) in asked.enumerated() {
                lines.append(
                    try line([
                        "id": "\(name)-\(number)", "picture": Self.picture(picture),
                        "question": #require(questions[question]),
                    ]))
            }
        }
        let outcome = try predict(tool, Self.folder("vilt"), lines)
        try requireLogits(tool, "vilt", expected)
        #expect(outcome.errorOutput.contains("of 2 of \(lines.count) questions"))
        let results =
            try JSONSerialization.jsonObject(
                with: Data(tool.folder.bytes(of: "results.json"))) as? [NSDictionary]
        #expect(results?.count == lines.count)
        #expect(results?.first?["question_id"] as? String == "single-0")
        #expect(results?.first?["answer"] as? String == "none")
    }

    @Test("predict gives LXMERT's logits for regions in files, as many as a picture has")
    func lxmert() throws {
        let tool = try CommandLineTool()
        let questions = try Self.questions()
        let tensors = try loadSafetensors(Self.hub.appending(path: "lxmert_cases.safetensors").path).tensors
        var (lines, expected): ([String], [Tensor]) = ([], [])
        for testCase in try Self.cases("lxmert") {
            let name = try #require(testCase["name"] as? String)
            expected.append(try #require(tensors["\(name).logits"]))
            let features = try #require(tensors["\(name).visual_feats"])
            let boxes = try #require(tensors["\(name).boxes_pixels"])
            let counts = try #require(testCase["regions"] as? [Int])
            let sizes = try #require(testCase["width_height"] as? [[Int]])
            for (row, question) in try #require(testCase["questions"] as? [String]).enumerated() {
                func rows(_ tensor: Tensor) throws -> [Float] {
                    try tensor.narrowed(axis: 0, start: row, length: 1).droppingAxis(0)
                        .narrowed(axis: 0, start: 0, length: counts[row]).contiguous().array(of: Float.self)
                }
                let file = tool.folder.file("\(name)-\(row).npz")
                try RegionFeatures(
                    width: 24, features: rows(features), boxes: rows(boxes), imageHeight: sizes[row][1],
                    imageWidth: sizes[row][0]
                ).writeOfficialFile(to: file)
                lines.append(
                    try line([
                        "id": "\(name)-\(row)", "features": "\(name)-\(row).npz",
                        "question": #require(questions[question]),
                    ]))
            }
        }
        try predict(tool, Self.folder("lxmert"), lines)
        try requireLogits(tool, "lxmert", expected)
    }

    /// A copy of a published model, some of whose files are changed.
    private func copy(_ model: String, _ tool: CommandLineTool) throws -> String {
        let folder = tool.folder.file(model)
        try FileManager.default.copyItem(atPath: Self.folder(model), toPath: folder)
        return folder
    }

    @Test(
        "weights in either container of PyTorch, and older forms of the settings, give the same answers",
        arguments: ["pytorch_model.bin", "pytorch_model_old.bin"])
    func containers(file: String) throws {
        let tool = try CommandLineTool()
        let folder = URL(fileURLWithPath: try copy("vilt", tool))
        func replace(_ name: String, by other: String) throws {
            try FileManager.default.removeItem(at: folder.appending(path: name))
            try FileManager.default.moveItem(
                at: folder.appending(path: other), to: folder.appending(path: name))
        }
        try FileManager.default.removeItem(at: folder.appending(path: "model.safetensors"))
        if file != "pytorch_model.bin" { try replace("pytorch_model.bin", by: file) }
        try replace("preprocessor_config.json", by: "preprocessor_config_old.json")
        try replace("tokenizer_config.json", by: "tokenizer_config_old.json")
        let arguments = [
            "--picture", Self.picture("a_landscape.png"), "--question", "What is the color of the cat?",
        ]
        let found = try tool.run(["ask", "--model", folder.path] + arguments)
        let expected = try tool.run(["ask", "--model", Self.folder("vilt")] + arguments)
        #expect(found.exitCode == 0, Comment(rawValue: found.errorOutput))
        #expect(found.output == expected.output)
    }

    @Test("a question that is longer than the model reads is said to be cut, and an empty one is refused")
    func questions() throws {
        let tool = try CommandLineTool()
        let long = String(repeating: "is it red? ", count: 50)
        let outcome = try tool.run(
            "ask", "--model", Self.folder("vilt"), "--picture", Self.picture("e_small.png"), "--question",
            long)
        #expect(outcome.exitCode == 0)
        #expect(outcome.errorOutput.contains("only the beginning"))
        try tool.expectRefusal(
            [
                "ask", "--model", Self.folder("vilt"), "--picture", Self.picture("e_small.png"), "--question",
                " ",
            ],
            naming: "no word")
    }

    /// What is done to a model's folder, and what the error names.
    struct Damage: CustomTestStringConvertible {
        let file: String
        let contents: String?
        let named: [String]
        var testDescription: String { "\(file): \(contents ?? "removed")" }

        init(_ file: String, _ contents: String?, _ named: String...) {
            (self.file, self.contents, self.named) = (file, contents, named)
        }
    }

    @Test(
        "a folder of another kind, or one that lacks a file or has a broken one, is one line",
        arguments: [
            Damage("config.json", nil, "config.json"), Damage("config.json", "{", "config.json"),
            Damage(
                "config.json", #"{"architectures": ["BertForMaskedLM"]}"#, "ViltForQuestionAnswering",
                "BertForMaskedLM"),
            Damage("config.json", "{}", "architectures", "none"),
            Damage(
                "config.json", #"{"architectures": ["ViltForQuestionAnswering"], "hidden_act": "relu"}"#,
                "hidden_act"),
            Damage(
                "config.json", #"{"architectures": ["ViltForQuestionAnswering"], "vocab_size": 7}"#,
                "vocab.txt", "213"),
            Damage(
                "config.json",
                #"{"architectures": ["ViltForQuestionAnswering"], "vocab_size": 213, "id2label": {"1": "yes"}}"#,
                "id2label"),
            Damage(
                "config.json",
                #"{"architectures": ["ViltForQuestionAnswering"], "vocab_size": 213, "patch_size": 16, "id2label": {"0": "yes"}, "hidden_size": 99999999}"#,
                "hidden_size"),
            Damage("vocab.txt", nil, "vocab.txt"), Damage("vocab.txt", "a\nb\n", "vocab.txt"),
            Damage("preprocessor_config.json", nil, "preprocessor_config.json"),
            Damage("preprocessor_config.json", #"{"resample": 2}"#, "resample"),
            Damage("preprocessor_config.json", #"{"size_divisor": 10}"#, "preprocessor_config.json", "16"),
            Damage("model.safetensors", "abc", "model.safetensors"),
            Damage("model.safetensors", "version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
            Damage("model.safetensors", nil, "model.safetensors", "pytorch_model.bin"),
        ])
    func damaged(damage: Damage) throws {
        let tool = try CommandLineTool()
        let folder = URL(fileURLWithPath: try copy("vilt", tool))
        try FileManager.default.removeItem(at: folder.appending(path: "pytorch_model.bin"))
        let file = folder.appending(path: damage.file)
        try FileManager.default.removeItem(at: file)
        if let contents = damage.contents { try Data(contents.utf8).write(to: file) }
        let arguments = ["--picture", Self.picture("e_small.png"), "--question", "is it red?"]
        let outcome = try tool.run(["ask", "--model", folder.path] + arguments)
        #expect(outcome.exitCode != 0)
        #expect(outcome.errorLines.count == 1, Comment(rawValue: outcome.errorOutput))
        for name in damage.named {
            #expect(outcome.errorOutput.contains(name), Comment(rawValue: outcome.errorOutput))
        }
    }

    @Test("all patches of a large picture are looked at, and several questions are answered as one by one")
    func manyPatches() throws {
        let tool = try CommandLineTool()
        let folder = try copy("vilt", tool)
        // 24 x 32 patches of 16 pixels.
        _ = try tool.folder.write("vilt/preprocessor_config.json", #"{"size": 384, "size_divisor": 16}"#)
        let picture = ["--picture", Self.picture("a_landscape.png"), "--json"]
        let asked = ["is it red?", "?", "how many cats are there?"]
        func scores(_ arguments: [String]) throws -> [Double] {
            let outcome = try tool.run(["ask", "--model", folder] + arguments + picture)
            #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
            return try outcome.output.split(separator: "\n").flatMap { line in
                try #require(String(line).json()["answers"] as? [NSDictionary]).compactMap {
                    $0["score"] as? Double
                }
            }
        }
        let together = try scores(["--question"] + asked)
        let alone = try asked.flatMap { try scores(["--question", $0]) }
        #expect(together.count == 9 && alone.count == 9)
        #expect(zip(together, alone).allSatisfy { abs($0 - $1) < 1e-5 })
        let fewer = try scores(["--set", "img_feat_pad_size=256", "--question"] + asked)
        #expect(zip(together, fewer).contains { abs($0 - $1) > 1e-3 })
    }

    @Test("features for a model that looks at pictures, and more words than it has positions, are refused")
    func unfit() throws {
        let tool = try CommandLineTool()
        try RegionFeatures(
            width: 768, features: [Float](repeating: 1, count: 768), boxes: [0, 0, 1, 1], imageHeight: 4,
            imageWidth: 4
        ).writeOfficialFile(to: tool.folder.file("f.npz"))
        let model = ["--model", Self.folder("vilt")]
        try tool.expectRefusal(
            ["ask", "--features", "f.npz", "--question", "is it?"] + model, naming: "f.npz", "picture")
        _ = try tool.folder.write("q.jsonl", #"{"id": 1, "features": "f.npz", "question": "is it?"}"# + "\n")
        let predict = ["predict", "--pictures-and-questions", "q.jsonl", "--output", "r.json"]
        try tool.expectRefusal(predict + model, naming: "f.npz", "picture")
        try tool.expectRefusal(
            predict + ["--model", Self.folder("lxmert")], naming: "f.npz", "24", "768")
        try tool.expectRefusal(predict + model + ["--set", "max_token=100"], naming: "max_token", "40")
    }

    @Test("LXMERT without its answers says where they are published, and takes a list that is named")
    func answers() throws {
        let tool = try CommandLineTool()
        let folder = try copy("lxmert", tool)
        let file = folder + "/trainval_label2ans.json"
        try FileManager.default.moveItem(atPath: file, toPath: tool.folder.file("answers.json"))
        _ = try tool.folder.write("q.jsonl", #"{"id": 1, "features": "f.npz", "question": "is it?"}"# + "\n")
        try RegionFeatures(
            width: 24, features: [Float](repeating: 1, count: 48), boxes: [0, 0, 1, 1, 1, 1, 2, 2],
            imageHeight: 4,
            imageWidth: 4
        ).writeOfficialFile(to: tool.folder.file("f.npz"))
        let arguments = [
            "predict", "--model", folder, "--pictures-and-questions", "q.jsonl", "--output", "r.json",
        ]
        try tool.expectRefusal(arguments, naming: "trainval_label2ans.json", "airsplay/lxmert")
        let outcome = try tool.run(arguments + ["--answers", "answers.json"])
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
    }

    @Test(
        "lines that are no questions are named with their number",
        arguments: [
            (#"{"id": 1, "question": "is it?"}"#, "neither"), ("nonsense", "an object"),
            (#"{"id": 1, "picture": "a.png", "features": "b.npz", "question": "is it?"}"#, "both"),
            (#"{"id": true, "picture": "a.png", "question": "is it?"}"#, "an object"),
            (#"{"id": 7, "picture": "gone.png", "question": "is it?"}"#, "id of its own"),
            (#"{"id": 8, "picture": "", "question": "is it?"}"#, "a path"),
        ])
    func lines(line: String, problem: String) throws {
        let tool = try CommandLineTool()
        let first = #"{"id": 7, "picture": "a.png", "question": "is it?"}"#
        _ = try tool.folder.write("q.jsonl", first + "\n" + line + "\n")
        try tool.expectRefusal(
            [
                "predict", "--model", Self.folder("vilt"), "--pictures-and-questions", "q.jsonl", "--output",
                "r.json",
            ], naming: "line 2", problem)
    }

    @Test("a model and a checkpoint together, or neither, or questions from two places are refused")
    func options() throws {
        let tool = try CommandLineTool()
        let asked = ["--picture", Self.picture("e_small.png"), "--question", "is it?"]
        try tool.expectRefusal(["ask"] + asked, naming: "--checkpoint", "--model")
        try tool.expectRefusal(
            ["ask", "--checkpoint", "a.safetensors", "--model", Self.folder("vilt")] + asked, naming: "both")
        try tool.expectRefusal(["ask", "--model", "."] + asked, naming: "config.json")
        try tool.expectRefusal(["ask", "--model", "nowhere"] + asked, naming: "nowhere", "vilt")
        try tool.expectRefusal(
            [
                "predict", "--model", Self.folder("vilt"), "--pictures-and-questions", "q.jsonl", "--split",
                "val",
                "--output", "r.json",
            ], naming: "--split")
        try tool.expectRefusal(
            ["predict", "--model", Self.folder("vilt"), "--data", ".", "--output", "r.json"],
            naming: "--split")
    }
}
