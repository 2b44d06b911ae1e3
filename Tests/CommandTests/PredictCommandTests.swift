import Foundation
import TestSupport
import Testing
import Torch

/// `score`, `predict` and `evaluate`, against the numbers of the official release.
@Suite struct PredictCommandTests {
    @Test("score gives the official accuracies, over all, by type and of each question")
    func score() throws {
        let metric = Fixtures.url("metric")
        let outcome = try CommandLineTool().run(
            "score", "--questions", metric.appending(component: "questions.json").path,
            "--annotations", metric.appending(component: "annotations.json").path,
            "--results", metric.appending(component: "results.json").path, "--json")
        #expect(outcome.exitCode == 0)
        #expect(outcome.errorOutput.isEmpty)
        let found = try outcome.output.json()
        let expected = try metric.appending(component: "expected.json").json()
        #expect(found["evalQA"] as? NSDictionary == expected["evalQA"] as? NSDictionary)
        let accuracy = try #require(found["accuracy"] as? NSDictionary)
        let official = try #require(expected["accuracy"] as? NSDictionary)
        for (key, value) in official {
            #expect(accuracy[key] as? NSObject == value as? NSObject, "\(key)")
        }
    }

    @Test(
        "predict from an official checkpoint gives the official answers and logits",
        arguments: [["--answers", MiniRun.answers.path], []])
    func predict(answers: [String]) throws {
        let mini = try MiniCommands()
        let outcome = try mini.tool.run(mini.predict("--save-logits", "logits.safetensors") + answers)
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        #expect(outcome.output == "results.json\n")
        #expect(
            try mini.tool.folder.bytes(of: "results.json")
                == [UInt8](Data(contentsOf: MiniRun.expected("test_result_epoch2.json"))))

