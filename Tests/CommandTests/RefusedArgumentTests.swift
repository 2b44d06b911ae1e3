import Foundation
import TestSupport
import Testing

/// Arguments and settings that cannot be: one line that names the key or the option.
@Suite struct RefusedArgumentTests {
    @Test("an unknown key is refused with the nearest one, and so is a value of the wrong type")
    func settings() throws {
        let mini = try MiniCommands()
        for (setting, names) in [
            ("hiden_size=32", ["hiden_size", "hidden_size"]), ("hidden_size=big", ["hidden_size", "big"]),
            ("hidden_size=30", ["hidden_size", "multi_head"]), ("lr_base=fast", ["lr_base", "fast"]),
            ("shuffle=3", ["shuffle", "true or false"]), ("lr_decay_list=3", ["lr_decay_list", "a list"]),
            ("hidden_size=9223372036854775804", ["hidden_size", "whole number"]),
            ("num_workers=9223372036854775807", ["num_workers", "whole number"]),
            ("model=transformer", ["model", "rwsan"]), ("split=vg", ["vg", "train+val"]),
            ("hidden_size", ["hidden_size", "key=value"]),
        ] {
            let outcome = try mini.tool.run(mini.trainOn("--set", setting))
            mini.tool.expectOneErrorLine(outcome, naming: names)
        }
    }

    @Test(
        "a settings file that is missing, no YAML, or has a bad key is refused and named",
        arguments: [
            (nil, "No such file"), ("a: [1", "line"), ("just words", "key: value"), ("- 1", "key: value"),
            ("seed: 1\nseed: 2\n", "seed"), ("hiden_size: 32\n", "hidden_size"),
            ("lr_base: fast\n", "lr_base"),
            ("a: {b: c}", "key: value"),
        ] as [(String?, String)])
    func settingsFile(text: String?, name: String) throws {
        let mini = try MiniCommands()
        let file = mini.tool.folder.file("bad.yaml")
        if let text { _ = try mini.tool.folder.write("bad.yaml", text) }
        try mini.tool.expectRefusal(mini.trainOn("--config", file), naming: file, name)
    }

    @Test("an unknown split or device is refused, and cuda where there is none")
    func splitAndDevice() throws {
        let mini = try MiniCommands()
        try mini.tool.expectRefusal(mini.predict("--split", "tset"), naming: "tset", "test-dev")
        try mini.tool.expectRefusal(mini.predict("--device", "gpu"), naming: "gpu", "cuda:N")
        // A machine that has this many GPUs has not been built.
        try mini.tool.expectRefusal(mini.predict("--device", "cuda:127"), naming: "cuda:127", "--device cpu")
    }

    @Test(
        "what an option cannot mean is told as a wrong use of it, a mistyped option before one that is missing"
    )
    func wrongUse() throws {
        let mini = try MiniCommands()
        for (arguments, name) in [
            (mini.predict("--split", "tset"), "--split"), (mini.predict("--device", "gpu"), "--device"),
            (mini.predict("--precision", "float8"), "--precision"), (["train", "--nam", "x"], "--nam"),
            (["answers", "--data", mini.datasets, "--splits", "test"], "train, val, vg"),
            (
                ["ask", "--checkpoint", "c", "--data", "d", "--top", "-1"],
                "--top: expected a number from 1 on"
            ),
        ] {
            let outcome = try mini.tool.run(arguments)
            #expect(outcome.exitCode == 64, Comment(rawValue: outcome.errorOutput))
            mini.tool.expectOneErrorLine(outcome, naming: [name])
        }
    }

    @Test("options that are missing or unknown take one line too, which says where help is")
    func options() throws {
        let tool = try CommandLineTool()
        try tool.expectRefusal(["train"], naming: "--data", "rwsan train --help")
        try tool.expectRefusal(["trian"], naming: "trian", "rwsan --help")
        try tool.expectRefusal(
            ["train", "--data", "d", "--name", "a/b"], naming: "--name", "rwsan train --help")
        let help = try tool.run("train", "--help")
        #expect(help.exitCode == 0)
        #expect(help.output.contains("--resume"))
    }

    @Test("a question without a word is refused, and so is a picture that is none")
    func ask() throws {
        let mini = try MiniCommands()
        _ = try mini.tool.run(mini.trainOn("--set", "max_epoch=3"))
        let checkpoint = mini.runFile("epoch3.safetensors")
        let picture = try mini.tool.folder.write("note.png", "not a picture")
        for question in ["", " ?! "] {
            try mini.tool.expectRefusal(
                ["ask", "--checkpoint", checkpoint, "--picture", picture, "--question", question],
                naming: "--question")
        }
        let ask = ["ask", "--checkpoint", checkpoint, "--question", "What is it?"]
        try mini.tool.expectRefusal(ask + ["--picture", picture], naming: picture, "GIF or BMP")
        try mini.tool.expectRefusal(ask + ["--picture", "nowhere.png"], naming: "nowhere.png")
        try mini.tool.expectRefusal(ask + ["--features", picture], naming: picture)
    }

    @Test("a checkpoint that makes no features of pictures asks for --features")
    func noRecipe() throws {
        let mini = try MiniCommands()
        _ = try mini.tool.run(mini.trainOn("--set", "max_epoch=3"))
        let checkpoint = mini.runFile("epoch3.safetensors")
        let picture = try #require(Data(base64Encoded: Self.onePixel))
        let file = try mini.tool.folder.write("pixel.png", picture)
        try mini.tool.expectRefusal(
            ["ask", "--checkpoint", checkpoint, "--picture", file, "--question", "What is it?"],
            naming: checkpoint, "--features")
    }

    /// A PNG of one red pixel.
    private static let onePixel =
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
}
