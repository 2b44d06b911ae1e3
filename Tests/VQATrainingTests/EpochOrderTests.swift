import Testing

@testable import VQATraining

/// The order of the questions, which a resumed run must find again.
@Suite struct EpochOrderTests {
    @Test("without a seed the order is that of the files")
    func files() {
        #expect(EpochOrder(count: 5, seed: nil, epoch: 3).rows == [0, 1, 2, 3, 4])
    }

    @Test("an order holds each question once, and depends on the seed and the epoch alone")
    func shuffled() {
        let order = EpochOrder(count: 1000, seed: 7, epoch: 2).rows
        #expect(order.sorted() == Array(0..<1000))
        #expect(order == EpochOrder(count: 1000, seed: 7, epoch: 2).rows)
        #expect(order != EpochOrder(count: 1000, seed: 7, epoch: 3).rows)
        #expect(order != EpochOrder(count: 1000, seed: 8, epoch: 2).rows)
    }

    @Test("an order is the same on every machine and in every version, so that old checkpoints stay of use")
    func stable() {
        #expect(EpochOrder(count: 8, seed: 1, epoch: 0).rows == [4, 6, 7, 5, 3, 2, 0, 1])
    }

    @Test("the largest seed and no questions are nothing special")
    func extremes() {
        #expect(EpochOrder(count: 3, seed: .max, epoch: 9).rows.sorted() == [0, 1, 2])
        #expect(EpochOrder(count: 0, seed: 1, epoch: 0).rows.isEmpty)
    }

    @Test("over many epochs every question comes first about equally often")
    func uniform() {
        var counts = [Int](repeating: 0, count: 4)
        for epoch in 0..<4000 { counts[EpochOrder(count: 4, seed: 5, epoch: epoch).rows[0]] += 1 }
        #expect(counts.allSatisfy { abs($0 - 1000) < 130 }, "\(counts)")
    }
}
