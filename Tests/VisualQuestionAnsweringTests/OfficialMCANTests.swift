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
