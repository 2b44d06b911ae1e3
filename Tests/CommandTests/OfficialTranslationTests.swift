import Testing
import Torch

@testable import RWSANCommands

@Suite struct OfficialTranslationTests {
    /// The translation of a command line with no spaces in its values, with these files in the working folder.
    private func translate(_ line: String, files: Set<String> = []) throws -> OfficialTranslation {
        let arguments = line.replacing("'", with: "").split(separator: " ").map(String.init)
        return try OfficialTranslation(
            OfficialCommandLine(parsing: arguments), unnamedVersion: "1234", fileExists: files.contains)
    }

    private func modern(_ line: String, files: Set<String> = []) throws -> String {
        try translate(line, files: files).arguments.joined(separator: " ")
    }

    /// Every command line of the official README behind `python3 run.py`, with a name for `str` and an epoch
    /// for `int`, and what it is in our form.
    static let commandLines = [
        (
            "--RUN='train' --VERSION='RWSAN_val' --GPU='0' --SPLIT='train' --ACCU=1 --NW=4",
            "train --data datasets --name RWSAN_val --set split=train --set grad_accu_steps=1 "
                + "--set num_workers=4 --device cuda:0"
        ),
        (
            "--RUN='train' --VERSION=RWSAN_val --GPU='0' --SPLIT='train' --ACCU=1 --NW=4 --RESUME=True "
                + "--CKPT_V=RWSAN_val --CKPT_E=3",
            "train --data datasets --name RWSAN_val --resume ckpts/ckpt_RWSAN_val/epoch3.safetensors "
                + "--set split=train --set grad_accu_steps=1 --set num_workers=4 --device cuda:0"
        ),
        (
            "---RUN='train' --VERSION='RWSAN_val' --GPU='0' --SPLIT='train' --ACCU=1 --NW=4 --RESUME=True "
                + "--CKPT_V='RWSAN_val' --CKPT_E=8",
            "train --data datasets --name RWSAN_val --resume ckpts/ckpt_RWSAN_val/epoch8.safetensors "
                + "--set split=train --set grad_accu_steps=1 --set num_workers=4 --device cuda:0"
        ),
        (
            "---RUN='val' --VERSION=RWSAN_val --GPU='0' --SPLIT='train' --ACCU=1 --NW=4 --RESUME=True "
                + "--CKPT_V=RWSAN_val --CKPT_E=3",
            "evaluate --checkpoint ckpts/ckpt_RWSAN_val/epoch3.safetensors --data datasets "
                + "--output results/cache/result_run_RWSAN_val.json --log results/log/log_run_RWSAN_val.txt "
                + "--set num_workers=4 --device cuda:0"
        ),
        (
            "---RUN='val' --VERSION='RWSAN_val' --GPU='0' --SPLIT='train' --ACCU=1 --NW=4 --RESUME=True "
                + "--CKPT_V='RWSAN_val' --CKPT_E=16",
            "evaluate --checkpoint ckpts/ckpt_RWSAN_val/epoch16.pkl --data datasets "
                + "--answers data/answer_dict.json --output results/cache/result_run_RWSAN_val.json "
                + "--log results/log/log_run_RWSAN_val.txt --set num_workers=4 --device cuda:0"
        ),
        (
            "-RUN='train' --VERSION='RWSAN_test' --GPU='0' --SPLIT='train+val+vg' --ACCU=1 --NW=4",
            "train --data datasets --name RWSAN_test --set split=train+val+vg --set grad_accu_steps=1 "
                + "--set num_workers=4 --device cuda:0"
        ),
        (
            "--RUN='test' --VERSION='RWSAN_test' --GPU='0' --SPLIT='train+val+vg' --ACCU=1 --NW=4 --RESUME=True "
                + "--CKPT_V='RWSAN_test' --CKPT_E=16",
            "predict --split test --checkpoint ckpts/ckpt_RWSAN_test/epoch16.pkl --data datasets "
                + "--answers data/answer_dict.json "
                + "--output results/result_test/result_run_RWSAN_test_epoch16.json --set num_workers=4 "
                + "--device cuda:0"
        ),
    ]

    private static let checkpoints: Set = [
        "ckpts/ckpt_RWSAN_val/epoch3.safetensors", "ckpts/ckpt_RWSAN_val/epoch8.safetensors",
        "ckpts/ckpt_RWSAN_val/epoch8.pkl", "ckpts/ckpt_RWSAN_val/epoch16.pkl",
        "ckpts/ckpt_RWSAN_test/epoch16.pkl",
    ]

    @Test("every command line of the official README has its counterpart", arguments: commandLines)
    func officialREADME(official: String, expected: String) throws {
        var files = Self.checkpoints
        if expected.contains("--answers") { files.insert(OfficialTranslation.answerFile) }
        let translation = try translate(official, files: files)
        #expect(translation.arguments.joined(separator: " ") == expected)
        #expect(translation.notes.isEmpty)
        #expect(translation.devices == [.cuda(0)])
        // The subcommands understand it.
        _ = try RootCommand.parseAsRoot(translation.arguments)
    }

    @Test("the official answer list is used where it is there, and a checkpoint of ours has its own")
    func answerList() throws {
        let answers = " --answers data/answer_dict.json"
        let list = OfficialTranslation.answerFile
        #expect(try !modern("--RUN=train --VERSION=a").contains(answers))
        #expect(try modern("--RUN=train --VERSION=a", files: [list]).contains(answers))
        let resume = "--RUN=train --VERSION=a --RESUME=True --CKPT_E=1"
        #expect(try modern(resume, files: [list, "ckpts/ckpt_a/epoch1.pkl"]).contains(answers))
        #expect(try !modern(resume, files: [list, "ckpts/ckpt_a/epoch1.safetensors"]).contains(answers))
    }

