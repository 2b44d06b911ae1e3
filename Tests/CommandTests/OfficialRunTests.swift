import Archives
import Foundation
import TestSupport
import Testing
import Torch
import VQADatasets
@testable import RWSANCommands

/// The official command lines, typed into a shell.
@Suite(.serialized) struct OfficialRunTests {
    private func expected(_ name: String) -> URL { Fixtures.url("mini/expected/\(name)") }

    @Test("training, going on and evaluating leave the official files in the official places")
    func train() throws {
        let folder = try OfficialWorkingFolder()
        let common = "--GPU='cpu' --SPLIT='train' --ACCU=1 --NW=2"
        let training = try folder.run(
            "rwsan --RUN='train' --VERSION='mini' \(common) --config mini.yaml --set use_glove=false "
                + "--set max_epoch=1")
        #expect(training.status == 0, "\(training.standardError)")
        #expect(
            training.standardError.contains(
                "the same as: rwsan train --data datasets --name mini --answers data/answer_dict.json "
                    + "--config mini.yaml --set split=train"))
        #expect(folder.exists("ckpts/ckpt_mini/epoch1.safetensors"))
        let log = try String(contentsOf: folder.file("results/log/log_run_mini.txt"), encoding: .utf8)
        #expect(log.contains("Epoch: 1, Loss: ") && log.contains("Overall Accuracy is: "))
        let annotations = try AnnotationTable(
            contentsOf: OfficialLayout(datasets: folder.file("datasets")).annotations(of: .val)
                ?? folder.file(""))
        let accuracy = try AccuracyMetric(annotations).evaluate(
            ResultFile.read(folder.file("results/cache/result_run_mini.json"))
        ).overall
        #expect(log.contains("Overall Accuracy is: \(accuracy)\n"))

