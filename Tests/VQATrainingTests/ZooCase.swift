import Foundation
import TestSupport
import Testing
import Torch
import VQABatches
import VQADatasets
import VQAModels
import VQASettings
import VQATraining

/// A small model of openvqa or mcan-vqa: its checkpoint, a batch, and what the official code makes of them.
struct ZooCase: CustomTestStringConvertible {
    let name: String
    var testDescription: String { name }

    static let mcan = ["mcan_vqa_small", "mcan_vqa_large", "mcan_vqa_boxes", "mcan_release"].map(
        ZooCase.init(name:))

    /// One step of training.
    struct Step: Decodable {
        let rate: Double
        let loss: Double
        let gradient_norm: Double
    }

    /// Of a parameter: the sum of its values, that of their magnitudes, and how far off these may be.
    struct Parameter: Decodable {
        let name: String
        let after_fresh: [Double]
        let after_resumed: [Double]
    }

    struct Sizes: Decodable {
        let words: Int
        let answers: Int
        let width: Int
        let tokens: Int
    }

    struct Expected: Decodable {
        let settings: [String: SettingValue]
        let sizes: Sizes
        let losses: [String: Double]
        let fresh: [Step]
        let resumed: [Step]
        let parameters: [Parameter]
        let release: String?
    }

    func url(_ file: String) -> URL { Fixtures.url("zoo/\(name)/\(file)") }

    func expected() throws -> Expected {
        try JSONDecoder().decode(Expected.self, from: Data(contentsOf: url("expected.json")))
    }

    func tensors() throws -> [String: Tensor] { try loadSafetensors(url("batch.safetensors").path).0 }

    func checkpoint() throws -> Checkpoint { try Checkpoint(contentsOf: url("checkpoint.pkl").path) }

    /// In how many parts a step's questions go through the model.
    func parts() throws -> Int {
        guard case .int(let parts)? = try expected().settings["grad_accu_steps"] else { return 1 }
        return parts
    }

    /// The network, with the checkpoint's weights.
    func model() throws -> MCAN {
        let expected = try expected()
        var options = MCANOptions()
        for (key, value) in expected.settings { _ = try options.setIfKnown(key, to: value) }
        if let release = expected.release { try options.set("release", to: .string(release)) }
        let sizes = expected.sizes
        let model = try MCAN(
            options,
            inputs: ModelInputs(
                wordCount: sizes.words, answerCount: sizes.answers, regionWidth: sizes.width,
                maximumWords: sizes.tokens))
        try model.load(checkpoint().weights)
        return model
    }

    /// Some of the questions, packed as our batches are out of the official code's padded form.
    func batch(_ questions: Range<Int>) throws -> Batch {
        let tensors = try tensors()
        let regions = try #require(tensors["regions"])
        let (count, width) = (regions.size(1), regions.size(2))
        let values = try regions.array(of: Float.self)
        let boxes = try tensors["boxes"]?.array(of: Float.self)
        let boxWidth = tensors["boxes"]?.size(2) ?? 0
        var (rows, corners, lengths): ([Float], [Float], [Int]) = ([], [], [])
        for question in questions {
            let places = (0..<count).map { question * count + $0 }
            let kept = places.filter { values[$0 * width..<($0 + 1) * width].contains { $0 != 0 } }
            rows += kept.flatMap { values[$0 * width..<($0 + 1) * width] }
            corners += kept.flatMap { place in
                boxes.map { Array($0[place * boxWidth..<place * boxWidth + 4]) } ?? [0, 0, 0, 0]
            }
            if kept.isEmpty {
                rows += [Float](repeating: 0, count: width)
                corners += [0, 0, 0, 0]
            }
            lengths.append(max(1, kept.count))
        }
        let padded = try #require(tensors["question"])
        let numbers = try padded.array(of: Int64.self)
        var (words, wordLengths, masked): ([Int64], [Int], Set<Int>) = ([], [], [])
        for (index, question) in questions.enumerated() {
            let all = Array(numbers[question * padded.size(1)..<(question + 1) * padded.size(1)])
            let kept = all.filter { $0 != 0 }
            if kept.isEmpty { masked.insert(index) }
            words += kept.isEmpty ? all : kept
            wordLengths.append(kept.isEmpty ? all.count : kept.count)
        }
        return Batch(
            questionIDs: questions.map { QuestionID(rawValue: Int64($0)) },
            regions: try Tensor(rows, shape: [lengths.reduce(0, +), width]),
            boxes: try Tensor(corners, shape: [lengths.reduce(0, +), 4]),
            regionSegments: try Segments(lengths: lengths), words: try Tensor(words),
            wordSegments: try Segments(lengths: wordLengths, masked: masked),
            targets: try #require(tensors["targets_bce"]).narrowed(
                axis: 0, start: questions.lowerBound, length: questions.count))
    }
}
