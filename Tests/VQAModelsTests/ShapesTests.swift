import Testing
import Torch
import VQASettings
@testable import VQAModels

/// Checkpoints are held against a model before it is built.
@Suite(.serialized) struct ShapesTests {
    private func configuration(_ name: String, _ settings: [String: SettingValue]) throws
        -> ModelConfiguration
    {
        var configuration = try ModelConfiguration(ModelRegistry.standard.entry(named: name))
        let small: [String: SettingValue] = [
            "hidden_size": 32, "ff_size": 64, "flat_out_size": 16, "flat_mlp_size": 8, "layer": 2,
        ]
        for (key, value) in small.merging(settings, uniquingKeysWith: { $1 }) {
            _ = try configuration.options.setIfKnown(key, to: value)
        }
        return configuration
    }

    private let inputs = ModelInputs(wordCount: 20, answerCount: 5, regionWidth: 24)

    @Test(
        "a network's own weights fit it, and are what it is made with",
        arguments: ModelRegistry.standard.names)
    func fits(name: String) throws {
        let configuration = try configuration(name, [:])
        let weights = try configuration.make(inputs).state()
        try configuration.requireFit(weights, inputs)
        let copy = try configuration.make(inputs, weights: weights).state()
        #expect(copy.keys == weights.keys)
        for (key, tensor) in weights {
            #expect(try copy[key]?.array(of: Float.self) == tensor.array(of: Float.self))
        }
    }

    @Test(
        "sizes that would take all memory are told from the weights before any of it is taken",
        arguments: ModelRegistry.standard.names)
    func tooLarge(name: String) throws {
        let weights = try configuration(name, [:]).make(inputs).state()
        // Four terabytes a layer.
        let huge = try configuration(name, ["hidden_size": 1_048_576, "layer": 256])
        let mismatch = #expect(throws: StateMismatch.self) { try huge.make(inputs, weights: weights) }
        #expect(mismatch?.differing.contains { $0.expected.contains(1_048_576) } == true)
    }

    @Test("layers that share their weights, so that no shape tells of them, are at most 256")
    func layers() throws {
        for key in ["srwsa_layer", "sgrwsa_layer"] {
            #expect(throws: ConfigurationError.self) { try configuration("rwsan", [key: 257]) }
            _ = try configuration("rwsan", [key: 256])
        }
    }
}