        let resumed = try folder.run(
            "rwsan ---RUN='train' --VERSION='mini' \(common) --RESUME=True --CKPT_V='mini' --CKPT_E=1 "
                + "--VERB=False --set max_epoch=2")
        #expect(resumed.status == 0, "\(resumed.standardError)")
        #expect(folder.exists("ckpts/ckpt_mini/epoch2.safetensors"))
        let wholeLog = try String(contentsOf: folder.file("results/log/log_run_mini.txt"), encoding: .utf8)
        #expect(wholeLog.hasPrefix(log) && wholeLog.contains("Epoch: 2, "))
    }

    @Test("an official checkpoint evaluates to the official answers, accuracy and log")
    func evaluate() throws {
        let folder = try OfficialWorkingFolder()
        try folder.addOfficialCheckpoint(epoch: 2, version: "old")
        let line =
            "rwsan ---RUN='val' --VERSION='old' --GPU='cpu' --SPLIT='train' --ACCU=1 --NW=2 --RESUME=True "
            + "--CKPT_V='old' --CKPT_E=2 --SAVE_PRED=True --config mini.yaml"
        for _ in 1...2 {
            let evaluation = try folder.run(line)
            #expect(evaluation.status == 0, "\(evaluation.standardError)")
            #expect(evaluation.standardOutput.contains("overall accuracy: 26.25 % on 72 questions"))
        }
        let answers = try ResultFile.read(folder.file("results/cache/result_run_old.json"))
        let official = try ResultFile.read(expected("val_result_epoch2.json"))
        #expect(
            answers.sorted { $0.questionID < $1.questionID }
                == official.sorted { $0.questionID < $1.questionID })
        let log = try String(contentsOf: folder.file("results/log/log_run_old.txt"), encoding: .utf8)
        #expect(log.components(separatedBy: "Overall Accuracy is: 26.25\n").count == 3)
        let (saved, _) = try loadSafetensors(
            folder.file("results/pred/result_pred_old_epoch2.safetensors").path)
        #expect(try #require(saved["logits"]).shape[0] == 72)
    }

    @Test("an official checkpoint answers the test questions with the official answers and logits")
    func test() throws {
        let folder = try OfficialWorkingFolder()
        try folder.addOfficialCheckpoint(epoch: 5, version: "old")
        let prediction = try folder.run(
            "rwsan --RUN='test' --VERSION='old' --GPU='cpu' --SPLIT='train+val+vg' --ACCU=1 --NW=2 --RESUME=True "
                + "--CKPT_V='old' --CKPT_E=5 --SAVE_PRED=True --config mini.yaml")
        #expect(prediction.status == 0, "\(prediction.standardError)")
        #expect(
            try ResultFile.read(folder.file("results/result_test/result_run_old_epoch5.json"))
                == ResultFile.read(expected("test_result_epoch5.json")))
        let (saved, _) = try loadSafetensors(
            folder.file("results/pred/result_pred_old_epoch5.safetensors").path)
        let (official, _) = try loadSafetensors(expected("test_predictions_epoch5.safetensors").path)
        #expect(
            try #require(saved["question_id"]).array(of: Int64.self)
                == #require(official["question_id"]).array(of: Int64.self))
        let difference = try #require(saved["logits"]) - #require(official["logits"])
        #expect(try difference.absolute().maximum().item() < 1e-4)
    }

    @Test("questions and features may lie apart")
    func foldersApart() throws {
        let folder = try OfficialWorkingFolder()
        try folder.addOfficialCheckpoint(epoch: 5, version: "old")
        let line =
            "mkdir apart && ln -s ../datasets/vqa apart/questions && "
            + "rwsan --RUN=test --CKPT_V=old --CKPT_E=5 --GPU=cpu --config mini.yaml "
            + "--FEAT_PATH=./datasets/coco_extract/ --DATA_PATH="
        #expect(try folder.run(line + "apart/questions/").status == 0)
        #expect(
            try ResultFile.read(folder.file("results/result_test/result_run_old_epoch5.json"))
                == ResultFile.read(expected("test_result_epoch5.json")))
        let missing = try folder.run(
            line.replacing("mkdir apart && ln -s ../datasets/vqa apart/questions && ", with: "") + "nowhere")
        #expect(missing.status != 0)
        #expect(missing.standardError.contains("nowhere: expected a folder of question and annotation files"))
    }

    @Test("GloVe is found by its official name, and without it the error names every way out")
    func glove() throws {
        let folder = try OfficialWorkingFolder()
        let line =
            "rwsan --RUN=train --VERSION=a --GPU=cpu --config mini.yaml --EVAL_EE=False --set max_epoch=1"
        let without = try folder.run(line)
        #expect(without.status == 1)
        #expect(
            without.standardError.hasSuffix(
                "rwsan: error: use_glove is true: expected glove.840B.300d.txt or .zip in the working folder or "
                    + "the datasets folder, or --glove FILE with GloVe's vectors, or --set use_glove=false; found "
                    + "none of them\n"))
        try FileManager.default.copyItem(
            at: Fixtures.url("mini/glove.mini.300d.txt"), to: folder.file("glove.840B.300d.txt"))
        let with = try folder.run(line)
        #expect(with.status == 0, "\(with.standardError)")
        #expect(with.standardError.contains("glove.840B.300d.txt knows 71 of 74 words"))

        let text = try Data(contentsOf: folder.file("glove.840B.300d.txt"))
        try FileManager.default.removeItem(at: folder.file("glove.840B.300d.txt"))
        try FileManager.default.createDirectory(
            at: folder.file(".word_vectors_cache"), withIntermediateDirectories: true)
        let archive = try ZipWriter(path: folder.file(".word_vectors_cache/glove.840B.300d.zip").path)
        try archive.add(name: "glove.840B.300d.txt", contents: Array(text))
        try archive.finish()
        let zipped = try folder.run(line)
        #expect(zipped.status == 0, "\(zipped.standardError)")
        #expect(zipped.standardError.contains("glove.840B.300d.zip knows 71 of 74 words"))
    }

    @Test(
        "a GPU that is not there ends the command with the way to the CPU",
        .enabled(if: (try? Device.cudaDeviceCount()) == nil, "there is a GPU here"))
    func noGPU() throws {
        let finished = try OfficialWorkingFolder().run("rwsan --RUN='train' --VERSION='a' --GPU='0, 1'")
        #expect(finished.status == 1)
        #expect(finished.standardError.contains("--device cuda:0,cuda:1"))
        #expect(finished.standardError.contains("rwsan: error: --GPU: cuda:0 cannot be used: "))
        #expect(finished.standardError.hasSuffix("; --GPU=cpu computes without it\n"))
    }

    @Test("a mistake in an official command line is one line and code 1")
    func mistake() throws {
        let finished = try OfficialWorkingFolder().run("rwsan --RUN='train' --SPLIT='trian'")
        #expect(finished.status == 1)
        #expect(finished.standardOutput.isEmpty)
        #expect(
            finished.standardError
                == "rwsan: error: --SPLIT: expected train, train+val or train+val+vg, found 'trian'\n")
    }
}
