import Foundation
import TestSupport
import Testing
import Torch
import VQAFeatures
import VQASettings
import VisualQuestionAnswering

/// The questions of a fixture of `Fixtures/zoo/models`, as a dataset in VQA-v2's form.
struct ZooDataset {
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
