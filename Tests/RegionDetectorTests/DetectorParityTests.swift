import TestSupport
import Testing
import Torch
import VQAVision

@testable import RegionDetector

/// Whole runs against those of bottom-up-attention.pytorch.
struct DetectorParityTests {
    @Test("every stage gives what was recorded", arguments: RecordedCase.guarded)
    func stages(of recorded: RecordedCase) throws {
        let stages = try recorded.stages()
        try recorded.expect(stages.input.tensor[0], is: "input", within: 3e-5)
        try recorded.expect(stages.map, is: "res4", within: 2e-4)
        try recorded.expect(stages.objectness, is: "objectness", within: 3e-5)
        try recorded.expect(stages.deltas, is: "deltas", within: 2e-4)
        try recorded.expect(stages.proposals.boxes, is: "proposals", within: 1e-2)
        try recorded.expect(stages.proposals.scores, is: "proposal_scores", within: 3e-5)
        try recorded.expect(stages.output.features, is: "features", within: 3e-5)
        try recorded.expect(stages.output.classProbabilities, is: "class_scores", within: 3e-5)
        let attributes = try #require(stages.output.attributeProbabilities)
        try recorded.expect(attributes, is: "attribute_scores", within: 3e-5)
        try recorded.expect(
            Tensor(stages.confidences, shape: [stages.confidences.count]), is: "best_conf", within: 3e-5)
    }

    @Test(
        "regions, their order, features and names are those that were recorded",
        arguments: RecordedCase.guarded)
    func regions(of recorded: RecordedCase) throws {
        let expected = try recorded.tensors()
        let picture = try recorded.loadPicture()
        for option in recorded.options {
            var settings = recorded.detectorSettings
            settings.regions = try RegionCount(
                minimum: option.settings.minBoxes, maximum: option.settings.maxBoxes)
            let found = try RegionDetector(Detectors.weights(), settings).detect(in: picture)
            func tensor(_ values: [Float], _ shape: [Int]) throws -> Tensor {
                try Tensor(values, shape: shape)
            }
            let count = found.features.count
            let name = "\(option.name)."
            try expectClose(
                tensor(found.features.features, [count, 128]), expected.tensor(name + "x"), within: 3e-5, name
            )
            try expectClose(
                tensor(found.features.boxes, [count, 4]), expected.tensor(name + "bbox"), within: 1e-2, name)
            #expect(
                found.objects.map { Int64($0.index) } == (try expected.tensor(name + "objects_id").array()))
            #expect(
                found.attributes.map { Int64($0.index) } == (try expected.tensor(name + "attrs_id").array()))
            try expectClose(
                tensor(found.objects.map(\.confidence), [count]), expected.tensor(name + "objects_conf"),
                within: 3e-5,
                name)
            try expectClose(
                tensor(found.attributes.map(\.confidence), [count]), expected.tensor(name + "attrs_conf"),
                within: 3e-5,
                name)
        }
    }

    @Test(
        "each published form of the weights gives the same features",
        arguments: ["weights_hf.bin", "weights_airsplay.pkl", "weights.caffemodel"], RecordedCase.guarded)
    func weightFiles(file: String, of recorded: RecordedCase) throws {
        let stages = try recorded.stages(with: file)
        try recorded.expect(stages.proposals.boxes, is: "proposals", within: 1e-2)
        try recorded.expect(stages.output.features, is: "features", within: 3e-5)
        try recorded.expect(stages.output.classProbabilities, is: "class_scores", within: 3e-5)
    }

    @Test(
        "with products of 8 bits the proposals are the same, and features near those that were recorded",
        .enabled(if: (try? TorchRuntime.requireInt8Products()) != nil, "the processor has no VNNI"),
        arguments: RecordedCase.guarded)
    func int8(of recorded: RecordedCase) throws {
        let (exact, rounded) = (try recorded.stages(), try recorded.stages(in: .int8))
        #expect(try rounded.proposals.boxes.equals(exact.proposals.boxes).all().item() == 1)
        let largest = try exact.output.features.absolute().maximum().item()
        let gap = try (rounded.output.features - exact.output.features).absolute()
        #expect(try gap.maximum().item() < 0.05 * largest)
        #expect(try gap.mean(axes: [0, 1]).item() < 0.005 * largest)
        #expect(try gap.maximum().item() > 0, "something was rounded")
        #expect(throws: TorchError.self) {
            try RegionDetector(Detectors.weights(), in: .int8, on: Device(parsing: "cuda:0"))
        }
    }

    @Test(
        "at the released sizes nine regions of ten are those that were recorded",
        arguments: RecordedCase.fullSize)
    func fullSize(of recorded: RecordedCase) throws {
        let stages = try recorded.stages()
        try recorded.expect(stages.input.tensor[0], is: "input", within: 3e-5)
        try recorded.expect(stages.map, is: "res4", within: 2e-3)
        try recorded.expect(stages.objectness, is: "objectness", within: 1e-3)

        // Scores lie too close for their order to be the same.
        let expected = try recorded.tensors()
        let theirs: [Float] = try expected.tensor("proposals").array()
        let ours: [Float] = try stages.proposals.boxes.array()
        let features: (theirs: [Float], ours: [Float]) =
            (try expected.tensor("features").array(), try stages.output.features.array())
        let same = (0..<300).filter { region in
            (0..<stages.proposals.count).contains { other in
                (0..<4).allSatisfy { abs(theirs[region * 4 + $0] - ours[other * 4 + $0]) < 0.1 }
                    && (0..<128).allSatisfy {
                        abs(features.theirs[region * 128 + $0] - features.ours[other * 128 + $0]) < 1e-2
                    }
            }
        }
        #expect(same.count > 270)
    }
}