        let (found, _) = try loadSafetensors(mini.tool.folder.file("logits.safetensors"))
        let (expected, _) = try loadSafetensors(
            MiniRun.expected("test_predictions_epoch2.safetensors").path)
        let ids = try #require(found["question_id"]).array(of: Int64.self)
        #expect(try ids == #require(expected["question_id"]).array(of: Int64.self))
        let difference = try #require(found["logits"]) - #require(expected["logits"])
        #expect(try difference.absolute().maximum().item() < 1e-4)
    }

    @Test("questions with texts as ids keep them in the result file and beside the logits")
    func textIDs() throws {
        let mini = try MiniCommands.withCopiedDataset()
        let file = mini.dataFile("vqa/v2_OpenEnded_mscoco_test2015_questions.json")
        let text = try String(contentsOfFile: file, encoding: .utf8)
        let changed = text.replacing(/"question_id": (\d+)/) { "\"question_id\": \"0\($0.output.1)\"" }
        #expect(changed != text)
        try changed.write(toFile: file, atomically: true, encoding: .utf8)
        let outcome = try mini.tool.run(
            mini.predict("--answers", MiniRun.answers.path, "--save-logits", "logits.safetensors"))
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        let official = try String(contentsOf: MiniRun.expected("test_result_epoch2.json"), encoding: .utf8)
        let expected = official.replacing(/"question_id": (\d+)/) { "\"question_id\": \"0\($0.output.1)\"" }
        #expect(
            try String(contentsOfFile: mini.tool.folder.file("results.json"), encoding: .utf8) == expected)

        let (found, _) = try loadSafetensors(mini.tool.folder.file("logits.safetensors"))
        let (numbers, _) = try loadSafetensors(
            MiniRun.expected("test_predictions_epoch2.safetensors").path)
        #expect(found["question_id"] == nil)
        let bytes = try #require(found["question_id.text"]).array(of: UInt8.self)
        let offsets = try #require(found["question_id.offsets"]).array(of: Int64.self)
        let names = zip(offsets, offsets.dropFirst()).map {
            String(decoding: bytes[Int($0)..<Int($1)], as: UTF8.self)
        }
        let ids = try #require(numbers["question_id"]).array(of: Int64.self)
        #expect(names == ids.map { "0\($0)" })
        let difference = try #require(found["logits"]) - #require(numbers["logits"])
        #expect(try difference.absolute().maximum().item() < 1e-4)
    }

    @Test("test-dev has the answers that its questions have in test")
    func testDev() throws {
        let mini = try MiniCommands()
        let outcome = try mini.tool.run(
            mini.predict("--answers", MiniRun.answers.path, "--split", "test-dev"))
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        func answers(_ file: URL) throws -> [Int: String] {
            let records = try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [[String: Any]]
            return try Dictionary(
                uniqueKeysWithValues: #require(records).map {
                    (try #require($0["question_id"] as? Int), try #require($0["answer"] as? String))
                })
        }
        let found = try answers(mini.tool.folder.url.appending(component: "results.json"))
        let test = try answers(MiniRun.expected("test_result_epoch2.json"))
        #expect(found.count == 18)
        #expect(found.allSatisfy { test[$0.key] == $0.value })
    }

    @Test("settings on the command line count as those of a file do")
    func settingsOnCommandLine() throws {
        let tool = try CommandLineTool()
        let outcome = try tool.run(
            [
                "predict", "--checkpoint", MiniRun.checkpoint(5).path, "--data", MiniRun.datasets.path,
                "--split", "test", "--output", "r.json",
            ] + MiniRun.settings.flatMap { ["--set", "\($0.key)=\($0.value)"] })
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        let expected = try String(contentsOf: MiniRun.expected("test_result_epoch5.json"), encoding: .utf8)
        #expect(try String(contentsOfFile: tool.folder.file("r.json"), encoding: .utf8) == expected)
        #expect(outcome.output == "r.json\n")
    }

    @Test("score and evaluate say which metric it was, and take the one since 2021")
    func metricVersions() throws {
        let mini = try MiniCommands()
        let metric = Fixtures.url("metric")
        let score = [
            "score", "--questions", metric.appending(component: "questions.json").path,
            "--annotations", metric.appending(component: "annotations.json").path,
            "--results", metric.appending(component: "results.json").path,
        ]
        let commands: [(arguments: [String], release: String, today: String)] = [
            (score, "60.05", "75.78"), (mini.evaluate(), "26.25", "32.50"),
        ]
        for command in commands {
            for (version, accuracy) in [("release", command.release), ("vqa-2021", command.today)] {
                let options = version == "release" ? [] : ["--metric", version]
                let text = try mini.tool.run(command.arguments + options).output
                #expect(text.hasPrefix("overall accuracy: \(accuracy) % on "), "\(text)")
                #expect(text.contains(" questions (metric: \(version))\n"), "\(text)")
                let json = try mini.tool.run(command.arguments + options + ["--json"]).output.json()
                let report = (json["accuracy"] as? NSDictionary) ?? json
                #expect(report["metric"] as? String == version)
                #expect(report["overall"] as? Double == Double(accuracy))
            }
        }
        try mini.tool.expectRefusal(score + ["--metric", "vqa"], naming: "--metric", "release", "vqa-2021")
    }

    @Test("evaluate tells of val questions without annotation, and evaluates the others")
    func questionsWithoutAnnotation() throws {
        let mini = try MiniCommands.withCopiedDataset()
        let file = mini.dataFile("vqa/v2_OpenEnded_mscoco_val2014_questions.json")
        let text = try String(contentsOfFile: file, encoding: .utf8)
        let changed = text.replacing(
            /"questions": \[/,
            with: #""questions": [{"image_id": 61982, "question": "How many?", "question_id": 99001}, "#)
        #expect(changed != text)
        try changed.write(toFile: file, atomically: true, encoding: .utf8)
        let outcome = try mini.tool.run(mini.evaluate("--answers", MiniRun.answers.path, "--json"))
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        #expect(outcome.errorOutput.contains("val: 1 of 73 questions have no annotation"))
        #expect(outcome.errorOutput.contains("99001"))
        #expect(try outcome.output.json()["questions"] as? Int == 72)
    }

    @Test("evaluate gives the official accuracy on val, and the answers where they are asked for")
    func evaluate() throws {
        let mini = try MiniCommands()
        let outcome = try mini.tool.run(mini.evaluate("--json", "--output", "val.json"))
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        let report = try outcome.output.json()
        #expect(report["overall"] as? Double == 26.25)
        #expect(report["questions"] as? Int == 72)
        #expect(
            report["perAnswerType"] as? [String: Double] == [
                "number": 16.67, "other": 16.21, "yes/no": 41.79,
            ])

        let scored = try mini.tool.run(
            "score", "--questions", mini.dataFile("vqa/v2_OpenEnded_mscoco_val2014_questions.json"),
            "--annotations", mini.dataFile("vqa/v2_mscoco_val2014_annotations.json"),
            "--results", "val.json", "--json")
        #expect((try scored.output.json()["accuracy"] as? NSDictionary)?["overall"] as? Double == 26.25)
    }
}
