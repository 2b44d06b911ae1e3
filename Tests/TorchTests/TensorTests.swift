import Testing
import Torch

@Suite struct TensorTests {
    @Test("a product of matrices has the numbers worked out by hand")
    func matrixProduct() throws {
        let a = try Tensor([1, 2, 3, 4] as [Float], shape: [2, 2])
        let b = try Tensor([5, 6, 7, 8] as [Float], shape: [2, 2])
        #expect(try a.matmul(b).array(of: Float.self) == [19, 22, 43, 50])
        #expect(try (a + 1).array(of: Float.self) == [2, 3, 4, 5])
    }

    @Test("shapes that do not fit throw an error that names the operator and both shapes")
    func mismatchedShapes() throws {
        let a = try Tensor.zeros([2, 3])
        let error = #expect(throws: TorchError.self) { try a.matmul(a) }
        let text = "\(try #require(error))"
        #expect(text.contains("aten::matmul"))
        #expect(text.contains("float32 [2, 3], float32 [2, 3]"))
        #expect(!text.contains("\n"))
    }

    @Test("an operator that does not exist throws when it is called")
    func unknownOperator() throws {
        #expect(throws: TorchError.self) { try Operator("aten::no_such")(1) }
    }

    @Test("backward gives the derivative of a square")
    func backward() throws {
        let x = try Tensor([1, -2, 3] as [Float]).requiringGradient()
        try (x * x).sum().backward()
        #expect(try x.gradient?.array(of: Float.self) == [2, -4, 6])
    }

    @Test("nothing is recorded inside withoutGradients, and recording goes on after it")
    func withoutRecording() throws {
        let x = try Tensor([1] as [Float]).requiringGradient()
        let y = try withoutGradients { try x * 2 }
        #expect(!y.requiresGradient)
        #expect(try (x * 2).requiresGradient)
    }

    @Test("indices take rows, ranges and named positions")
    func indexing() throws {
        let x = try Tensor.range(0, 12).reshaped([3, 4])
        #expect(try x[1].array(of: Int64.self) == [4, 5, 6, 7])
        #expect(try x[1..<3, 0].array(of: Int64.self) == [4, 8])
        #expect(try x[.all, -1].array(of: Int64.self) == [3, 7, 11])
        #expect(try x[.at(Tensor([2, 0] as [Int64])), 1].array(of: Int64.self) == [9, 1])
        #expect(throws: TorchError.self) { try x[5] }
    }

    @Test("random numbers go on from a saved state")
    func generatorState() throws {
        TorchRuntime.seed(7)
        let state = try TorchRuntime.generatorState()
        let first = try Tensor.normal([5]).array(of: Float.self)
        try TorchRuntime.setGeneratorState(state)
        #expect(try Tensor.normal([5]).array(of: Float.self) == first)
    }
}
