import TestSupport
import Testing
import Torch
import VQABatches
import VQADatasets

@testable import VQAModels

/// What models attended to, against what PyTorch's and transformers' own gave on the same weights and inputs
/// (`Fixtures/attention/generate.py`).
@Suite struct AttentionTests {
    /// The weights that were recorded.
    private static let recorded = Result {
        try loadSafetensors(Fixtures.url("attention/attention.safetensors").path).tensors
    }

    private func recorded(_ name: String) throws -> Tensor {
        try #require(try Self.recorded.get()[name], "\(name)")
    }

    /// Every choice that was recorded of a model.
    private func choices(_ name: String) throws -> [(String, AttentionChoice)] {
        try Self.recorded.get().keys.filter { $0.hasPrefix(name + ".") && $0.hasSuffix(".words") }.sorted()
            .map {
                let key = String($0.dropFirst(name.count + 1).dropLast(".words".count))
                let numbers = key.split { !$0.isNumber }.compactMap { Int($0) }
                guard let layer = numbers.first else { return (key, .output) }
                return (key, .layer(layer, head: numbers.count > 1 ? numbers[1] : nil))
            }
    }

    /// The weights of an official checkpoint.
    private func weights(_ path: String) throws -> [String: Tensor] {
        let parameters = try #require(
            loadTorchSave(Fixtures.url(path).path)["state_dict"]?.dictionary?.tensors)
        return try Dictionary(uniqueKeysWithValues: parameters.map { ($0.name, try $0.tensor.tensor()) })
    }

    /// Holds the weights of all choices against the recorded ones, and the logits against those without attention.
    ///
    /// - Parameter questions: The questions whose numbers are compared; the others are told by the weights' sums alone.
    private func compare(
        _ model: some VQAModel, _ name: String, _ batch: Batch, questions: [Int]
    ) throws {
        try withoutGradients {
            let logits = try model(batch)
            let choices = try choices(name)
            #expect(choices.count > 5)
            for (key, choice) in choices {
                let found = try #require(try model.attention(batch, choice), "\(key)")
                #expect(try (found.logits - logits).absolute().maximum().item() < 1e-5)
                for (part, weights, segments) in [
                    ("words", found.words, batch.wordSegments),
                    ("regions", found.regions, batch.regionSegments),
                ] {
                    #expect(weights.shape == [segments.rowCount] && weights.dtype == .float32)
                    let padded = try weights.padded(segments)
                    for sum in try padded.sum(axes: [1]).array(of: Float.self) {
                        #expect(abs(sum - 1) < 1e-5)
                    }
                    let expected = try recorded("\(name).\(key).\(part)")
                    let width = min(expected.size(1), padded.size(1))
                    let difference = try
                        (padded.narrowed(axis: 1, start: 0, length: width)
                        - expected.narrowed(axis: 1, start: 0, length: width)).absolute()
                    for question in questions {
                        #expect(
                            try difference[.position(question)].maximum().item() < 1e-5,
                            "\(key) \(part) \(question)")
                    }
                }
            }
        }
    }

    /// Padded rows of numbers as a batch.
    private func batch(
        image: Tensor, question: Tensor, regionCounts: [Int], wordCounts: [Int], boxes: Tensor? = nil
    ) throws -> Batch {
        // A question without a word is rows of padding, all masked; an image without a region is one row of zeros.
        let regions = try Segments(lengths: regionCounts, maximumLength: image.size(1))
        let words = try Segments(
            lengths: wordCounts.map { $0 == 0 ? question.size(1) : $0 },
            masked: Set(wordCounts.indices.filter { wordCounts[$0] == 0 }), maximumLength: question.size(1))
        return Batch(
            questionIDs: regionCounts.indices.map { .init(rawValue: Int64($0)) },
            regions: try image.packed(regions),
            boxes: try boxes?.packed(regions) ?? Tensor.zeros([regions.rowCount, 4]),
            regionSegments: regions, words: try question.converted(to: .int64).packed(words),
            wordSegments: words,
            targets: nil)
    }

    @Test("RWSAN's poolings and guided attention are those of PyTorch, whatever stands beside a question")
    func rwsan() throws {
        var options = RWSANOptions()
        (options.hiddenSize, options.multiHead, options.srwsaLayer, options.sgrwsaLayer) = (32, 4, 2, 2)
        (options.srwsaMidsize, options.sgrwsaSaMidsize, options.sgrwsaGaMidsize) = (4, 8, 16)
        (options.flatMlpSize, options.flatOutSize) = (16, 64)
        let image = try recorded("rwsan.image")
        let question = try recorded("rwsan.question")
        let logits = try recorded("rwsan.logits")
        let weights = try weights("mini/ckpts/epoch2.pkl")
        let wordCount = try #require(weights["embedding.weight"]).size(0)
        let model = try RWSAN(
            options, inputs: ModelInputs(wordCount: wordCount, answerCount: logits.size(1), regionWidth: 24))
        try model.load(weights)
        model.setTraining(false)
        let batch = try batch(
            image: image, question: question, regionCounts: [7, 3, 1], wordCounts: [4, 5, 1])
        try compare(model, "rwsan", batch, questions: [0, 1, 2])
        #expect(try (withoutGradients { try model(batch) } - logits).absolute().maximum().item() < 1e-4)
        // Two layers apply the unit three times each, with four heads.
        #expect(try choices("rwsan").count == 1 + 6 * 5)
    }

    @Test("MCAN's poolings of several glimpses and its units' guided attention are those of PyTorch")
    func mcan() throws {
        let fixture = try loadSafetensors(
            Fixtures.url("zoo/models/mcan_vqa_boxes/batch.safetensors").path
        ).tensors
        var options = MCANOptions()
        (options.layer, options.hiddenSize, options.ffSize, options.multiHead) = (1, 16, 24, 4)
        (options.flatMlpSize, options.flatGlimpses, options.flatOutSize) = (12, 2, 20)
        (options.useBboxFeat, options.bboxfeatEmbSize, options.wordEmbedSize) = (true, 10, 12)
        let model = try MCAN(options, inputs: ModelInputs(wordCount: 23, answerCount: 17, regionWidth: 20))
        try model.load(weights("zoo/models/mcan_vqa_boxes/checkpoint.pkl"))
        model.setTraining(false)
        let image = try #require(fixture["regions"])
        let question = try #require(fixture["question"])
        let words = try (0..<6).map { row in
            try question[.position(row)].array(of: Int64.self).filter { $0 != 0 }.count
        }
        #expect(words.contains(0))
        let batch = try batch(
            image: image, question: question, regionCounts: [10, 1, 3, 9, 5, 1], wordCounts: words,
            boxes: fixture["boxes"])
        // The fifth image has a region of zeros among others, and the last one, padded, nothing but such: a batch leaves
        // them out.
        try compare(model, "mcan", batch, questions: [0, 1, 2, 3])
    }

    @Test("what ViLT's first row attends to is what transformers says", arguments: ["single", "single_b"])
    func vilt(name: String) throws {
        let hub = try HubCase("vilt", name)
        try compare(ViLTTests.model(), "vilt.\(name)", ViLTTests.batch([hub]), questions: [0])
    }

    @Test("what LXMERT's first row attends to is what transformers says", arguments: ["single", "few"])
    func lxmert(name: String) throws {
        let hub = try HubCase("lxmert", name)
        try compare(LXMERTTests.model(), "lxmert.\(name)", LXMERTTests.batch(hub), questions: [0])
    }

    @Test("a layer or a head that is not there is told, with how many there are")
    func outOfRange() throws {
        let (model, batch) = (try ViLTTests.model(), try ViLTTests.batch([HubCase("vilt", "single")]))
        for (choice, text) in [
            (AttentionChoice.layer(4), "ViLT attends in 3 layers: expected a layer from 1 to 3, found 4"),
            (.layer(0), "ViLT attends in 3 layers: expected a layer from 1 to 3, found 0"),
            (.layer(.min, head: 1), "a layer from 1 to 3, found -9223372036854775808"),
            (.layer(2, head: 5), "ViLT attends in 4 heads: expected a head from 1 to 4, found 5"),
            (.layer(2, head: 0), "a head from 1 to 4, found 0"),
        ] {
            let error = #expect(throws: AttentionChoiceError.self) { try model.attention(batch, choice) }
            #expect(try #require(error).description.contains(text))
        }
    }

    @Test("an image without patches is one that ViLT sees at the first place of the grid")
    func noPatches() throws {
        let boxes = try Tensor.zeros([1, 4])
        let model = try ViLTTests.model()
        let rows = try model.patches.gridPositions(boxes)
        let first = try model.patches.positions.droppingAxis(0).narrowed(axis: 0, start: 1, length: 1)
        #expect(try (rows - first).absolute().maximum().item() < 1e-6)
    }
}
