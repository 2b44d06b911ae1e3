import Foundation
import TestSupport
import Testing
import Torch
import VQADatasets
@testable import VQATraining

/// What a checkpoint holds, and what is refused.
@Suite struct CheckpointTests {
    private func example() throws -> Checkpoint {
        var checkpoint = Checkpoint(weights: [
            "proj.weight": try Tensor([1, -2, 3.5, 0] as [Float], shape: [2, 2]),
            "proj.bias": try Tensor([0.25, 1e-30] as [Float]),
        ])
        checkpoint.settings = ["hidden_size": 64, "lr_decay_list": [], "seed": 9]
        checkpoint.vocabulary = try Vocabulary(words: ["PAD", "UNK", "what", "naïve", "日本"])
        checkpoint.answers = try AnswerList(answers: ["yes", "don't know", "\"quoted\""])
        var training = TrainingState(learningRateBase: 3e-5, seed: .max, threadCount: 2)
        (training.epoch, training.stepInEpoch, training.step) = (3, 11, 56)
        (training.lossSum, training.seconds) = (0.1 + 0.2, 12.75)
        checkpoint.training = training
        checkpoint.featureRecipe = #"{"blocks":[7],"inputSize":64}"#
        for (name, weight) in checkpoint.weights {
            checkpoint.optimizerState[name] = ["mean": try weight * 0.5, "square": try weight * weight]
        }
        checkpoint.stepCount = 56
        checkpoint.generatorState = try TorchRuntime.generatorState()
        return checkpoint
    }

    private func values(_ tensor: Tensor?) throws -> [Float] { try #require(tensor).array(of: Float.self) }

    @Test("pieces of words are written and read back letter by letter, and a list without [CLS] is refused")
    func pieces() throws {
        let folder = try TemporaryFolder()
        var original = try example()
        // Two spellings of a letter, and a token that comes twice.
        let tokens = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "e\u{301}", "\u{E9}", "##s", "##s", "日"]
        let file = URL(fileURLWithPath: try folder.write("vocab.txt", tokens.joined(separator: "\n") + "\n"))
        original.vocabulary = Vocabulary(
            pieces: try WordPiece(vocabulary: file, WordPieceSettings(isLowercasing: false)))
        let path = folder.file("a.safetensors")
        try original.write(to: path)
        let copy = try #require(try Checkpoint(contentsOf: path).vocabulary)
        #expect(copy.pieceList == original.vocabulary?.pieceList && copy.count == tokens.count)
        for question in ["e\u{301}s", "\u{E9}s", "日 x"] {
            #expect(
                copy.encode(question, maximumCount: 9)
                    == original.vocabulary?.encode(question, maximumCount: 9))
        }
        #expect(copy.encode("e\u{301}s", maximumCount: 9) == [2, 5, 8, 3])

