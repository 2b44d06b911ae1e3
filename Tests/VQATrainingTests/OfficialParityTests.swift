import Foundation
import TestSupport
import Testing
import Torch
import VQADatasets
import VQATraining

/// Our numbers against those of the official release, on the same weights and data.
@Suite(.serialized) struct OfficialParityTests {
    @Test("test questions get the official logits and answers", arguments: [2, 5])
    func predictions(epoch: Int) throws {
        let mini = try MiniDataset()
        let model = try mini.model()
        try model.load(Checkpoint(contentsOf: MiniRun.checkpoint(epoch).path).weights)
        var parts: [Tensor] = []
        let found = try Predictor(model, device: .cpu, mini.training)
            .answer(mini.questions(.test), onLogits: { parts.append($0) })

        let (tensors, _) = try loadSafetensors(
            MiniRun.expected("test_predictions_epoch\(epoch).safetensors").path)
        let ids = try #require(tensors["question_id"]).array(of: Int64.self)
        let logits = try #require(tensors["logits"])
        #expect(found.questionIDs.map(\.rawValue) == ids)
        let difference = try (Tensor.concatenate(parts) - logits).absolute().maximum().item()
        #expect(difference < 1e-4)

        let answers = try ResultFile.read(MiniRun.expected("test_result_epoch\(epoch).json"))
        #expect(found.predictions(mini.answers) == answers)
    }

    @Test("val questions get the official answers and accuracy after epoch 2")
    func validation() throws {
        let mini = try MiniDataset()
        let model = try mini.model()
        try model.load(Checkpoint(contentsOf: MiniRun.checkpoint(2).path).weights)
        let found = try Predictor(model, device: .cpu, mini.training).answer(mini.questions(.val))
            .predictions(mini.answers)
        let answers = try ResultFile.read(MiniRun.expected("val_result_epoch2.json"))
        #expect(
            found.sorted { $0.questionID < $1.questionID }
                == answers.sorted { $0.questionID < $1.questionID })
        let report = try AccuracyMetric(mini.dataset.annotations(.val)).evaluate(found)
        #expect(report.overall == 26.25)
    }

    @Test(
        "where a step's questions are learned from in parts, as many parts of half of them are answered one after the other"
    )
    func parts() throws {
        let mini = try MiniDataset()
        let model = try mini.model()
        try model.load(Checkpoint(contentsOf: MiniRun.checkpoint(2).path).weights)
        func answer(_ parts: Int) throws -> (answers: Predictor.Answers, logits: [Tensor]) {
            var options = mini.training
            options.gradAccuSteps = parts
            var logits: [Tensor] = []
            let answers = try Predictor(model, device: .cpu, options)
                .answer(mini.questions(.test), onLogits: { logits.append($0) })
            return (answers, logits)
        }
        let (whole, parted) = (try answer(1), try answer(4))
        #expect(parted.logits[0].size(0) == mini.training.batchSize / 8)
        #expect(parted.answers.questionIDs == whole.answers.questionIDs)
        let difference = try (Tensor.concatenate(parted.logits) - Tensor.concatenate(whole.logits)).absolute()
        #expect(try difference.maximum().item() < 1e-5)
    }

    @Test("going on from epoch 2 gives the official losses, rates and accuracies of epochs 3 to 5")
    func continuation() throws {
        let folder = try TemporaryFolder()
        let mini = try MiniDataset()
        let trainer = try Trainer(mini.setup(in: folder.url), seed: 0)
        try trainer.resume(from: Checkpoint(contentsOf: MiniRun.checkpoint(2).path))
        #expect(trainer.state.epoch == 2)
        _ = try trainer.run()
        let official = try MiniRun.epochs().filter { $0.epoch > 2 }
        #expect(trainer.records.map(\.epoch) == [3, 4, 5])
        for (found, expected) in zip(trainer.records, official) {
            #expect(abs(found.loss / expected.loss - 1) < 1e-3)
            #expect(found.lr == expected.lr)
            #expect(abs(try #require(found.overall) - expected.overall) <= 0.5)
            for (type, accuracy) in expected.perAnswerType {
                #expect(abs(try #require(found.perAnswerType?[type]) - accuracy) <= 0.5, "\(type)")
            }
        }
    }

    @Test("the whole run from the official weights before it cannot be told apart from epoch 1 on")
    func fromEpochOne() throws {
        let folder = try TemporaryFolder()
        let mini = try MiniDataset()
        let trainer = try Trainer(mini.setup(in: folder.url), seed: 0)
        try trainer.resume(from: Checkpoint(contentsOf: MiniRun.checkpoint(1).path))
        _ = try trainer.run()
        #expect(trainer.records.map(\.epoch) == [2, 3, 4, 5])
        #expect(abs(trainer.records[0].loss / 6.1070457 - 1) < 1e-3)
        #expect(trainer.records[0].lr == 0.0005)
    }
}