    @Test("the other options have their counterparts")
    func otherOptions() throws {
        #expect(
            try modern("--RUN=train --EVAL_EE=False --VERB=False --GPU=cpu --glove=g.txt")
                == "train --data datasets --name 1234 --glove g.txt --set eval_every_epoch=false --device cpu "
                + "--quiet")
        #expect(
            try modern("--RUN=test --VERSION=b --CKPT_PATH=some/best.pkl --SAVE_PRED=True --GPU=cpu")
                == "predict --split test --checkpoint some/best.pkl --data datasets "
                + "--output results/result_test/result_run_b_best.json "
                + "--save-logits results/pred/result_pred_b_best.safetensors --device cpu")
        #expect(
            try modern(
                "--RUN=val --VERSION=a --CKPT_E=2 --SAVE_PRED=True --GPU=1",
                files: ["ckpts/ckpt_a/epoch2.pkl"])
                == "evaluate --checkpoint ckpts/ckpt_a/epoch2.pkl --data datasets "
                + "--output results/cache/result_run_a.json "
                + "--save-logits results/pred/result_pred_a_epoch2.safetensors "
                + "--log results/log/log_run_a.txt --device cuda:1")
    }

    @Test("a file of settings counts before the official options, and --set after them")
    func settings() throws {
        #expect(
            try modern("--set num_workers=8 --RUN=train --VERSION=a --NW=4 --config=mini.yaml --GPU=cpu")
                == "train --data datasets --name a --config mini.yaml --set num_workers=4 --set num_workers=8 "
                + "--device cpu")
    }

    @Test(
        "DATA_PATH and FEAT_PATH become a datasets folder where they are parts of one, else two folders",
        arguments: [
            ("./datasets/vqa/", "./datasets/coco_extract/", "--data datasets"),
            ("/big/vqa", "/big/coco_extract/", "--data /big"),
            ("vqa", "./coco_extract", "--data ."),
            ("/vqa/", "/coco_extract/", "--data /"),
            (
                "../a/vqa", "../b/coco_extract",
                "--questions-folder ../a/vqa --features-folder ../b/coco_extract"
            ),
            ("q/", "f/", "--questions-folder q --features-folder f"),
            ("./", "/", "--questions-folder . --features-folder /"),
        ])
    func datasetFolders(data: String, features: String, expected: String) throws {
        let translation = try translate(
            "--RUN=train --VERSION=a --DATA_PATH=\(data) --FEAT_PATH=\(features) --GPU=cpu")
        #expect(
            translation.arguments.joined(separator: " ") == "train \(expected) --name a --device cpu")
        _ = try RootCommand.parseAsRoot(translation.arguments)
    }

    @Test("what is done otherwise than was typed is said")
    func notes() throws {
        let several = try OfficialTranslation(
            OfficialCommandLine(parsing: ["--RUN=train", "--GPU=0, 1, 2"]), unnamedVersion: "1",
            fileExists: { _ in false })
        #expect(several.notes.isEmpty)
        #expect(several.arguments.suffix(2) == ["--device", "cuda:0,cuda:1,cuda:2"])
        let answering = try OfficialTranslation(
            OfficialCommandLine(parsing: ["--RUN=val", "--GPU=0, 1, 2", "--CKPT_PATH=a.pkl"]),
            unnamedVersion: "1", fileExists: { _ in true })
        #expect(answering.notes == ["several GPUs are for training; number 0 is used, and not 1, 2"])
        #expect(answering.arguments.suffix(2) == ["--device", "cuda:0"])
        #expect(
            try translate("--RUN=train --CKPT_V=a --SAVE_PRED=True").notes == [
                "training starts anew, not from the checkpoint: RESUME=True goes on from it",
                "SAVE_PRED is not used in training: RUN=val and RUN=test save the logits",
            ])
    }

    @Test("a checkpoint that is not named or not there is an error")
    func missingCheckpoint() {
        #expect(
            throws: OfficialCommandLineError(
                .checkpointVersion, "expected the name of a run, or --CKPT_PATH, found neither")
        ) { try translate("--RUN=val --CKPT_E=1") }
        #expect(
            throws: OfficialCommandLineError(.checkpointEpoch, "expected the number of an epoch, found none")
        ) { try translate("--RUN=train --RESUME=True --VERSION=a") }
        #expect(
            throws: OfficialCommandLineError(
                "ckpts/ckpt_a/epoch9", "expected a checkpoint .safetensors or .pkl, found neither")
        ) { try translate("--RUN=test --CKPT_V=a --CKPT_E=9") }
    }

    @Test("a name that looks like an option, or holds spaces and quotes, stays one value")
    func oddNames() throws {
        let arguments = try OfficialTranslation(
            OfficialCommandLine(parsing: ["--RUN=train", "--VERSION=-it's 1", "--GPU=cpu"]),
            unnamedVersion: "",
            fileExists: { _ in false }
        ).arguments
        let train = try #require(try RootCommand.parseAsRoot(arguments) as? TrainCommand)
        #expect(train.name == "-it's 1")
        #expect(
            ShellQuoting.line(["rwsan"] + arguments)
                == #"rwsan train --data datasets '--name=-it'\''s 1' --device cpu"#)
    }
}
