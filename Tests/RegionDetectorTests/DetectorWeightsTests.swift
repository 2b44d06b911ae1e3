import TestSupport
import Testing
import Torch

@testable import RegionDetector

/// Every published form of the weights, as one network.
@Suite struct DetectorWeightsTests {
    @Test(
        "every published form gives the weights of bottom-up-attention.pytorch",
        arguments: zip(
            WeightFiles.names, [.milvlg, .huggingFace, .airsplay, .caffe] as [DetectorWeights.Format]))
    func forms(file: String, format: DetectorWeights.Format) throws {
        let weights = try Detectors.weights(file)
        #expect(weights.format == format)
        try expectSame(weights, as: Detectors.weights())
    }

    @Test("the weights are what the network needs, and nothing else")
    func contents() throws {
        let weights = try Detectors.weights()
        #expect(weights.state.mapValues(\.shape) == weights.shape.tensors)
        for (name, tensor) in weights.state {
            #expect(tensor.dtype == .float32 && tensor.isContiguous && tensor.device == .cpu, "\(name)")
        }
        #expect(!weights.state.keys.contains { $0.contains("bbox_pred") || $0.contains("anchors") })
        #expect(!weights.state.keys.contains { $0.contains("num_batches_tracked") })
    }

    @Test("the network's sizes are read off its weights", arguments: WeightFiles.names)
    func shape(file: String) throws {
        let shape = try Detectors.weights(file).shape
        #expect(shape.blocks == [3, 4, 6, 3])
        #expect([shape.stem, shape.width, shape.res2, shape.rpn, shape.features] == [8, 4, 16, 32, 128])
        #expect([shape.classes, shape.embed, shape.attributeHidden, shape.attributes] == [41, 16, 32, 17])
        #expect(shape.hasAttributes)
    }

    @Test("the fingerprint tells weights from others")
    func fingerprint() throws {
        let weights = try Detectors.weights()
        #expect(weights.fingerprint.count == 16)
        #expect(try Detectors.weights().fingerprint == weights.fingerprint)
        var state = weights.state
        state["backbone.stem.conv1.norm.bias"] = try Tensor.zeros([8])
        #expect(try DetectorWeights(state, format: .milvlg).fingerprint != weights.fingerprint)
    }

    @Test("weights in safetensors are read, in either port's names")
    func safetensors() throws {
        let folder = try TemporaryFolder()
        let expected = try Detectors.weights()
        try saveSafetensors(expected.state, to: folder.file("own"), durably: false)
        try saveSafetensors(WeightFiles.portedTensors(), to: folder.file("ported"), durably: false)
        for (name, format) in [("own", DetectorWeights.Format.milvlg), ("ported", .huggingFace)] {
            let weights = try DetectorWeights(contentsOf: folder.file(name))
            #expect(weights.format == format)
            try expectSame(weights, as: expected)
        }
    }

    @Test("a port's file without anchors has them with the scale slowest")
    func withoutAnchors() throws {
        var tensors = try WeightFiles.portedTensors()
        tensors[DetectorTensorNames.anchors] = nil
        try expectSame(read(tensors), as: Detectors.weights())
    }

    @Test("a port's anchors may be in any order, and their channels follow")
    func otherOrder() throws {
        var tensors = try WeightFiles.portedTensors()
        let order: [Int64] = [7, 3, 11, 0, 5, 1, 10, 2, 9, 4, 8, 6]
        let head = "proposal_generator.rpn_head."
        for (name, rows) in [
            (DetectorTensorNames.anchors, 1), (head + "objectness_logits.weight", 1),
            (head + "objectness_logits.bias", 1), (head + "anchor_deltas.weight", 4),
            (head + "anchor_deltas.bias", 4),
        ] {
            let places = order.flatMap { place in (0..<Int64(rows)).map { place * Int64(rows) + $0 } }
            tensors[name] = try tensors[name]?.gathered(Tensor(places))
        }
        try expectSame(read(tensors), as: Detectors.weights())
    }

    @Test("anchors are matched as the original has them")
    func anchorOrder() throws {
        #expect(AnchorOrder.byScale.places == [0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11])
        let stored = Anchors.ofFirstCell.map { [$0[0], $0[1], $0[2] + 1, $0[3] + 1] }
        #expect(try AnchorOrder(matching: stored).places == Array(0..<12))
        #expect(try AnchorOrder(matching: stored.reversed()).places == (0..<12).reversed())
        #expect(AnchorOrder.isOriginal(Anchors.ofFirstCell))
        #expect(!AnchorOrder.isOriginal(Anchors.ofFirstCell.reversed()))
    }

    @Test("weights that tell no attributes are read", arguments: [true, false])
    func withoutAttributes(isPorted: Bool) throws {
        var tensors = isPorted ? try WeightFiles.portedTensors() : try Detectors.weights().state
        for name in tensors.keys where name.contains("attr") || name.contains("cls_emb") {
            tensors[name] = nil
        }
        let weights = try read(tensors)
        #expect(!weights.hasAttributes)
        #expect([weights.shape.embed, weights.shape.attributeHidden, weights.shape.attributes] == [0, 0, 0])
        #expect(weights.shape.classes == 41)
        var expected = try Detectors.weights().state
        for name in DetectorTensorNames.attributeHead { expected[name] = nil }
        try expectSame(weights, as: DetectorWeights(expected, format: .milvlg))
    }

    @Test("weights in double precision come in single")
    func doublePrecision() throws {
        let expected = try Detectors.weights()
        try expectSame(read(expected.state.mapValues { try $0.converted(to: .float64) }), as: expected)
    }

    @Test("tensors that are none of the network's own are passed over")
    func others() throws {
        var tensors = try Detectors.weights().state
        tensors["pixel_mean"] = try Tensor.zeros([3, 1, 1])
        tensors["roi_heads.box_predictor.bbox_pred.weight"] = try Tensor.full([2], Double.nan)
        try expectSame(read(tensors), as: Detectors.weights())
    }

    private func read(_ tensors: [String: Tensor]) throws -> DetectorWeights {
        let folder = try TemporaryFolder()
        return try DetectorWeights(contentsOf: folder.write("weights", WeightFiles.pickle(tensors)))
    }
}

/// Holds that weights are the same, but for how they were rounded.
func expectSame(
    _ found: DetectorWeights, as expected: DetectorWeights, within bound: Double = 2e-6,
    sourceLocation: SourceLocation = #_sourceLocation
) throws {
    #expect(Set(found.state.keys) == Set(expected.state.keys), sourceLocation: sourceLocation)
    for (name, tensor) in expected.state {
        let isObjectness = name.hasPrefix(DetectorTensorNames.objectness)
        func compared(_ tensor: Tensor) throws -> Tensor {
            isObjectness ? try objectMinusBackground(tensor) : tensor
        }
        let other = try #require(found.state[name])
        try expectClose(compared(other), compared(tensor), within: bound, name, sourceLocation)
    }
}

/// What the probability of an object depends on. The ports have only this; the original has both parts of it.
private func objectMinusBackground(_ tensor: Tensor) throws -> Tensor {
    let count = tensor.size(0) / 2
    return try tensor.narrowed(axis: 0, start: count, length: count)
        - tensor.narrowed(axis: 0, start: 0, length: count)
}
