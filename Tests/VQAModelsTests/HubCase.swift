import TestSupport
import Testing
import Torch
import VQABatches
import VQADatasets

@testable import VQAModels

/// A case of the fixtures that transformers made, of one of the models that the hub publishes.
struct HubCase {
    let tensors: [String: Tensor]
    let name: String

    init(_ model: String, _ name: String) throws {
        tensors = try loadSafetensors(Fixtures.url("hub/\(model)_cases.safetensors").path).tensors
        self.name = name
    }

    subscript(_ name: String) -> Tensor {
        get throws { try #require(tensors["\(self.name).\(name)"]) }
    }

    /// The numbers of the questions' pieces, without padding.
    func words() throws -> (Tensor, Segments) {
        let ids = try self["input_ids"]
        let mask = try self["attention_mask"].array(of: Int32.self)
        let (count, width) = (ids.size(0), ids.size(1))
        let kept = try zip(ids.array(of: Int32.self), mask).filter { $1 == 1 }.map { Int64($0.0) }
        let lengths = (0..<count).map { row in
            mask[row * width..<(row + 1) * width].reduce(0) { $0 + Int($1) }
        }
        return (try Tensor(kept), try Segments(lengths: lengths))
    }

    /// The largest difference between rows that were found and a recorded tensor, of which leading ones are dropped.
    func difference(_ found: Tensor, _ name: String) throws -> Double {
        let expected = try self[name].reshaped(found.shape)
        return try (found - expected).absolute().maximum().item()
    }
}

extension HubCase {
    /// The small ViLT, for inference.
    static func viLT() throws -> ViLT {
        var options = ViLTOptions()
        (options.layer, options.hiddenSize, options.ffSize, options.multiHead) = (3, 48, 96, 4)
        (options.imageSize, options.patchSize, options.dropoutR) = (80, 16, 0)
        let model = try ViLT(options, inputs: ModelInputs(wordCount: 213, answerCount: 15))
        try model.load(loadSafetensors(Fixtures.url("hub/vilt/model.safetensors").path).tensors)
        model.setTraining(false)
        return model
    }

    /// The patches of a picture `[1, 3, height, width]`, and their boxes.
    private static func patches(_ pixels: Tensor) throws -> (Tensor, boxes: Tensor) {
        let (rows, columns) = (pixels.size(2) / 16, pixels.size(3) / 16)
        let patches = try pixels.reshaped([3, rows, 16, columns, 16]).permuted([1, 3, 0, 2, 4])
            .reshaped([rows * columns, 3 * 16 * 16])
        var boxes: [Float] = []
        for y in 0..<rows {
            for x in 0..<columns {
                let (left, top) = (Float(x) / Float(columns), Float(y) / Float(rows))
                boxes += [left, top, Float(x + 1) / Float(columns), Float(y + 1) / Float(rows)]
            }
        }
        return (patches, try Tensor(boxes, shape: [rows * columns, 4]))
    }

    /// Questions about pictures of several shapes.
    static func viLTBatch(_ cases: [HubCase]) throws -> Batch {
        let pictures = try cases.map { try patches($0["pixel_values"]) }
        let words = try cases.map { try $0.words() }
        return Batch(
            questionIDs: cases.indices.map { .init(rawValue: Int64($0)) },
            regions: try Tensor.concatenate(pictures.map(\.0)),
            boxes: try Tensor.concatenate(pictures.map(\.boxes)),
            regionSegments: try Segments(lengths: pictures.map { $0.0.size(0) }),
            words: try Tensor.concatenate(words.map(\.0)),
            wordSegments: try Segments(lengths: words.map { $0.1.rowCount }), targets: nil)
    }

    /// The small LXMERT, for inference.
    static func lxmert() throws -> LXMERT {
        var options = LXMERTOptions()
        (options.layer, options.regionLayer, options.crossLayer) = (3, 2, 2)
        (options.hiddenSize, options.ffSize, options.multiHead) = (32, 80, 4)
        (options.maxPositionEmbeddings, options.dropoutR) = (64, 0)
        let model = try LXMERT(
            options, inputs: ModelInputs(wordCount: 213, answerCount: 15, regionWidth: 24))
        try model.load(loadSafetensors(Fixtures.url("hub/lxmert/model.safetensors").path).tensors)
        model.setTraining(false)
        return model
    }

    /// The case's questions about regions.
    func lxmertBatch() throws -> Batch {
        let features = try self["visual_feats"]
        let (count, most) = (features.size(0), features.size(1))
        let mask = try tensors["\(name).visual_attention_mask"]?.array(of: UInt8.self)
        let kept = (0..<count * most).filter { mask?[$0] != 0 }.map(Int64.init)
        let lengths = (0..<count).map { row in kept.filter { Int($0) / most == row }.count }
        let rows = try Tensor(kept)
        let (words, wordSegments) = try words()
        return Batch(
            questionIDs: (0..<count).map { .init(rawValue: Int64($0)) },
            regions: try features.flattened(from: 0, through: 1).gathered(rows),
            boxes: try self["visual_pos"].flattened(from: 0, through: 1).gathered(rows),
            regionSegments: try Segments(lengths: lengths), words: words, wordSegments: wordSegments,
            targets: nil)
    }
}
