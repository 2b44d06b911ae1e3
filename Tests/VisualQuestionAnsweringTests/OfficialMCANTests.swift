import Foundation
import Synchronization
import TestSupport
import Testing
import Torch
import VQAFeatures
import VQASettings
import VQATraining
import VisualQuestionAnswering

/// What users do with checkpoints of openvqa and mcan-vqa: predict, evaluate, and go on training.
@Suite(.serialized) struct OfficialMCANTests {
    static let cases = [
        ("mcan_vqa_small", "mcan_small"), ("mcan_vqa_boxes", "mcan_small"),
        ("mcan_vqa_large", "mcan_large"), ("mcan_release", "mcan_release_small"),
    ]

    @Test("questions whose words are taken from the question files get the official logits", arguments: cases)
    func prediction(name: String, preset: String) throws {
        let zoo = try ZooDataset(name)
        let answerer = try Answerer(checkpoint: zoo.checkpoint, zoo.options(preset))
        #expect(answerer.vocabulary.count == zoo.sizes.words)
        let file = zoo.folder.file("logits.safetensors")
        let predictions = try answerer.predict(split: "test-dev", savingLogitsTo: file)
        let logits = try #require(try loadSafetensors(file).tensors["logits"])
        let expected = try zoo.tensors["logits_before_sigmoid"] ?? zoo.tensor("logits")
        #expect(try (logits - expected).absolute().maximum().item() < 1e-4)
        let best = try expected.largest(1).positions.array(of: Int64.self)
        #expect(predictions.map(\.answer) == best.map { "answer\($0)" })
    }

    @Test("the val questions are answered and scored", arguments: cases)
    func evaluation(name: String, preset: String) throws {
        let zoo = try ZooDataset(name)
        let report = try Answerer(checkpoint: zoo.checkpoint, zoo.options(preset)).evaluate().report
        #expect((0...100).contains(report.overall))
    }

    @Test("training goes on in the epoch behind the checkpoint's, at the official rate", arguments: cases)
    func resumption(name: String, preset: String) throws {
        let zoo = try ZooDataset(name)
        let run = try TrainingRun(zoo.request(preset))
        #expect(run.trainer.state.epoch == 1 && run.trainer.state.step == 2)
        _ = try run.train()
        #expect(run.trainer.records.map(\.epoch) == [2])
        #expect(abs(try #require(run.trainer.records.first).lr - 0.002) < 1e-12)
        let own = try Checkpoint(contentsOf: run.folder.checkpoint(epoch: 2).path)
        #expect(own.stepCount == 4)
        let words = try #require(own.vocabulary).words
        #expect(words.count == zoo.sizes.words)
        #expect(words.contains("CLS") == !preset.contains("release"))
    }

    @Test("where the steps are not those of as many epochs, the epoch of the file counts, and it is told")
    func epochOfTheFile() throws {
        let zoo = try ZooDataset("mcan_vqa_small")
        var request = zoo.request("mcan_small", "batch_size=3")
        let notices = Notices()
        request.onNotice = { notices.add($0) }
        let run = try TrainingRun(request)
        // Five steps an epoch, and two were made.
        #expect(run.trainer.state.epoch == 1 && run.trainer.state.stepInEpoch == 0)
        _ = try run.train()
        #expect(notices.all.contains { $0.contains("1 epochs have 2 steps, and would have 5 here") })
    }

