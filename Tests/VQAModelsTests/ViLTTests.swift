import TestSupport
import Testing
import Torch
import VQABatches

@testable import VQAModels

/// ViLT's numbers against those of transformers, on the same weights, pixels and pieces of words.
@Suite struct ViLTTests {
    static func model() throws -> ViLT { try HubCase.viLT() }

    static func batch(_ cases: [HubCase]) throws -> Batch { try HubCase.viLTBatch(cases) }

    @Test("every layer gives what transformers gives", arguments: ["single", "single_b"])
    func layers(name: String) throws {
        let (model, hub) = (try Self.model(), try HubCase("vilt", name))
        try withoutGradients {
            let batch = try Self.batch([hub])
            let text = try model.words(batch.words, batch.wordSegments)
            #expect(try hub.difference(text, "text_embeddings") < 1e-5)
            let grid = try model.patches.gridPositions(batch.boxes)
            #expect(try hub.difference(grid.transposed(), "position_grid") < 1e-5)
            let (parts, rows) = try model.joinedRows(batch)
            let joined = parts.segments
            var x = rows
            #expect(try hub.difference(x, "hidden0") < 1e-5)
            for (index, layer) in model.layers.enumerated() {
                let normed = try layer.normBefore(x)
                let attended = try layer.merge(layer.attention(normed, joined, source: normed, joined))
                #expect(try hub.difference(attended, "layer\(index).attention_output") < 1e-5)
                x = try layer(x, joined)
                #expect(try hub.difference(x, "hidden\(index + 1)") < 1e-5)
            }
            let normed = try model.norm(x)
            #expect(try hub.difference(normed, "final_norm") < 1e-5)
            let pooled = try model.pooler(normed.narrowed(axis: 0, start: 0, length: 1)).tanh()
            #expect(try hub.difference(pooled, "pooled") < 1e-5)
            #expect(try hub.difference(model.hidden(pooled), "classifier0") < 1e-5)
            #expect(try hub.difference(model(batch), "logits") < 1e-5)
        }
    }

    @Test("pictures of several shapes and questions of several lengths go through together")
    func together() throws {
        let (model, cases) = (try Self.model(), try ["single", "single_b"].map { try HubCase("vilt", $0) })
        let logits = try withoutGradients { try model(Self.batch(cases)) }
        for (row, hub) in cases.enumerated() {
            #expect(try hub.difference(logits.narrowed(axis: 0, start: row, length: 1), "logits") < 1e-5)
        }
    }

    @Test("a grid of one row or one column has the positions of the first")
    func thin() throws {
        let model = try Self.model()
        let boxes = try Tensor([0, 0, 0.5, 1, 0.5, 0, 1, 1] as [Float], shape: [2, 4])
        let rows = try model.patches.gridPositions(boxes)
        let stored = try model.patches.positions.droppingAxis(0)
        for (row, cell) in [1, 5].enumerated() {
            let expected = try stored.narrowed(axis: 0, start: cell, length: 1)
            #expect(
                try (rows.narrowed(axis: 0, start: row, length: 1) - expected).absolute().maximum().item()
                    < 1e-6)
        }
    }

    @Test("the gradient reaches every parameter that takes part")
    func gradients() throws {
        let (model, hub) = (try Self.model(), try HubCase("vilt", "single"))
        model.setTraining(true)
        try model(Self.batch([hub])).sum().backward()
        let without = model.namedParameters().filter { $0.tensor.gradient == nil }.map(\.name)
        #expect(without.isEmpty, "\(without)")
    }

    @Test("weights that are converted once give the bits of those that are converted each time")
    func converted() throws {
        let model = try Self.model()
        let batch = try Self.batch([HubCase("vilt", "single")])
        func logits() throws -> [Float] {
            try withoutGradients { try Precision.bfloat16.autocast(on: .cpu) { try model(batch) } }
                .converted(to: .float32).array(of: Float.self)
        }
        let expected = try logits()
        try model.convertLinearLayers(for: .float32)
        #expect(model.output.weight.dtype == .float32)
        try model.convertLinearLayers(for: .bfloat16)
        #expect(model.output.weight.dtype == .bfloat16)
        #expect(try logits() == expected)
    }
}
