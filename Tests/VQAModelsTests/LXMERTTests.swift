import TestSupport
import Testing
import Torch
import VQABatches

@testable import VQAModels

/// LXMERT's numbers against those of transformers, on the same weights, regions and pieces of words.
@Suite struct LXMERTTests {
    static func model() throws -> LXMERT { try HubCase.lxmert() }

    static func batch(_ hub: HubCase) throws -> Batch { try hub.lxmertBatch() }

    @Test("every layer gives what transformers gives", arguments: ["single", "few"])
    func layers(name: String) throws {
        let (model, hub) = (try Self.model(), try HubCase("lxmert", name))
        try withoutGradients {
            let batch = try Self.batch(hub)
            let (words, regions) = (batch.wordSegments, batch.regionSegments)
            var x = try model.words(batch.words, words)
            #expect(try hub.difference(x, "embeddings") < 1e-5)
            for (index, layer) in model.wordLayers.enumerated() {
                x = try layer(x, words)
                #expect(try hub.difference(x, "lang\(index)") < 1e-5)
            }
            var y = try model.regions(batch.regions, batch.boxes)
            #expect(try hub.difference(y, "visn_fc") < 1e-5)
            for (index, layer) in model.regionLayers.enumerated() {
                y = try layer(y, regions)
                #expect(try hub.difference(y, "visn\(index)") < 1e-5)
            }
            let cross = model.crossLayers[0]
            let informed = try cross.cross(x, words, source: y, regions)
            #expect(try hub.difference(informed, "x0.cross_lang") < 1e-5)
            let attended = try cross.wordAttention(informed, words, source: informed, words)
            #expect(try hub.difference(attended, "x0.lang_self") < 1e-5)
            for (index, layer) in model.crossLayers.enumerated() {
                (x, y) = try layer(x, words, y, regions)
                #expect(try hub.difference(x, "lang\(model.wordLayers.count + index)") < 1e-5)
                #expect(try hub.difference(y, "visn\(model.regionLayers.count + index)") < 1e-5)
            }
            let pooled = try model.pooler(x.narrowed(axis: 0, start: 0, length: 1)).tanh()
            #expect(try hub.difference(pooled, "pooled") < 1e-5)
            #expect(try hub.difference(model(batch), "logits") < 1e-5)
        }
    }

    @Test(
        "padding that is left out, regions that are masked, and one region alone give transformers' logits",
        arguments: ["batch", "batch_regions_masked", "one_region", "single@padded_to_20"])
    func logits(name: String) throws {
        let (model, hub) = (try Self.model(), try HubCase("lxmert", name))
        let logits = try withoutGradients { try model(Self.batch(hub)) }
        #expect(try hub.difference(logits, "logits") < 1e-5)
    }

    @Test("the gradient reaches every parameter that takes part")
    func gradients() throws {
        let (model, hub) = (try Self.model(), try HubCase("lxmert", "single"))
        model.setTraining(true)
        try model(Self.batch(hub)).sum().backward()
        let without = model.namedParameters().filter { $0.tensor.gradient == nil }.map(\.name)
        // The regions' half of the last layer feeds nothing.
        #expect(without.allSatisfy { $0.hasPrefix("lxmert.encoder.x_layers.1.visn_") }, "\(without)")
        #expect(!without.isEmpty)
    }
}
