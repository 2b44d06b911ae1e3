import Foundation
import TestSupport
import Testing

/// `report` and `compare`.
@Suite struct ReportCommandTests {
    /// A run of two epochs.
    private static func trained() throws -> MiniCommands {
        let mini = try MiniCommands()
        let outcome = try mini.tool.run(
            mini.train(
                "--set", "use_glove=false", "--set", "seed=1", "--set", "max_epoch=2", "--no-tensorboard"))
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        return mini
    }

    @Test("a report is one page that needs nothing else, beside the checkpoint")
    func page() throws {
        let mini = try Self.trained()
        let outcome = try mini.tool.run("report", "ckpts/ckpt_mini", "--data", mini.datasets)
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        #expect(outcome.output == "ckpts/ckpt_mini/report.html\n")
        let page = try String(contentsOfFile: mini.runFile("report.html"), encoding: .utf8)
        for (reference, allowed) in [
            ("src=", ""), ("href=", "data:"), ("url(", ""), ("@import", ""), ("<script", ""),
        ] {
            for place in page.ranges(of: reference) {
                let rest = page[place.upperBound...].drop { $0 == "\"" }
                #expect(!allowed.isEmpty && rest.hasPrefix(allowed), "\(reference)\(rest.prefix(40))")
            }
        }
        for heading in [
            "Accuracy", "Curves", "Calibration", "Most frequent confusions", "Sure and wrong", "Settings",
            "Speed and cost",
        ] {
            #expect(page.contains(">\(heading)</h2>"), "\(heading)")
        }
        #expect(page.contains("<html lang=\"en\">") && page.contains("prefers-color-scheme: dark"))
        // Every drawing says what it shows.
        #expect(
            page.ranges(of: "<svg viewBox").allSatisfy { place in
                let tag = page[place.lowerBound...].prefix { $0 != ">" }
                return tag.contains("aria-label=") || tag.contains("aria-hidden=")
            })
        #expect(!page.contains("(nan") && !page.contains("inf%"))
    }

    @Test("a report's numbers are those of evaluate and of metrics.jsonl")
    func numbers() throws {
        let mini = try Self.trained()
        let outcome = try mini.tool.run("report", "ckpts/ckpt_mini", "--data", mini.datasets, "--json")
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        #expect(!mini.exists(mini.runFile("report.html")))
        let run = try #require((try outcome.output.json()["runs"] as? [[String: Any]])?.first)
        let evaluation = try #require(run["evaluation"] as? [String: Any])
        let evaluated = try mini.tool.run(
            "evaluate", "--checkpoint", mini.runFile("epoch2.safetensors"), "--data", mini.datasets, "--json")
        let expected = try evaluated.output.json()
        #expect(evaluation["accuracy"] as? Double == expected["overall"] as? Double)
        #expect(evaluation["questions"] as? Int == expected["questions"] as? Int)
        for (key, name) in [("answer_types", "perAnswerType"), ("question_types", "perQuestionType")] {
            let types = try #require(evaluation[key] as? [[String: Any]])
            let accuracies = Dictionary(
                uniqueKeysWithValues: types.map {
                    ($0["name"] as? String ?? "", $0["accuracy"] as? Double ?? -1)
                })
            #expect(accuracies == expected[name] as? [String: Double])
            #expect(
                types.compactMap { $0["questions"] as? Int }.reduce(0, +) == evaluation["questions"] as? Int)
        }
        let epochs = try #require(run["epochs"] as? [NSDictionary])
        #expect(epochs == (try mini.metrics()).map { $0 as NSDictionary })
        let calibration = try #require(evaluation["calibration"] as? [String: Any])
        let bins = try #require(calibration["bins"] as? [[String: Any]])
        #expect(bins.compactMap { $0["questions"] as? Int }.reduce(0, +) == evaluation["questions"] as? Int)
        let mistakes = try #require(evaluation["sure_and_wrong"] as? [[String: Any]])
        #expect(!mistakes.isEmpty)
        for mistake in mistakes {
            let explanation = try #require(mistake["explanation"] as? [String: Any])
            let weights = try #require(explanation["regions"] as? [Double])
            #expect(abs(weights.reduce(0, +) - 1) < 1e-5)
            #expect((mistake["boxes"] as? [[Double]])?.count == weights.count)
        }
    }

    @Test("runs stand side by side, and a run against itself differs by nothing")
    func besideOthers() throws {
        let mini = try Self.trained()
        let outcome = try mini.tool.run(
            "report", "ckpts/ckpt_mini", "--compare", "ckpts/ckpt_mini/epoch1.safetensors", "ckpts/ckpt_mini",
            "--data", mini.datasets, "--output", "page/report.html", "--json")
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        let page = try String(contentsOfFile: mini.tool.folder.file("page/report.html"), encoding: .utf8)
        #expect(page.contains("Is the difference real?") && page.contains("mini, epoch1"))
        let comparisons = try #require(try outcome.output.json()["comparisons"] as? [[String: Any]])
        let overall = comparisons.compactMap { $0["overall"] as? [String: Any] }
        #expect(overall.count == 2)
        let itself = try #require(overall[1]["bootstrap"] as? [String: Double])
        #expect(
            itself["difference"] == 0 && itself["low"] == 0 && itself["high"] == 0 && itself["p_value"] == 1)
        // Runs of which nothing is known but what their checkpoints say.
        let settings = try mini.tool.run("report", "ckpts/ckpt_mini", "--output", "settings.json")
        #expect(settings.exitCode == 0, Comment(rawValue: settings.errorOutput))
        let runs = try URL(fileURLWithPath: mini.tool.folder.file("settings.json")).json()["runs"]
        #expect((runs as? [[String: Any]])?.first?["evaluation"] == nil)
    }

    @Test("two files of answers are compared as reports compare runs")
    func files() throws {
        let mini = try Self.trained()
        for epoch in [1, 2] {
            let outcome = try mini.tool.run(
                "evaluate", "--checkpoint", mini.runFile("epoch\(epoch).safetensors"), "--data",
                mini.datasets,
                "--output", "\(epoch).json")
            #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        }
        let compared = try mini.tool.run("compare", "2.json", "1.json", "--data", mini.datasets, "--json")
        #expect(compared.exitCode == 0, Comment(rawValue: compared.errorOutput))
        let report = try mini.tool.run(
            "report", "ckpts/ckpt_mini", "--compare", "ckpts/ckpt_mini/epoch1.safetensors", "--data",
            mini.datasets,
            "--json")
        let comparison = try #require((try report.output.json()["comparisons"] as? [NSDictionary])?.first)
        let found = try compared.output.json()
        for key in [
            "overall", "answer_types", "question_types", "first_better", "second_better", "same_answers",
        ] {
            #expect(found[key] as? NSObject == comparison[key] as? NSObject, "\(key)")
        }
        let lines = try mini.tool.run("compare", "2.json", "1.json", "--data", mini.datasets)
        #expect(lines.output.contains("95 % interval") && lines.output.contains("  yes/no\n"))
    }

    @Test("what cannot be reported or compared is told in one line")
    func refusals() throws {
        let mini = try Self.trained()
        let (run, data) = ("ckpts/ckpt_mini", ["--data", mini.datasets])
        try mini.tool.expectRefusal(["report", "nothing"], naming: "nothing")
        try mini.tool.expectRefusal(
            ["report", mini.datasets], naming: "expected a folder with a checkpoint in it")
        try mini.tool.expectRefusal(["report", run, "--output", "report.pdf"], naming: ".html or .json")
        try mini.tool.expectRefusal(
            ["report", run, "--output", "/dev/full/report.html"], naming: "/dev/full")
        try mini.tool.expectRefusal(["report", run, "--data", "nowhere"], naming: "nowhere")
        try mini.tool.expectRefusal(["report", run, "--questions-folder", "q"], naming: "--data")
        try mini.tool.expectRefusal(["report", run, "--compare", "nothing"] + data, naming: "nothing")
        try mini.tool.expectRefusal(["report", MiniRun.checkpoint(2).path], naming: "it has no words")
        try mini.tool.expectRefusal(["report", run, "--pictures", "nowhere"] + data, naming: "nowhere")
        let result = try mini.tool.folder.write("some.json", "[{\"answer\": \"yes\", \"question_id\": 1}]")
        try mini.tool.expectRefusal(["compare", result, result] + data, naming: "some.json", "not predicted")
        try mini.tool.expectRefusal(["compare", result, "nothing.json"] + data, naming: "some.json")
        try mini.tool.expectRefusal(["compare", result, result], naming: "--data")
        let broken = try mini.tool.folder.write("broken.json", "{")
        try mini.tool.expectRefusal(["compare", broken, result] + data, naming: "broken.json")
        try mini.tool.expectRefusal(
            ["compare", result, result, "--dataset", "other"] + data, naming: "--dataset")
    }
}
