import Foundation
import TestSupport
import Testing
import Torch
import VQABatches
import VQAModels
import VQASettings
import VQATraining
import VisualQuestionAnswering

/// Models of several kinds on their way to a folder as the Hugging Face hub has them, and back.
@Suite struct ExportedModelTests {
    private func bytes(_ file: String) throws -> [UInt8] {
        try [UInt8](Data(contentsOf: URL(fileURLWithPath: file)))
    }

    @Test(
        "MCAN in each of its forms, out of an official checkpoint, gives the same logits to the bit",
        arguments: OfficialMCANTests.cases)
    func mcan(name: String, preset: String) throws {
        let zoo = try ZooDataset(name)
        let (folder, before, after) = (
            zoo.folder.file("exported"), zoo.folder.file("before"), zoo.folder.file("after")
        )
        let official = try Answerer(checkpoint: zoo.checkpoint, zoo.options(preset))
        _ = try official.predict(split: "test-dev", savingLogitsTo: before)
        let summary = try ModelExport(to: folder).write(official)
        #expect(summary.architecture == "MCAN" && summary.accuracy == nil)
        #expect(summary.words == zoo.sizes.words && summary.answers == zoo.sizes.answers)

        var options = Answerer.Options()
        options.device = .cpu
        options.place = .folder(zoo.folder.path)
        let exported = try Answerer(publishedModel: folder, options)
        #expect(exported.configuration == official.configuration)
        #expect(exported.vocabulary.words == official.vocabulary.words)
        _ = try exported.predict(split: "test-dev", savingLogitsTo: after)
        #expect(try bytes(after) == bytes(before))
        // The checkpoint says nothing of how it was trained, so neither does the page.
        let card = try String(contentsOfFile: folder + "/README.md", encoding: .utf8)
        #expect(card.contains("None is claimed") && !card.contains("batch_size"))
    }

    /// A checkpoint of a small model of somebody's own.
    private func ownCheckpoint(_ models: ModelRegistry, _ folder: TemporaryFolder, model: String) throws
        -> String
    {
        var configuration = try Configuration(models: models, datasets: .standard)
        try configuration.set("model", to: .string(model))
        let network = try configuration.model.make(configuration.inputs(words: 3, answers: 2))
        var checkpoint = Checkpoint(weights: try network.state())
        checkpoint.settings = configuration.dictionary
        checkpoint.vocabulary = try Vocabulary(words: ["PAD", "UNK", "what"])
        checkpoint.answers = try AnswerList(answers: ["yes", "no \u{e9}\"\n"])
        try checkpoint.write(to: folder.file("own.safetensors"))
        return folder.file("own.safetensors")
    }

    @Test("a model of somebody's own is written and read with the registry that has it")
    func ownModel() throws {
        let models = ModelRegistry([RWSAN.self, PlainModel.self])
        let folder = try TemporaryFolder()
        var options = Answerer.Options()
        (options.models, options.device) = (models, .cpu)
        let path = try ownCheckpoint(models, folder, model: "plain")
        let answerer = try Answerer(checkpoint: path, options)
        #expect(try ModelExport(to: folder.file("exported")).write(answerer).architecture == "PlainModel")
        let exported = try Answerer(publishedModel: folder.file("exported"), options)
        #expect(exported.model is PlainModel)
        #expect(exported.answers.answers == ["yes", "no \u{e9}\"\n"])
        let (found, expected) = (try exported.model.state(), try answerer.model.state())
        #expect(found.keys.sorted() == ["count", "output.bias", "output.weight"])
        for (name, tensor) in expected {
            #expect(try #require(found[name]).dtype == tensor.dtype)
            #expect(try (found[name].map { try ($0 - tensor).absolute().maximum().item() } ?? 1) == 0)
        }

        options.models = .standard
        let error = #expect(throws: PublishedModelError.self) {
            try Answerer(publishedModel: folder.file("exported"), options)
        }
        for name in ["config.json", "RWSAN", "MCAN", "'PlainModel'"] {
            #expect(try #require(error).description.contains(name))
        }
    }

    @Test("a model whose setting has a name that the form needs itself is refused, and nothing is left")
    func reservedKey() throws {
        let models = ModelRegistry([ClashingModel.self])
        let folder = try TemporaryFolder()
        var options = Answerer.Options()
        (options.models, options.device) = (models, .cpu)
        let answerer = try Answerer(
            checkpoint: ownCheckpoint(models, folder, model: "clashing"), options)
        let error = #expect(throws: ModelExportError.self) {
            try ModelExport(to: folder.file("exported")).write(answerer)
        }
        #expect(try #require(error).description.contains("id2label"))
        #expect(try folder.names() == ["own.safetensors"])
    }
}

/// The least of a model: a layer, and a buffer that is no float.
private final class PlainModel: Module, VQAModel {
    struct Options: SettingsGroup {
        var scale = 0.1
        static let settings: [Setting<Self>] = [.number("plain_scale", \.scale, in: 0..<2, "A scale.")]
    }

    static let presets = [ModelPreset("plain", "A model of a test.", settings: ["plain_scale": 0.25])]

    let output: Linear
    @Buffer var count: Tensor

    init(_ options: Options, inputs: ModelInputs) throws {
        output = try Linear(4, inputs.answerCount)
        count = try Tensor([Int64(7)], shape: [1])
    }

    func callAsFunction(_ batch: Batch) throws -> Tensor {
        try output(Tensor.ones([batch.count, 4]))
    }
}

private final class ClashingModel: Module, VQAModel {
    struct Options: SettingsGroup {
        var labels = 3
        static let settings: [Setting<Self>] = [.count("id2label", \.labels, "A number.")]
    }

    static let presets = [ModelPreset("clashing", "A model of a test.")]

    let output: Linear

    init(_ options: Options, inputs: ModelInputs) throws { output = try Linear(4, inputs.answerCount) }

    func callAsFunction(_ batch: Batch) throws -> Tensor { try output(Tensor.ones([batch.count, 4])) }
}
