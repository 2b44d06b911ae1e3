import Foundation
import TestSupport
import Testing
import Torch
import VQABatches
import VQADatasets
import VQAModels
import VQASettings
@testable import VQATraining

/// A fixture of `Fixtures/zoo/models`: six questions, a checkpoint of an official network, and what that makes of them.
struct ZooCase {
    /// What the official network gave.
    struct Expected: Decodable {
        struct Sizes: Decodable {
            let words: Int
            let answers: Int
            let regions: Int
            let width: Int
            let tokens: Int
        }
        struct Run: Decodable {
            let data_size: Int
            let batch_size: Int
            let epoch: Int
            let optimizer_steps: Int
        }
        struct Step: Decodable {
            let rate: Double
            let loss: Double
            let gradient_norm: Double
        }
        /// Sum, sum of absolute values, and how far they may be off.
        struct Parameter: Decodable {
            let name: String
            let shape: [Int]
            let first_gradient: [Double]
            let after_fresh: [Double]
            let after_resumed: [Double]
        }
        let settings: [String: SettingValue]
        let sizes: Sizes
        let run: Run
        let losses: [String: Double]
        let fresh: [Step]
        let resumed: [Step]
        let parameters: [Parameter]
    }

    let folder: URL
    let tensors: [String: Tensor]
    let expected: Expected
    private(set) var options = MCANOptions()
    private(set) var training = TrainingOptions()

    static let names = ["mcan_vqa_small", "mcan_vqa_large", "mcan_vqa_boxes", "mcan_release"]

    init(_ name: String) throws {
        folder = Fixtures.url("zoo/models/\(name)")
        tensors = try loadSafetensors(folder.appending(component: "batch.safetensors").path).tensors
        expected = try JSONDecoder().decode(
            Expected.self, from: Data(contentsOf: folder.appending(component: "expected.json")))
        if name == "mcan_release" { options.release = MCANOptions.mcanVQA }
        for (key, value) in expected.settings {
            _ = try options.setIfKnown(key, to: value) || training.setIfKnown(key, to: value)
        }
        training.batchSize = expected.run.batch_size
    }

    /// The official checkpoint.
    func checkpoint() throws -> Checkpoint {
        try Checkpoint(contentsOf: folder.appending(component: "checkpoint.pkl").path)
    }

    /// The network with the official weights.
    func model() throws -> MCAN {
        let sizes = expected.sizes
        let model = try MCAN(
            options,
            inputs: ModelInputs(
                wordCount: sizes.words, answerCount: sizes.answers, regionWidth: sizes.width,
                maximumRegions: sizes.regions, maximumWords: sizes.tokens))
        try model.load(checkpoint().weights)
        return model
    }

    func tensor(_ name: String) throws -> Tensor { try #require(tensors[name], "\(name)") }

    /// Some of the questions, packed as our batches are.
    func batch(_ rows: Range<Int> = 0..<6) throws -> Batch {
        let sizes = expected.sizes
        let regions = try tensor("regions").array(of: Float.self)
        let boxes = try tensors["boxes"]?.array(of: Float.self)
        let questions = try tensor("question").array(of: Int64.self)
        var packed: (features: [Float], boxes: [Float], regionLengths: [Int]) = ([], [], [])
        var words: [Int64] = []
        var wordLengths: [Int] = []
        var withoutWords: Set<Int> = []
        for (place, row) in rows.enumerated() {
            var count = 0
            func append(_ features: some Collection<Float>, _ box: some Collection<Float>) {
                packed.features += features
                packed.boxes += box
                count += 1
            }
            for region in row * sizes.regions..<(row + 1) * sizes.regions {
                let features = regions[region * sizes.width..<(region + 1) * sizes.width]
                guard features.contains(where: { $0 != 0 }) else { continue }
                append(features, boxes.map { Array($0[region * 4..<region * 4 + 4]) } ?? [0, 0, 0, 0])
            }
            if count == 0 {
                append(repeatElement(0, count: sizes.width), repeatElement(0, count: 4))
            }
            packed.regionLengths.append(count)
            let question = questions[row * sizes.tokens..<(row + 1) * sizes.tokens]
            let own = question.filter { $0 != 0 }
            if own.isEmpty { withoutWords.insert(place) }
            words += own.isEmpty ? Array(question) : own
            wordLengths.append(own.isEmpty ? question.count : own.count)
        }
        let count = packed.boxes.count / 4
        return Batch(
            questionIDs: rows.map { QuestionID(rawValue: Int64($0)) },
            regions: try Tensor(packed.features, shape: [count, sizes.width]),
            boxes: try Tensor(packed.boxes, shape: [count, 4]),
            regionSegments: try Segments(lengths: packed.regionLengths), words: try Tensor(words),
            wordSegments: try Segments(lengths: wordLengths, masked: withoutWords),
            targets: try tensor("targets_bce").narrowed(axis: 0, start: rows.lowerBound, length: rows.count))
    }
}