        let list = try JSONEncoder().encode(#require(original.vocabulary?.pieceList))
        for (pieces, named) in [
            (String(decoding: list, as: UTF8.self).replacing("[CLS]", with: "[CLX]"), "[CLS]"),
            (#"{"tokens": 3}"#, "its pieces cannot be read"),
        ] {
            try saveSafetensors(
                original.weights, metadata: ["format": "rwsan-checkpoint-1", "pieces": pieces], to: path)
            let error = #expect(throws: CheckpointError.self) { try Checkpoint(contentsOf: path) }
            #expect(try #require(error).description.contains(named))
        }
    }

    @Test("everything that is written is read back")
    func roundTrip() throws {
        let folder = try TemporaryFolder()
        let original = try example()
        try original.write(to: folder.file("a.safetensors"))
        #expect(try folder.names() == ["a.safetensors"])
        let copy = try Checkpoint(contentsOf: folder.file("a.safetensors"))

        #expect(copy.weights.keys.sorted() == ["proj.bias", "proj.weight"])
        #expect(copy.optimizerState.keys.sorted() == ["proj.bias", "proj.weight"])
        for (name, weight) in original.weights {
            #expect(copy.weights[name]?.shape == weight.shape)
            #expect(try values(copy.weights[name]) == values(weight))
            for what in ["mean", "square"] {
                let expected = try values(original.optimizerState[name]?[what])
                #expect(try values(copy.optimizerState[name]?[what]) == expected)
            }
        }
        #expect(copy.settings == original.settings)
        #expect(copy.vocabulary?.words == original.vocabulary?.words)
        #expect(copy.answers?.answers == original.answers?.answers)
        #expect(copy.training == original.training)
        #expect(copy.featureRecipe == original.featureRecipe)
        #expect(copy.stepCount == 56)
        let state = try #require(copy.generatorState).array(of: UInt8.self)
        #expect(try state == #require(original.generatorState).array(of: UInt8.self))
        #expect(try Checkpoint.stepCount(of: folder.file("a.safetensors")) == 56)
    }

    @Test("a checkpoint of nothing but weights has no more than those")
    func weightsAlone() throws {
        let folder = try TemporaryFolder()
        try Checkpoint(weights: ["w": Tensor([1] as [Float])]).write(to: folder.file("a.safetensors"))
        let copy = try Checkpoint(contentsOf: folder.file("a.safetensors"))
        #expect(copy.weights.keys.sorted() == ["w"])
        #expect(copy.settings == nil && copy.vocabulary == nil && copy.answers == nil)
        #expect(copy.training == nil && copy.generatorState == nil && copy.optimizerState.isEmpty)
        #expect(throws: CheckpointError.self) { try Checkpoint.stepCount(of: folder.file("a.safetensors")) }
    }

    @Test("an official checkpoint has its weights, Adam's moments and step, and the base learning rate")
    func official() throws {
        let checkpoint = try Checkpoint(contentsOf: MiniRun.checkpoint(2).path)
        #expect(checkpoint.stepCount == 30)
        #expect(checkpoint.officialLearningRateBase == 0.001)
        #expect(checkpoint.weights["embedding.weight"]?.shape == [74, 300])
        #expect(checkpoint.optimizerState.keys.sorted() == checkpoint.weights.keys.sorted())
        for (name, moments) in checkpoint.optimizerState {
            #expect(moments["mean"]?.shape == checkpoint.weights[name]?.shape)
            #expect(try #require(moments["square"]).isLess(than: 0).not().all().item() == 1)
        }
    }

    @Test("checkpoints are told by their content, whatever their names say")
    func otherNames() throws {
        let folder = try TemporaryFolder()
        let official = folder.file("epoch2.safetensors")
        try FileManager.default.copyItem(atPath: MiniRun.checkpoint(2).path, toPath: official)
        #expect(try Checkpoint(contentsOf: official).stepCount == 30)
        try example().write(to: folder.file("epoch3.pkl"))
        #expect(try Checkpoint(contentsOf: folder.file("epoch3.pkl")).stepCount == 56)
        let page = try folder.write("epoch4.pkl", "<html>404</html>")
        let error = #expect(throws: CheckpointError.self) { try Checkpoint(contentsOf: page) }
        #expect(
            try #require(error).description
                == "\(page): expected a checkpoint, a safetensors file of rwsan or a .pkl of the official release, "
                + "found a page of HTML or XML")
    }

    @Test("a checkpoint that replaces another appears whole")
    func replacing() throws {
        let folder = try TemporaryFolder()
        let file = try folder.write("a.safetensors", "old")
        try example().write(to: file)
        #expect(try Checkpoint(contentsOf: file).stepCount == 56)
        #expect(try folder.names() == ["a.safetensors"])
    }

    @Test("a checkpoint that cannot be written is an error that names it")
    func unwritable() throws {
        let folder = try TemporaryFolder()
        let error = #expect(throws: (any Error).self) {
            try example().write(to: folder.file("nowhere/a.safetensors"))
        }
        #expect("\(try #require(error))".contains("nowhere/a.safetensors"))
    }
}