    @Test(
        "a checkpoint of another model than the chosen one says what to choose",
        arguments: zip(
            cases,
            [
                "--set model=mcan_small", "--set model=mcan_small --set use_bbox_feat=true",
                "--set model=mcan_small", "--set model=mcan_release_small",
            ]))
    func likeness(fixture: (name: String, preset: String), advice: String) throws {
        let zoo = try ZooDataset(fixture.name)
        let answering = #expect(throws: CheckpointError.self) {
            try Answerer(checkpoint: zoo.checkpoint, zoo.options("rwsan"))
        }
        let training = #expect(throws: CheckpointError.self) { try TrainingRun(zoo.request("rwsan")) }
        for error in [answering, training] {
            let text = try #require(error).description
            #expect(text.contains(zoo.checkpoint) && text.hasSuffix(": " + advice), "\(text)")
        }
    }

    @Test("a checkpoint of another size than the chosen model's says what to choose")
    func otherSize() throws {
        let zoo = try ZooDataset("mcan_vqa_small")
        var options = zoo.options("mcan_large")
        let change = options.changeSettings
        options.changeSettings = {
            try change(&$0)
            try $0.set("hidden_size", to: 32)
        }
        let error = #expect(throws: CheckpointError.self) {
            try Answerer(checkpoint: zoo.checkpoint, options)
        }
        #expect(try #require(error).description.hasSuffix(": --set model=mcan_small"))
    }

    @Test("with words missing, it is told of the question files and not of the model")
    func otherWords() throws {
        let zoo = try ZooDataset("mcan_vqa_small")
        for set in ["train", "val"] {
            let file = zoo.folder.file("vqa/v2_OpenEnded_mscoco_\(set)2014_questions.json")
            let text = try String(contentsOfFile: file, encoding: .utf8)
            try text.replacingOccurrences(of: "w22", with: "w21")
                .write(toFile: file, atomically: true, encoding: .utf8)
        }
        let error = #expect(throws: CheckpointError.self) {
            try Answerer(checkpoint: zoo.checkpoint, zoo.options("mcan_large"))
        }
        #expect(try #require(error).description.contains("it knows 23 words, and the question files have 22"))
    }
}

/// What was told of in the course of a run.
private final class Notices: Sendable {
    private let lines = Mutex<[String]>([])
    var all: [String] { lines.withLock { $0 } }
    func add(_ notice: String) { lines.withLock { $0.append(notice) } }
}

/// The questions of a fixture of `Fixtures/zoo/models`, as a dataset in VQA-v2's form.
private struct ZooDataset {
    struct Sizes: Decodable {
        let words: Int
        let answers: Int
        let regions: Int
        let width: Int
        let tokens: Int
    }
    private struct Expected: Decodable {
        let settings: [String: SettingValue]
        let sizes: Sizes
    }

    let folder: TemporaryFolder
    let checkpoint: String
    let tensors: [String: Tensor]
    let sizes: Sizes
    private let settings: [String: SettingValue]
    private let firstWord: Int

    init(_ name: String) throws {
        let fixture = Fixtures.url("zoo/models/\(name)")
        folder = try TemporaryFolder()
        checkpoint = fixture.appending(component: "checkpoint.pkl").path
        tensors = try loadSafetensors(fixture.appending(component: "batch.safetensors").path).tensors
        let expected = try JSONDecoder().decode(
            Expected.self, from: Data(contentsOf: fixture.appending(component: "expected.json")))
        (sizes, settings) = (expected.sizes, expected.settings)
        // Behind PAD and UNK, in openvqa CLS too.
        firstWord = name == "mcan_release" ? 2 : 3
        try writeQuestions()
        try writeFeatures()
    }

