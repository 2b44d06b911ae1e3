import Testing
import Torch

/// Which rows belong to which sequence, and their padded view.
@Suite struct SegmentsTests {
    private func rows(_ count: Int) throws -> Tensor {
        try Tensor((1...count).map(Float.init), shape: [count, 1])
    }

    @Test("the padded view is as long as the longest sequence, or as long as it is said to be")
    func maximumLength() throws {
        let (longest, given) = (
            try Segments(lengths: [2, 1]), try Segments(lengths: [2, 1], maximumLength: 4)
        )
        #expect(longest.maximumLength == 2)
        #expect(given.maximumLength == 4)
        #expect(given.rowCount == 3)
        #expect(try rows(3).padded(longest).array(of: Float.self) == [1, 2, 3, 0])
        #expect(try rows(3).padded(given).array(of: Float.self) == [1, 2, 0, 0, 3, 0, 0, 0])
        #expect(try rows(3).padded(given).packed(given).array(of: Float.self) == [1, 2, 3])
        #expect(
            try given.paddingMask.array(of: Bool.self)
                == [false, false, true, true, false, true, true, true])
    }

    @Test("a sequence longer than the padded view is an error with both lengths")
    func tooLong() throws {
        let error = #expect(throws: TorchError.self) { try Segments(lengths: [2, 5], maximumLength: 4) }
        let text = "\(try #require(error))"
        #expect(text.contains("4"))
        #expect(text.contains("5"))
        #expect(throws: TorchError.self) { try Segments(lengths: [-1, 2], maximumLength: 4) }
    }

    @Test("sequences of several kinds are joined question by question, rows and masks alike")
    func joined() throws {
        let parts = [
            try Segments(lengths: [2, 1, 0]), try Segments(lengths: [1, 1, 1], maximumLength: 2),
            try Segments(lengths: [0, 3, 1]),
        ]
        let joined = try JoinedSegments(parts)
        let rows = try joined.rows([
            Tensor([10, 11, 12] as [Float], shape: [3, 1]), Tensor([20, 21, 22] as [Float], shape: [3, 1]),
            Tensor([30, 31, 32, 33] as [Float], shape: [4, 1]),
        ])
        #expect(try rows.array(of: Float.self) == [10, 11, 20, 12, 21, 30, 31, 32, 22, 33])
        let back = try joined.parts(rows)
        #expect(
            try back.map { try $0.array(of: Float.self) } == [
                [10, 11, 12], [20, 21, 22], [30, 31, 32, 33],
            ])
        #expect(back.map(\.shape) == [[3, 1], [3, 1], [4, 1]])
        let expected = try Segments(lengths: [3, 5, 2], maximumLength: 7)
        #expect(joined.segments.lengths == expected.lengths)
        for (found, tensor) in zip(joined.segments.tensors, expected.tensors) {
            #expect(found.shape == tensor.shape && found.dtype == tensor.dtype)
            #expect(try found.equals(tensor).all().item() == 1)
        }
        #expect(try joined.segments.firstRows().array(of: Int64.self) == [0, 3, 8])
        #expect(try joined.segments.positions().array(of: Int64.self) == [0, 1, 2, 0, 1, 2, 3, 4, 0, 1])
        #expect(throws: TorchError.self) {
            try JoinedSegments([Segments(lengths: [1]), Segments(lengths: [1, 1])])
        }
        #expect(throws: TorchError.self) { try JoinedSegments([]) }
    }
}
