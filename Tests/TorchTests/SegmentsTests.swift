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
}