    func tensor(_ name: String) throws -> Tensor { try #require(tensors[name], "\(name)") }

    /// The fixture's settings; those that we have.
    private func change(_ configuration: inout Configuration, _ preset: String, _ more: [String]) throws {
        try configuration.set("model", to: .string(preset))
        for (key, value) in settings where configuration.keys.contains(key) {
            try configuration.set(key, to: value)
        }
        try configuration.set("img_feat_size", to: .int(sizes.width))
        try configuration.set("img_feat_pad_size", to: .int(sizes.regions))
        try configuration.set("split", to: "train")
        for (key, text) in [("use_glove", "false"), ("batch_size", "6"), ("max_epoch", "2")] {
            try configuration.set(key, to: SettingValue(parsing: text))
        }
        for setting in more {
            let parts = setting.split(separator: "=").map(String.init)
            try configuration.set(parts[0], to: SettingValue(parsing: parts[1]))
        }
    }

    func options(_ preset: String) -> Answerer.Options {
        var options = Answerer.Options()
        options.device = .cpu
        options.place = .folder(folder.path)
        options.answerFile = folder.file("answers.json")
        options.changeSettings = { try change(&$0, preset, []) }
        return options
    }

    func request(_ preset: String, _ more: String...) -> TrainingRun.Request {
        var request = TrainingRun.Request(name: "zoo", place: .folder(folder.path))
        request.changeSettings = { try change(&$0, preset, more) }
        request.resume = checkpoint
        request.workingFolder = folder.url
        request.answerFile = folder.file("answers.json")
        request.devices = [.cpu]
        request.cache = nil
        return request
    }

    /// Test-dev has the six questions as they are. Train and val have those without unknown words: theirs make the
    /// vocabulary, which the first question of train puts in order.
    private func writeQuestions() throws {
        let numbers = try tensor("question").array(of: Int64.self)
        let texts = (0..<6).map { row in
            numbers[row * sizes.tokens..<(row + 1) * sizes.tokens].filter { $0 != 0 }
                .map { $0 == 1 ? "unheard" : "w\($0)" }.joined(separator: " ") + "?"
        }
        let known = (0..<6).filter { !texts[$0].contains("unheard") }
        let train = (0..<15).map { known[$0 % known.count] }
        try FileManager.default.createDirectory(
            atPath: folder.file("vqa"), withIntermediateDirectories: true)
        func question(_ id: Int, _ row: Int, _ text: String) -> [String: Any] {
            ["question_id": id, "image_id": row + 1, "question": text]
        }
        let allWords = (firstWord..<sizes.words).map { "w\($0)" }.joined(separator: " ")
        let opening = question(1000, 0, allWords)
        try write(
            [opening] + train.enumerated().map { question($0, $1, texts[$1]) },
            "v2_OpenEnded_mscoco_train2014_questions.json", "questions")
        try write(
            known.map { question($0, $0, texts[$0]) }, "v2_OpenEnded_mscoco_val2014_questions.json",
            "questions")
        try write(
            (0..<6).map { question($0, $0, texts[$0]) },
            "v2_OpenEnded_mscoco_test-dev2015_questions.json", "questions")
        try write(
            train.enumerated().map { annotation($0, $1) }, "v2_mscoco_train2014_annotations.json",
            "annotations")
        try write(known.map { annotation($0, $0) }, "v2_mscoco_val2014_annotations.json", "annotations")
        let answers = (0..<sizes.answers).map { "answer\($0)" }
        let byText = Dictionary(uniqueKeysWithValues: zip(answers, answers.indices))
        let byNumber = Dictionary(uniqueKeysWithValues: answers.enumerated().map { ("\($0)", $1) })
        try JSONSerialization.data(withJSONObject: [byText, byNumber])
            .write(to: URL(fileURLWithPath: folder.file("answers.json")))
    }

    private func annotation(_ id: Int, _ row: Int) -> [String: Any] {
        let answers: [[String: Any]] = (0..<10).map {
            [
                "answer": "answer\((row + $0 / 5) % sizes.answers)", "answer_id": $0 + 1,
                "answer_confidence": "yes",
            ]
        }
        return [
            "question_id": id, "image_id": row + 1, "question_type": "what", "answer_type": "other",
            "multiple_choice_answer": "answer\(row)", "answers": answers,
        ]
    }

    private func write(_ list: [[String: Any]], _ name: String, _ key: String) throws {
        try JSONSerialization.data(withJSONObject: [key: list])
            .write(to: URL(fileURLWithPath: folder.file("vqa/" + name)))
    }

    private func writeFeatures() throws {
        let regions = try tensor("regions").array(of: Float.self)
        let boxes = try tensors["boxes_pixels"]?.array(of: Float.self)
        let pictureSizes = try tensors["image_size"]?.array(of: Int64.self)
        let counts = [10, 1, 3, 9, 5, 0]
        for set in ["train2014", "val2014", "test2015"] {
            let place = folder.file("coco_extract/" + set)
            try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
            for (row, count) in counts.enumerated() {
                let (start, width) = (row * sizes.regions, sizes.width)
                let features = try RegionFeatures(
                    width: width, features: Array(regions[start * width..<(start + count) * width]),
                    boxes: boxes.map { Array($0[start * 4..<(start + count) * 4]) }
                        ?? Array(repeating: 1, count: count * 4),
                    imageHeight: pictureSizes.map { Int($0[row * 2]) } ?? 100,
                    imageWidth: pictureSizes.map { Int($0[row * 2 + 1]) } ?? 100)
                let number = String(format: "%012d", row + 1)
                try features.writeOfficialFile(to: "\(place)/COCO_\(set)_\(number).jpg.npz")
            }
        }
    }
}
