import Foundation
import TestSupport
import Testing
import Torch
import VQABatches
import VQADatasets
import VQAFeatures

/// What the model makes of batches in the forms that a GPU is given: filled up, and of resident regions.
@Suite struct FilledBatchTests {
    private static let texts = [
        "What is on the table?", "?!", "Is this a cat", "How many people are in the picture of the street?",
        "why",
        "...",
    ]

    /// Questions about pictures of the val split, two of them without a word.
    private func builder(_ mini: MiniDataset, _ source: (any FeatureSource)? = nil) throws -> BatchBuilder {
        let images = Array(
            Set(
                try mini.dataset.examples(.val, vocabulary: mini.vocabulary, maximumWords: 16).imageIDs
            ).sorted().prefix(Self.texts.count))
        let table = try QuestionTable(
            zip(images, Self.texts).enumerated().map {
                Question(id: QuestionID(rawValue: Int64($0)), imageID: $1.0, text: $1.1)
            })
        let configuration = mini.data
        return try BatchBuilder(
            examples: Examples(
                questions: table, vocabulary: mini.vocabulary, maximumWords: configuration.maxToken),
            features: source ?? mini.dataset.features([.val], maximumRegions: configuration.imgFeatPadSize),
            answerCount: mini.answers.count, featureWidth: configuration.imgFeatSize,
            maximumRegions: configuration.imgFeatPadSize, maximumWords: configuration.maxToken)
    }

    private func shapes(_ mini: MiniDataset, questions: Int) throws -> BatchShapes {
        try BatchShapes(
            questions: questions, maximumRegions: mini.data.imgFeatPadSize,
            maximumWords: mini.data.maxToken)
    }

    private func expectClose(_ found: Tensor, _ expected: Tensor, _ name: String) throws {
        #expect(found.shape == expected.shape, "\(name)")
        let difference = try (found - expected).absolute().maximum().item()
        #expect(difference < 1e-5, "\(name): \(difference)")
    }

    @Test(
        "fillers change neither logits nor gradients, also beside questions without words", arguments: [6, 9])
    func fillers(questions: Int) throws {
        let mini = try MiniDataset()
        TorchRuntime.seed(5)
        let model = try mini.model()
        model.setTraining(false)
        var builder = try builder(mini)
        let count = builder.count
        #expect(count == 6)
        let targets = try Tensor.uniform([count, mini.answers.count])
        func run() throws -> (logits: Tensor, gradients: [(name: String, tensor: Tensor)], batch: Batch) {
            try model.dropGradients()
            let batch = try builder.batch(rows: 0..<count)
            let logits = try model(batch).narrowed(axis: 0, start: 0, length: batch.count)
            try Loss.binaryCrossEntropy(logits: logits, targets: targets).backward()
            let gradients = try model.namedParameters().map {
                ($0.name, try #require($0.tensor.gradient).cloned())
            }
            return (try logits.detached(), gradients, batch)
        }
        let plain = try run()
        builder.shapes = try shapes(mini, questions: questions)
        let filled = try run()
        #expect(plain.batch.fillerCount == 0)
        #expect(filled.batch.fillerCount >= questions - count + 3)
        #expect(filled.batch.wordSegments.masked != nil)
        try expectClose(filled.logits, plain.logits, "logits")
        for (found, expected) in zip(filled.gradients, plain.gradients) {
            try expectClose(found.tensor, expected.tensor, found.name)
        }
    }

    @Test("the logits of resident regions are those of a store of half precision, to the bit")
    func resident() throws {
        let mini = try MiniDataset()
        let folder = try TemporaryFolder()
        let store = folder.file("store")
        _ = try FeaturePacker().pack(
            [MiniRun.datasets.appending(component: "coco_extract/val2014").path], into: store)
        TorchRuntime.seed(6)
        let model = try mini.model()
        model.setTraining(false)
        var streamed = try builder(mini, FeatureStore(store))
        let regions = try #require(try ResidentRegions.Plan([streamed]).load(on: .cpu))
        for shapes in [nil, try shapes(mini, questions: streamed.count)] {
            streamed.shapes = shapes
            let resident = try streamed.using(regions)
            let logits = try [streamed, resident].map { builder in
                try withoutGradients {
                    try model(builder.batch(rows: 0..<builder.count).moved(to: .cpu))
                }
            }
            #expect(logits[0].size(0) == streamed.count + (shapes?.fillerCount ?? 0))
            #expect(try logits[0].array(of: Float.self) == logits[1].array(of: Float.self))
        }
    }
}
