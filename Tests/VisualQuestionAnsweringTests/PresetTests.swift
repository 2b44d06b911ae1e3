import Testing
import VQAModels
import VQASettings
import VisualQuestionAnswering

/// The presets of the models that come with the package.
@Suite struct PresetTests {
    @Test("every preset makes a configuration that is valid, and that is read back from its values")
    func valid() throws {
        for name in ModelRegistry.standard.names {
            for dataset in ["vqa-v2", "easy-vqa"] {
                var configuration = Configuration()
                try configuration.apply([("model", .string(name)), ("dataset", .string(dataset))])
                try configuration.validate()
                var copy = Configuration()
                try copy.apply(configuration.values.sorted { $0.key < $1.key })
                #expect(copy == configuration, "\(name) on \(dataset)")
            }
        }
    }

    @Test(
        "at the official sizes MCAN has the official number of parameters",
        arguments: [("mcan_small", 57_812_791), ("mcan_large", 201_723_191)])
    func parameters(name: String, count: Int) throws {
        var configuration = Configuration()
        try configuration.set("model", to: .string(name))
        let model = try configuration.model.make(configuration.inputs(words: 20_573, answers: 3_129))
        #expect(model.parameters().reduce(0) { $0 + $1.count } == count)
        #expect(configuration.model.reservedWords == ["CLS"])
    }

    @Test("a preset brings what its model was trained with, and settings go on top whatever their order")
    func training() throws {
        var configuration = Configuration()
        try configuration.apply([("lr_base", 1e-3), ("model", "mcan_large")])
        #expect(configuration.training.lrBase == 1e-3)
        #expect(configuration.training.gradAccuSteps == 2)
        #expect(configuration.training.lrDecayList == [10, 12])
        #expect(configuration.data.maxToken == 14)
        #expect(configuration.keys.contains("ff_size") && !configuration.keys.contains("srwsa_layer"))
        let error = #expect(throws: ConfigurationError.self) { try configuration.set("srwsa_layer", to: 3) }
        #expect(try #require(error).reason.contains("nearest is layer"))
    }
}
