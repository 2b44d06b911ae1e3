import Foundation
import TestSupport
import Testing
import Torch

/// Checkpoints that are missing, damaged, hostile or made for something else: one line that names the file.
@Suite struct RefusedCheckpointTests {
    /// A checkpoint of ours on which every test here bases its damage.
    private static let own = Result {
        let mini = try MiniCommands()
        let outcome = try mini.tool.run(mini.trainOn("--set", "max_epoch=3"))
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        return try Data(contentsOf: URL(fileURLWithPath: mini.runFile("epoch3.safetensors")))
    }

    /// Holds that a checkpoint can neither answer nor be gone on from.
    private func expectRefusal(of file: String, _ mini: MiniCommands, naming names: String...) throws {
        let predict = mini.predict("--answers", MiniRun.answers.path, "--checkpoint", file)
        let train = mini.train("--answers", MiniRun.answers.path, "--resume", file)
        for command in [predict, train] {
            let outcome = try mini.tool.run(command)
            mini.tool.expectOneErrorLine(outcome, naming: [file] + names)
        }
        #expect(!mini.exists(mini.tool.folder.file("ckpts")), "no run was begun")
    }

    @Test("a checkpoint that is missing, empty or cut short is refused", arguments: ["pkl", "safetensors"])
    func truncated(form: String) throws {
        let mini = try MiniCommands()
        let whole = form == "pkl" ? try Data(contentsOf: MiniRun.checkpoint(2)) : try Self.own.get()
        try expectRefusal(of: "nowhere." + form, mini, naming: "No such file or directory")
        for (number, length) in [0, 5, 5000, whole.count / 2, whole.count - 1].enumerated() {
            let file = try mini.tool.folder.write("\(number).\(form)", whole.prefix(length))
            try expectRefusal(of: file, mini)
        }
    }

    @Test("a pickle that would run a command is refused, and the command is not run")
    func hostilePickle() throws {
        let mini = try MiniCommands()
        // What Python writes for an object whose __reduce__ is (os.system, ("touch hacked",)).
        let pickle =
            "\u{80}\u{2}cposix\nsystem\nq\u{0}X\u{C}\u{0}\u{0}\u{0}touch hackedq\u{1}\u{85}q\u{2}Rq\u{3}."
        let bytes = pickle.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
        let file = try mini.tool.folder.write("epoch9.pkl", bytes)
        try expectRefusal(of: file, mini, naming: "posix.system")
        #expect(!mini.exists(mini.tool.folder.file("hacked")))
    }

    @Test("a checkpoint of another shape is refused, with the tensors and both shapes")
    func otherShape() throws {
        let mini = try MiniCommands()
        let names = ["lstm.weight_hh_l0", "[256, 64]", "[128, 32]"]
        let own = try mini.tool.folder.write("own.safetensors", Self.own.get())
        for file in [MiniRun.checkpoint(2).path, own] {
            let wide = ["--set", "hidden_size=64"]
            let predicted = try mini.tool.run(mini.predict("--checkpoint", file) + wide)
            mini.tool.expectOneErrorLine(predicted, naming: [file] + names)
            let trained = try mini.tool.run(mini.train("--resume", file) + wide)
            mini.tool.expectOneErrorLine(trained, naming: [file] + names)
        }
    }

    @Test("a safetensors file that is no checkpoint is refused")
    func otherSafetensors() throws {
        let mini = try MiniCommands()
        try expectRefusal(
            of: Fixtures.url("torch/types.safetensors").path, mini, naming: "rwsan-checkpoint-1")
    }

    @Test(
        "a checkpoint whose metadata has been tampered with is refused",
        arguments: [
            ("words", #"["a"]"#), ("words", #"["PAD","UNK","x","x"]"#), ("answers", #"["a","a"]"#),
            ("answers", "{"), ("configuration", #"{"hiddn_size":3}"#),
            ("configuration", #"{"batch_size":-3}"#),
            ("training", "{}"),
        ])
    func tamperedMetadata(key: String, value: String) throws {
        let mini = try MiniCommands()
        let file = try rewritten(mini) { $0[key] = value }
        mini.tool.expectOneErrorLine(
            try mini.tool.run("info", file), naming: [file])
    }

    @Test(
        "a checkpoint that stands where no run can stand is refused",
        arguments: [
            #""epoch":-5"#, #""stepInEpoch":100"#, #""stepInEpoch":-3"#, #""step":9223372036854775807"#,
            #""learningRateBase":-1"#, #""step":-9223372036854775808"#, #""waitingSeconds":1e300"#,
        ])
    func impossibleState(change: String) throws {
        let mini = try MiniCommands()
        let key = change.prefix { $0 != ":" }
        let file = try rewritten(mini) { metadata in
            let pattern = key + ":[-0-9.e]+"
            metadata["training"] = metadata["training"]?.replacingOccurrences(
                of: pattern, with: change, options: .regularExpression)
        }
        let outcome = try mini.tool.run(mini.train("--resume", file))
        mini.tool.expectOneErrorLine(outcome, naming: [file])
    }

    @Test("a checkpoint whose settings make another network than its weights is refused before that is built")
    func otherNetwork() throws {
        let mini = try MiniCommands()
        let file = try rewritten(mini) {
            $0["configuration"] = $0["configuration"]?.replacingOccurrences(
                of: "\"hidden_size\":32", with: "\"hidden_size\":1048576")
        }
        mini.tool.expectOneErrorLine(
            try mini.tool.run("evaluate", "--checkpoint", file, "--data", mini.datasets),
            naming: [file, "of another shape", "1048576"])
        mini.tool.expectOneErrorLine(
            try mini.tool.run(mini.train("--resume", file, "--set", "hidden_size=1048576")),
            naming: [file, "of another shape", "1048576"])
    }

    /// A copy of our checkpoint with other metadata, as one without checksums.
    private func rewritten(_ mini: MiniCommands, _ change: (inout [String: String]) -> Void) throws -> String
    {
        let original = try mini.tool.folder.write("original.safetensors", Self.own.get())
        let (tensors, old) = try loadSafetensors(original)
        var metadata = old.filter { !$0.key.hasPrefix("checksum") }
        change(&metadata)
        try saveSafetensors(tensors, metadata: metadata, to: mini.tool.folder.file("changed.safetensors"))
        return mini.tool.folder.file("changed.safetensors")
    }

    @Test("another answer list than the checkpoint's own is refused, to predict and to go on training")
    func otherAnswers() throws {
        let mini = try MiniCommands()
        let outcome = try mini.tool.run(
            mini.train("--answers", MiniRun.answers.path, "--set", "use_glove=false", "--set", "max_epoch=1"))
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        let other = try mini.tool.folder.write(
            "other.json", "[{\"no\": 0, \"yes\": 1}, {\"0\": \"no\", \"1\": \"yes\"}]")
        let checkpoint = mini.runFile("epoch1.safetensors")
        try mini.tool.expectRefusal(
            ["evaluate", "--data", mini.datasets, "--checkpoint", checkpoint, "--answers", other],
            naming: other, "epoch1.safetensors")
        try mini.tool.expectRefusal(
            mini.train("--resume", checkpoint, "--answers", other), naming: other, "epoch1.safetensors")
        let same = try mini.tool.run(
            "evaluate", "--data", mini.datasets, "--checkpoint", checkpoint, "--answers", MiniRun.answers.path
        )
        #expect(same.exitCode == 0, Comment(rawValue: same.errorOutput))
    }
}
