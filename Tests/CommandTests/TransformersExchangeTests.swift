import Foundation
import TestSupport
import Testing

/// Published models that are written again, read by transformers and by the program.
@Suite struct TransformersExchangeTests {
    /// A copy of a published model, as the hub may have it.
    private func published(_ model: String, _ tool: CommandLineTool, without files: [String]) throws -> String
    {
        let folder = tool.folder.file("published")
        try FileManager.default.copyItem(atPath: Fixtures.url("hub/" + model).path, toPath: folder)
        for name in try FileManager.default.contentsOfDirectory(atPath: folder)
        where files.contains(name) || name.contains("_old") {
            try FileManager.default.removeItem(atPath: folder + "/" + name)
        }
        return folder
    }

    private func export(_ folder: String, _ tool: CommandLineTool) throws {
        let outcome = try tool.run("export", "--model", folder, "--output", "exported", "--json")
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        let names = try FileManager.default.contentsOfDirectory(atPath: tool.folder.file("exported"))
        #expect(names.contains("model.safetensors") && !names.contains("pytorch_model.bin"))
        #expect(try outcome.output.json()["files"] as? [String] != nil)
    }

    @Test(
        "ViLT and LXMERT, out of either container, load in transformers with all their tensors and words",
        .enabled(
            if: Self.interpreter != nil,
            "no python3 on PATH, nor one named by RWSAN_PYTHON, has torch and transformers"),
        arguments: ["vilt", "lxmert"], ["pytorch_model.bin", "model.safetensors"])
    func transformers(model: String, missing: String) throws {
        let tool = try CommandLineTool()
        try export(published(model, tool, without: [missing]), tool)
        let python = try tool.run(
            in: "shift; HF_HUB_OFFLINE=1 exec \"$@\"",
            [
                try #require(Self.interpreter), Fixtures.url("hub/load.py").path,
                tool.folder.file("exported"),
                Fixtures.url("hub/" + model).path,
            ])
        #expect(python.exitCode == 0, Comment(rawValue: python.errorOutput))
        #expect(python.output.contains("ForQuestionAnswering"))
    }

    @Test(
        "a fine-tuned ViLT and LXMERT load in transformers with all their tensors, and ViLT answers there as here",
        .enabled(
            if: Self.interpreter != nil,
            "no python3 on PATH, nor one named by RWSAN_PYTHON, has torch and transformers"))
    func fineTuned() throws {
        let set = try FineTuningSet()
        try set.run(set.train("--set", "max_epoch=1"))
        try set.run(["export", "--checkpoint", set.runFile("epoch1.safetensors"), "--output", "my-vilt"])
        try set.run([
            "train", "--model", FineTuningSet.model("lxmert"), "--data", MiniRun.datasets.path, "--name", "l",
            "--set", "max_epoch=1", "--set", "eval_every_epoch=false",
        ])
        try set.run([
            "export", "--checkpoint", set.runFile("epoch1.safetensors", of: "l"), "--output", "my-lxmert",
        ])
        let asked = ["photos/photo 1.png", "what shape is in the picture?"]
        for (model, arguments) in [("my-vilt", asked), ("my-lxmert", [])] {
            let python = try set.tool.run(
                in: "shift; HF_HUB_OFFLINE=1 exec \"$@\"",
                [try #require(Self.interpreter), Fixtures.url("hub/answer.py").path, model] + arguments)
            #expect(python.exitCode == 0, Comment(rawValue: python.errorOutput))
            guard model == "my-vilt" else { continue }
            let ours = try set.run([
                "ask", "--model", model, "--picture", asked[0], "--question", asked[1], "--json",
            ])
            let answers = try #require(try ours.output.json()["answers"] as? [NSDictionary])
            let scores = try python.output.json()
            for answer in answers {
                let name = try #require(answer["answer"] as? String)
                let (found, expected) = (answer["score"] as? Double, scores[name] as? Double)
                #expect(try abs(#require(found) - #require(expected)) < 1e-4, "\(name)")
            }
        }
    }

    @Test("ViLT that is written again out of PyTorch's container gives the same answers")
    func sameAnswers() throws {
        let tool = try CommandLineTool()
        let folder = try published("vilt", tool, without: ["model.safetensors"])
        try export(folder, tool)
        let asked = [
            "--picture", Fixtures.url("hub/pictures/a_landscape.png").path, "--question",
            "What is the color of the cat?", "--json",
        ]
        let (found, expected) = (
            try tool.run(["ask", "--model", "exported"] + asked),
            try tool.run(["ask", "--model", folder] + asked)
        )
        #expect(found.exitCode == 0, Comment(rawValue: found.errorOutput))
        #expect(found.output == expected.output && !found.output.isEmpty)
    }

    @Test("LXMERT's answers go with it, in its own form, where they were named apart")
    func answers() throws {
        let tool = try CommandLineTool()
        let name = "trainval_label2ans.json"
        let folder = try published("lxmert", tool, without: [name])
        let list = Fixtures.url("hub/lxmert/" + name)
        let outcome = try tool.run(
            "export", "--model", folder, "--answers", list.path, "--output", "exported")
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        func answers(_ file: URL) throws -> [String] {
            try JSONDecoder().decode([String].self, from: Data(contentsOf: file))
        }
        let written = tool.folder.url.appending(path: "exported/" + name)
        #expect(try answers(written) == answers(list))
    }

    @Test("a folder that is no whole model is not written again")
    func refused() throws {
        let tool = try CommandLineTool()
        let folder = try published("vilt", tool, without: ["vocab.txt"])
        try tool.expectRefusal(["export", "--model", folder, "--output", "exported"], naming: "vocab.txt")
        #expect(try tool.folder.names() == ["published"])
    }

    /// A Python that has the package.
    private static let interpreter = PythonInterpreter.having("torch, transformers")
}
