import Foundation
import TestSupport
import Testing
import Torch
import VQADatasets

/// Features of a picture that cannot be read, found in the middle of a run.
@Suite struct DamagedFeaturesTests {
    /// The features of the training picture that is asked about latest, and after how many steps of 16 questions.
    private func latestPicture(_ mini: MiniCommands) throws -> (file: String, step: Int) {
        let dataset = try OfficialDataset(URL(fileURLWithPath: mini.datasets))
        var firstRows: [Int64: Int] = [:]
        for (row, image) in try dataset.annotations(.train).imageIDs.enumerated() {
            firstRows[image.rawValue] = firstRows[image.rawValue] ?? row
        }
        let latest = try #require(firstRows.max { $0.value < $1.value })
        let name = String(format: "COCO_train2014_%012d.jpg.npz", Int(latest.key))
        return (mini.dataFile("coco_extract/train2014/" + name), latest.value / 16)
    }

    private func train(_ mini: MiniCommands, _ more: String...) -> [String] {
        mini.train(
            "--answers", MiniRun.answers.path, "--set", "use_glove=false", "--set", "seed=3", "--set",
            "max_epoch=1",
            "--set", "dropout_r=0.1", "--set", "eval_every_epoch=false") + more
    }

    @Test(
        "a run that meets a damaged file stops with its steps kept, and once it is mended ends with the same bits"
    )
    func stopped() throws {
        let whole = try MiniCommands()
        #expect(try whole.tool.run(train(whole)).exitCode == 0)

        let mini = try MiniCommands.withCopiedDataset()
        let (file, step) = try latestPicture(mini)
        try #require(step > 0)
        let content = try Data(contentsOf: URL(fileURLWithPath: file))
        try content.prefix(content.count / 2).write(to: URL(fileURLWithPath: file))
        let stopped = try mini.tool.run(train(mini))
        #expect(stopped.exitCode == 1)
        for text in [file, "after step \(step) of epoch 1", "interrupted.safetensors", "--resume"] {
            #expect(stopped.lastErrorLine.contains(text), "\(stopped.lastErrorLine)")
        }

        try content.write(to: URL(fileURLWithPath: file))
        let resumed = try mini.tool.run(train(mini, "--resume", mini.runFile("interrupted.safetensors")))
        #expect(resumed.exitCode == 0, "\(resumed.errorOutput)")
        #expect(
            try mini.tensorBytes(ofCheckpoint: "epoch1.safetensors")
                == whole.tensorBytes(ofCheckpoint: "epoch1.safetensors"))
    }

    @Test("--skip-damaged leaves the questions out, counts them and names the file")
    func leftOut() throws {
        let mini = try MiniCommands.withCopiedDataset()
        let (file, _) = try latestPicture(mini)
        try Data("no zip".utf8).write(to: URL(fileURLWithPath: file))
        let outcome = try mini.tool.run(train(mini, "--skip-damaged"))
        #expect(outcome.exitCode == 0, "\(outcome.errorOutput)")
        #expect(outcome.errorOutput.contains("questions about 1 images whose features cannot be read"))
        #expect(outcome.errorOutput.contains(file))
        #expect(mini.exists(mini.runFile("epoch1.safetensors")))
    }

    @Test("a learned epoch is kept where val cannot be answered")
    func keptBeforeEvaluation() throws {
        let mini = try MiniCommands.withCopiedDataset()
        let folder = mini.dataFile("coco_extract/val2014")
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        let last = folder + "/" + (try #require(names.last))
        let content = try Data(contentsOf: URL(fileURLWithPath: last))
        try Data("no zip".utf8).write(to: URL(fileURLWithPath: last))
        let evaluating = train(mini, "--set", "eval_every_epoch=true")
        let stopped = try mini.tool.run(evaluating)
        #expect(stopped.exitCode == 1)
        #expect(stopped.lastErrorLine.contains(last), "\(stopped.lastErrorLine)")
        #expect(mini.exists(mini.runFile("epoch1.safetensors")))

        try content.write(to: URL(fileURLWithPath: last))
        let resumed = try mini.tool.run(
            evaluating + ["--resume", mini.tool.folder.file("ckpts/ckpt_mini")])
        #expect(resumed.exitCode == 0, "\(resumed.errorOutput)")
        #expect(try #require(try mini.metrics().first)["overall"] != nil)
    }

    /// Damages the features of the last picture of a split, and gives its file.
    private func damageLast(_ folder: String, of mini: MiniCommands) throws -> String {
        let folder = mini.dataFile("coco_extract/" + folder)
        let names = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
        let last = folder + "/" + (try #require(names.last))
        try Data("no zip".utf8).write(to: URL(fileURLWithPath: last))
        return last
    }

    @Test("--skip-damaged leaves val questions out too, and the record of the epoch says how many")
    func leftOutOfVal() throws {
        let mini = try MiniCommands.withCopiedDataset()
        let file = try damageLast("val2014", of: mini)
        let outcome = try mini.tool.run(
            train(mini, "--set", "eval_every_epoch=true", "--skip-damaged"))
        #expect(outcome.exitCode == 0, "\(outcome.errorOutput)")
        #expect(outcome.errorOutput.contains(file))
        #expect(outcome.errorOutput.contains("val questions left out"))
        let record = try #require(try mini.metrics().first)
        #expect(record["overall"] != nil)
        #expect(record["left_out"] as? Int ?? 0 > 0)
    }

    @Test("evaluate stops at a damaged file by name, and with --skip-damaged evaluates the other questions")
    func evaluated() throws {
        let mini = try MiniCommands.withCopiedDataset()
        let file = try damageLast("val2014", of: mini)
        let stopped = try mini.tool.run(mini.evaluate("--json"))
        #expect(stopped.exitCode == 1 && stopped.lastErrorLine.contains(file), "\(stopped.errorOutput)")

        let outcome = try mini.tool.run(
            mini.evaluate("--json", "--skip-damaged", "--output", "val.json", "--log", "log.txt"))
        #expect(outcome.exitCode == 0, "\(outcome.errorOutput)")
        let report = try outcome.output.json()
        let leftOut = try #require(report["leftOut"] as? Int)
        #expect(leftOut > 0)
        #expect(report["questions"] as? Int == 72 - leftOut)
        #expect(outcome.errorOutput.contains("left out: \(leftOut) questions about 1 images"))
        #expect(outcome.errorOutput.contains("the results lack them"))
        #expect(outcome.errorOutput.contains(file))
        let results = try ResultFile.read(URL(fileURLWithPath: mini.tool.folder.file("val.json")))
        #expect(results.count == 72 - leftOut)
        let log = try String(contentsOfFile: mini.tool.folder.file("log.txt"), encoding: .utf8)
        #expect(log.contains("Left out: \(leftOut) questions"))

        let text = try mini.tool.run(mini.evaluate("--skip-damaged"))
        #expect(text.output.contains(", \(leftOut) left out"))
    }

    @Test("predict stops at a damaged file by name, and with --skip-damaged answers the other questions")
    func predicted() throws {
        let mini = try MiniCommands.withCopiedDataset()
        let whole = try mini.tool.run(mini.predict())
        #expect(whole.exitCode == 0, "\(whole.errorOutput)")
        let resultFile = URL(fileURLWithPath: mini.tool.folder.file("results.json"))
        let all = try ResultFile.read(resultFile)

        let file = try damageLast("test2015", of: mini)
        let stopped = try mini.tool.run(mini.predict())
        #expect(stopped.exitCode == 1 && stopped.lastErrorLine.contains(file), "\(stopped.errorOutput)")

        for logits in [[], ["--save-logits", "logits.safetensors"]] {
            let outcome = try mini.tool.run(mini.predict("--skip-damaged") + logits)
            #expect(outcome.exitCode == 0, "\(outcome.errorOutput)")
            let results = try ResultFile.read(resultFile)
            #expect(results.count < all.count && !results.isEmpty)
            let answered = Set(results.map(\.questionID))
            #expect(results.map(\.questionID) == all.map(\.questionID).filter(answered.contains))
            #expect(outcome.errorOutput.contains("left out: \(all.count - results.count) questions"))
            guard !logits.isEmpty else { continue }
            let saved = try SafetensorsFile(path: mini.tool.folder.file("logits.safetensors"))
            #expect(try saved.info(of: "logits").shape[0] == results.count)
            #expect(
                try saved.tensor("question_id").array(of: Int64.self) == results.map(\.questionID.rawValue))
        }
    }
}
