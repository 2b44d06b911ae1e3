import TestSupport
import Testing
import Torch
import VQABatches
import VQADatasets
import VQAModels

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
