import Testing
import Torch

/// How a module's parts are found by name, moved and loaded.
@Suite struct ModuleTests {
    /// A module with everything that one can store.
    private final class Sample: Module {
        override class var checkpointNames: [String: String] {
            ["gain": "a_2", "first": "mlp.fc.linear", "mean": "running_mean"]
        }
        let gain: Tensor
        let first: Linear
        let layers: [Linear]
        let absent: Tensor?
        let dropout = Dropout(0.5)
        @Buffer var mean: Tensor

        init(width: Int) throws {
            gain = try Tensor.ones([width]).requiringGradient()
            first = try Linear(width, width)
            layers = [try Linear(width, 1), try Linear(1, width, hasBias: false)]
            absent = nil
            mean = try Tensor.zeros([width])
        }
    }

    private static let parameterNames = [
        "a_2", "mlp.fc.linear.weight", "mlp.fc.linear.bias", "layers.0.weight", "layers.0.bias",
        "layers.1.weight",
    ]

    @Test("parameters are named by the path to them, own names first, in order of declaration")
    func names() throws {
        let sample = try Sample(width: 3)
        #expect(sample.namedParameters().map(\.name) == Self.parameterNames)
        #expect(sample.namedBuffers().map(\.name) == ["running_mean"])
        #expect(sample.parameters().count == 6)
        #expect(try sample.state().keys.sorted() == (Self.parameterNames + ["running_mean"]).sorted())
    }

    @Test("training and inference reach every module below")
    func training() throws {
        let sample = try Sample(width: 3)
        #expect(sample.dropout.isTraining)
        sample.setTraining(false)
        #expect(!sample.isTraining && !sample.dropout.isTraining && !sample.layers[1].isTraining)
        let x = try Tensor.ones([100])
        #expect(try sample.dropout(x).array(of: Float.self) == x.array(of: Float.self))
    }

    @Test("a state that was saved loads into another module, by value and without gradients")
    func load() throws {
        let (source, target) = (try Sample(width: 3), try Sample(width: 3))
        try target.load(source.state())
        try withoutGradients { try source.gain.fill(9) }
        #expect(try target.gain.detached().array(of: Float.self) == [1, 1, 1])
        #expect(
            try target.first.weight.detached().array(of: Float.self)
                == source.first.weight.detached().array(of: Float.self))
        #expect(target.gain.requiresGradient && target.gain.isLeaf)
    }

    @Test("a state that does not fit is refused with all that is wrong, and nothing is changed")
    func mismatch() throws {
        let sample = try Sample(width: 3)
        var state = try Sample(width: 3).state()
        state["a_2"] = try Tensor.zeros([3])
        state["layers.0.bias"] = nil
        state["mlp.fc.linear.weight"] = try Tensor.zeros([2, 3])
        state["stranger"] = try Tensor.zeros([1])
        let error = #expect(throws: StateMismatch.self) { try sample.load(state) }
        let mismatch = try #require(error)
        #expect(mismatch.missing == ["layers.0.bias"])
        #expect(mismatch.unknown == ["stranger"])
        #expect(mismatch.differing.map(\.name) == ["mlp.fc.linear.weight"])
        #expect(mismatch.differing.map(\.expected) == [[3, 3]])
        #expect(mismatch.differing.map(\.found) == [[2, 3]])
        #expect(!mismatch.description.contains("\n"))
        #expect(try sample.gain.detached().array(of: Float.self) == [1, 1, 1])
    }

    @Test("gradients are dropped everywhere")
    func dropGradients() throws {
        let sample = try Sample(width: 2)
        try sample.layers[0](sample.first(sample.gain)).sum().backward()
        #expect(sample.gain.gradient != nil)
        try sample.dropGradients()
        #expect(sample.parameters().allSatisfy { $0.gradient == nil })
    }
}
