import Foundation
import TestSupport
import Testing

/// `answers`, and lists of its making in other commands.
@Suite struct AnswersCommandTests {
    @Test("the list is the official one, byte for byte, and its coverage is told")
    func officialList() throws {
        let tool = try CommandLineTool()
        let outcome = try tool.run(
            "answers", "--data", MiniRun.datasets.path, "--output", "data/answer_dict.json", "--json")
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        #expect(
            try tool.folder.bytes(of: "data/answer_dict.json") == [UInt8](Data(contentsOf: MiniRun.answers)))
        let report = try outcome.output.json()
        #expect(report["answers"] as? Int == 15)
        #expect(report["threshold"] as? Int == 8)
        let coverage = try #require(report["coverage"] as? [NSDictionary])
        #expect(coverage.map { $0["split"] as? String } == ["train", "val"])
        let counts = try #require(coverage[0]["counts"] as? NSDictionary)
        #expect(counts["questions"] as? Int == 252)
        #expect(counts["answers"] as? Int == 2520)
        let share = try #require(coverage[0]["answerShare"] as? Double)
        #expect(share > 0.5 && share < 1)
    }

    @Test("threshold and splits change the list, which the folder of questions is enough for")
    func otherLists() throws {
        let tool = try CommandLineTool()
        let questions = MiniRun.datasets.appending(component: "vqa").path
        func count(_ more: String...) throws -> Int {
            let outcome = try tool.run(["answers", "--questions-folder", questions, "--json"] + more)
            return try #require(try outcome.output.json()["answers"] as? Int)
        }
        let all = try count("--threshold", "0")
        #expect(try count() == 15 && all > 15)
        #expect(try count("--threshold", "1000") == 0)
        #expect(try count("--threshold", "0", "--splits", "val") < all)
        #expect(try count("--threshold", "0", "--splits", "train+val") == all)
    }

    @Test("a list is checked: what is in it, and how much of a dataset it covers")
    func check() throws {
        let tool = try CommandLineTool()
        let file = try tool.folder.write(
            "list.json", "[{\"yes\": 0, \"The Dog\": 1}, {\"0\": \"yes\", \"1\": \"The Dog\"}]")
        let alone = try tool.run("answers", "--input", file)
        #expect(alone.output == "2 answers\n1 are not in normal form and never score: 'The Dog', ...\n")
        let covering = try tool.run("answers", "--input", file, "--data", MiniRun.datasets.path)
        #expect(covering.output.contains("train: ") && covering.output.contains(" % of 2520 answers"))
        let twice = try tool.folder.write(
            "twice.json", "[{\"yes\": 0, \"no\": 1}, {\"0\": \"yes\", \"1\": \"yes\"}]")
        try tool.expectRefusal(["answers", "--input", twice], naming: twice, "'yes' for number 1")
    }

    @Test("what cannot be is refused in one line")
    func refusals() throws {
        let (tool, data) = (try CommandLineTool(), MiniRun.datasets.path)
        try tool.expectRefusal(["answers"], naming: "--data", "--input")
        try tool.expectRefusal(["answers", "--data", data, "--threshold=-1"], naming: "--threshold", "-1")
        try tool.expectRefusal(
            ["answers", "--data", data, "--splits", "train+test"], naming: "test", "annotations")
        try tool.expectRefusal(["answers", "--data", data, "--splits", "dev"], naming: "dev", "train, val")
        try tool.expectRefusal(["answers", "--data", "nowhere"], naming: "nowhere/vqa/v2_mscoco_train2014")
        try tool.expectRefusal(["answers", "--input", "a", "--output", "b"], naming: "--output")
        try tool.expectRefusal(["answers", "--input", "a", "--threshold", "3"], naming: "--threshold")
        try tool.expectRefusal(["answers", "--input", "a", "--splits", "val"], naming: "--splits")
        try tool.expectRefusal(["answers", "--data", data, "--splits", ""], naming: "unknown split ''")
        try tool.expectRefusal(
            ["answers", "--data", data, "--splits", "val+val"], naming: "--splits", "once")
        try tool.expectRefusal(
            ["answers", "--data", data, "--threshold", "1000", "--output", "list.json"], naming: "1000")
        try tool.expectRefusal(["answers", "--data", data, "--output", "/proc/x/y"], naming: "/proc/x/y")
    }

    @Test("a list of another threshold trains, evaluates and predicts")
    func usedElsewhere() throws {
        let mini = try MiniCommands()
        let list = mini.tool.folder.file("answers.json")
        let built = try mini.tool.run(
            "answers", "--data", mini.datasets, "--threshold", "2", "--output", list, "--json")
        let count = try #require(try built.output.json()["answers"] as? Int)
        #expect(count > 15)
        let outcome = try mini.tool.run(
            mini.train("--answers", list, "--set", "use_glove=false", "--set", "max_epoch=1"))
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        #expect(outcome.errorOutput.contains("\(count) answers"))
        let checkpoint = ["--checkpoint", mini.runFile("epoch1.safetensors"), "--data", mini.datasets]
        let evaluated = try mini.tool.run(["evaluate", "--answers", list, "--json"] + checkpoint)
        #expect(try evaluated.output.json()["questions"] as? Int == 72)
        let predicted = try mini.tool.run(
            ["predict", "--answers", list, "--split", "test-dev", "--output", "r.json"] + checkpoint)
        #expect(predicted.output == "r.json\n", Comment(rawValue: predicted.errorOutput))
    }
}
