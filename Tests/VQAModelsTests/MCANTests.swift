import Testing
import Torch
import VQASettings
@testable import VQAModels

/// MCAN's sizes, names and forms.
@Suite(.serialized) struct MCANTests {
    private func model(_ name: String, _ change: (inout any SettingsGroup) throws -> Void = { _ in }) throws
        -> any VQAModel
    {
        var configuration = try ModelConfiguration(ModelRegistry.standard.entry(named: name))
        try change(&configuration.options)
        return try configuration.make(ModelInputs(wordCount: 20_573, answerCount: 3_129))
    }

    @Test(
        "the full-size presets have as many parameters as the official networks",
        arguments: [("mcan_small", 57_812_791), ("mcan_large", 201_723_191)])
    func parameterCounts(name: String, count: Int) throws {
        #expect(try model(name).parameters().reduce(0) { $0 + $1.count } == count)
    }

    @Test("mcan-vqa's form differs from openvqa's in the name of the first layer of regions alone")
    func release() throws {
        let names = Set(try model("mcan_small").namedParameters().map(\.name))
        let released = Set(try model("mcan_release_small").namedParameters().map(\.name))
        #expect(
            names.subtracting(released) == ["adapter.frcn_linear.weight", "adapter.frcn_linear.bias"])
        #expect(released.subtracting(names) == ["img_feat_linear.weight", "img_feat_linear.bias"])
    }

    @Test("boxes widen the first layer of regions by their embedding")
    func boxes() throws {
        let shapes = try model("mcan_small") { _ = try $0.setIfKnown("use_bbox_feat", to: true) }
            .state().mapValues(\.shape)
        #expect(shapes["adapter.bbox_linear.weight"] == [2048, 5])
        #expect(shapes["adapter.frcn_linear.weight"] == [512, 4096])
    }

    @Test(
        "tensors are recognised as those of the preset that they are of",
        arguments: ["rwsan", "mcan_small", "mcan_large", "mcan_release_small", "mcan_release_large"])
    func likeness(name: String) throws {
        let shapes = try model(name) { options in
            // Names are what counts, and memory is short.
            _ = try options.setIfKnown("layer", to: 1)
        }.state().mapValues(\.shape)
        let found = ModelRegistry.standard.entries.compactMap { $0.type.likeness(of: shapes) }
        #expect(Set(found.map(\.preset)) == [name])
        #expect(found.allSatisfy { $0.settings.isEmpty })
        let withBoxes = shapes.merging(["adapter.bbox_linear.weight": [2048, 5]]) { $1 }
        let other = MCAN.likeness(of: withBoxes)
        #expect(
            (other?.settings.map(\.key) ?? [])
                == (name.hasPrefix("mcan_") && !name.contains("release") ? ["use_bbox_feat"] : []))
    }

    @Test("openvqa's vocabulary reserves CLS, and mcan-vqa's and RWSAN's do not")
    func reservedWords() throws {
        func words(_ name: String) throws -> [String] {
            try ModelConfiguration(ModelRegistry.standard.entry(named: name)).reservedWords
        }
        #expect(try words("mcan_small") == ["CLS"] && words("mcan_large") == ["CLS"])
        #expect(try words("mcan_release_small") == [] && words("rwsan") == [])
    }

    @Test("mcan-vqa's form is refused boxes, and heads that do not share the width are refused")
    func validation() throws {
        var options = MCANOptions()
        options.release = MCANOptions.mcanVQA
        options.useBboxFeat = true
        #expect(throws: ConfigurationError.self) { try options.validate() }
        options.useBboxFeat = false
        try options.validate()
        options.multiHead = 7
        #expect(throws: ConfigurationError.self) { try options.validate() }
    }
}
