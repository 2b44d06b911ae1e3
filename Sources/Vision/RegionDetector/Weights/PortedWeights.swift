import Torch

/// Weights as the ports by airsplay and Hugging Face have them, brought into the form of the original.
///
/// The ports have background last, one channel for an anchor's objectness, and anchors in another order. Source: the
/// LXMERT example of huggingface/transformers, and airsplay/py-bottom-up-attention.
struct PortedWeights {
    private typealias Problem = DetectorWeightsError.Problem
    private typealias Names = DetectorTensorNames

    /// The weights under their final names; tensors that the file lacks are still missing.
    private(set) var state: [String: Tensor]

    /// - Parameters:
    ///   - state: The weights under the port's names.
    ///   - order: Where the file has the channels of each anchor.
    /// - Throws: `DetectorWeightsError.Problem` where a tensor is not of the port's shape or name; `TorchError`.
    init(_ state: [String: Tensor], _ order: AnchorOrder) throws {
        self.state = state
        for (layer, ported) in Names.ported { try rename(ported, to: layer) }
        for layer in [Names.classScores, Names.attributeScores, Names.classEmbedding] {
            try change(layer, Self.withBackgroundFirst)
        }
        try change(Names.objectness) { tensor, name in
            let logits = try Self.rows(order.places, of: tensor, name, count: order.places.count)
            // Object minus background: the same probabilities as against a background of 0.
            return try Tensor.concatenate([logits * 0, logits])
        }
        try change(Names.deltas) { tensor, name in
            let rows = order.places.flatMap { place in (0..<4).map { 4 * place + $0 } }
            return try Self.rows(rows, of: tensor, name, count: rows.count)
        }
    }

    private mutating func rename(_ old: String, to new: String) throws {
        let taken = Names.biased(new).filter { state[$0] != nil }
        guard taken.isEmpty else { throw Problem.unknown(names: taken) }
        for part in ["weight", "bias"] {
            state["\(new).\(part)"] = state.removeValue(forKey: "\(old).\(part)")
        }
    }

    /// Changes weight and bias of a layer, where they are there.
    private mutating func change(_ layer: String, _ change: (Tensor, String) throws -> Tensor) throws {
        for name in Names.biased(layer) {
            if let tensor = state[name] { state[name] = try change(tensor, name) }
        }
    }

    private static func withBackgroundFirst(_ tensor: Tensor, _ name: String) throws -> Tensor {
        let count = tensor.shape.first ?? 0
        guard count > 1 else {
            throw Problem.impossibleSize(
                what: "rows of \(name)", expected: 2...DetectorShape.mostChannels, found: count)
        }
        return try Tensor.concatenate([
            tensor.narrowed(axis: 0, start: count - 1, length: 1),
            tensor.narrowed(axis: 0, start: 0, length: count - 1),
        ])
    }

    /// Rows of a tensor that has `count` of them.
    private static func rows(_ rows: [Int], of tensor: Tensor, _ name: String, count: Int) throws -> Tensor {
        guard tensor.shape.first == count else {
            throw Problem.wrongShape(
                name: name, expected: [count] + tensor.shape.dropFirst(), found: tensor.shape)
        }
        return try tensor.gathered(Tensor(rows.map(Int64.init), shape: [rows.count]))
    }
}
