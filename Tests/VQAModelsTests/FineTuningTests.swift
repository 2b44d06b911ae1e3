import TestSupport
import Testing
import Torch
import VQABatches

@testable import VQAModels

/// Steps of training of published models against those of transformers and `torch.optim.AdamW`
/// (`Tests/Fixtures/hub/fine_tune.py`).
@Suite struct FineTuningTests {
    private let made: [String: Tensor]

    init() throws { made = try loadSafetensors(Fixtures.url("hub/fine_tune.safetensors").path).tensors }

    private func model(_ name: String) throws -> any VQAModel {
        let model: any VQAModel = name == "vilt" ? try HubCase.viLT() : try HubCase.lxmert()
        model.setTraining(true)
        return model
    }

    /// The two questions, in a batch of both where the model's cases can be put together.
    private func batches(_ name: String) throws -> [Batch] {
        name == "vilt"
            ? [try HubCase.viLTBatch([HubCase("vilt", "single"), HubCase("vilt", "single_b")])]
            : try ["single", "few"].map { try HubCase("lxmert", $0).lxmertBatch() }
    }

    /// Adds the gradients of both questions to what is there; gives the loss.
    private func learn(_ model: any VQAModel, _ batches: [Batch]) throws -> Double {
        var (sum, row) = (0.0, 0)
        for batch in batches {
            let targets = try #require(made["targets"]).narrowed(axis: 0, start: row, length: batch.count)
            let loss = try Loss.binaryCrossEntropy(logits: model(batch), targets: targets)
            try loss.backward()
            sum += try loss.item()
            row += batch.count
        }
        return sum
    }

    /// The numbers that the fixture keeps of a tensor.
    private func kept(_ tensor: Tensor) throws -> [Float] {
        let values: [Float] = try tensor.detached().contiguous().array()
        return values.count <= 1000 ? values : stride(from: 0, to: values.count, by: 5).map { values[$0] }
    }

    private func largestDifference(_ found: Tensor, _ name: String) throws -> Float {
        let expected: [Float] = try #require(made[name], "\(name)").array()
        let found = try kept(found)
        try #require(found.count == expected.count, "\(name)")
        return zip(found, expected).map { abs($0 - $1) }.max() ?? 0
    }

    @Test(
        "the first loss and the gradient of every parameter are transformers'", arguments: ["vilt", "lxmert"])
    func gradients(name: String) throws {
        let model = try model(name)
        let losses: [Float] = try #require(made[name + ".losses"]).array()
        #expect(try abs(learn(model, batches(name)) - Double(losses[0])) < 1e-4)
        let gradients = model.namedParameters().filter { $0.tensor.gradient != nil }
        let expected = made.keys.filter { $0.hasPrefix(name + ".gradient.") }
        #expect(Set(gradients.map { name + ".gradient." + $0.name }) == Set(expected))
        for (parameter, tensor) in gradients {
            let difference = try largestDifference(
                #require(tensor.gradient), "\(name).gradient.\(parameter)")
            #expect(difference < 1e-4, "\(parameter)")
        }
    }

    @Test("four steps of AdamW lead to the weights that PyTorch's lead to", arguments: ["vilt", "lxmert"])
    func steps(name: String) throws {
        let (model, batches) = (try model(name), try batches(name))
        let losses: [Float] = try #require(made[name + ".losses"]).array()
        let optimizer = try AdamW(
            model.namedParameters(), learningRate: 0, betas: (0.9, 0.98), epsilon: 1e-8, weightDecay: 0.1)
        for (rate, loss) in zip(try #require(made[name + ".rates"]).array(of: Double.self), losses) {
            try model.dropGradients()
            #expect(try abs(learn(model, batches) - Double(loss)) < 1e-4 * Double(loss))
            optimizer.learningRate = rate
            try optimizer.step()
        }
        // A softmax takes out what a key's bias adds: its gradient is rounding, of which Adam makes whole steps.
        for (parameter, tensor) in model.namedParameters() where !parameter.hasSuffix("key.bias") {
            let expected: [Float] = try #require(made["\(name).after.\(parameter)"]).array()
            let gradients: [Float]? = try made["\(name).gradient.\(parameter)"]?.array()
            for (index, (found, wanted)) in try zip(kept(tensor), expected).enumerated() {
                let gradient = abs(gradients?[index] ?? 0)
                // Others may come near rounding by chance.
                guard gradient == 0 || gradient > 1e-5 else { continue }
                guard abs(found - wanted) >= 1e-4 else { continue }
                Issue.record("\(parameter)[\(index)]: expected \(wanted), found \(found)")
            }
        }
    }
}
