import Testing
@testable import VQAVision

/// How processes divide pictures.
@Suite struct ExtractionRoundsTests {
    @Test(
        "every picture is one process's, in rounds of pictures that follow one another",
        arguments: [1, 2, 3], [(0, 1), (5, 2), (16, 16), (97, 1), (100, 16), (1000, 3)])
    func division(processCount: Int, pictures: (count: Int, batchSize: Int)) {
        let all = (0..<processCount).map {
            ExtractionRounds(
                pictureCount: pictures.count, batchSize: pictures.batchSize, processCount: processCount,
                rank: $0)
        }
        var begun = Array(repeating: 0, count: processCount)
        for round in 0..<all[0].count {
            var rows: [Int] = []
            for (rank, rounds) in all.enumerated() {
                for _ in 0..<rounds.batchCount(ofRound: round) {
                    rows += rounds.rows(ofOwnBatch: begun[rank])
                    begun[rank] += 1
                }
            }
            let next = round + 1 < all[0].count ? all[0].firstRow(ofRound: round + 1) : pictures.count
            #expect(rows == Array(all[0].firstRow(ofRound: round)..<next))
        }
        #expect(begun == all.map(\.ownBatchCount))
    }

    @Test("a process that is alone tells of every batch")
    func alone() {
        let rounds = ExtractionRounds(pictureCount: 10, batchSize: 4, processCount: 1, rank: 0)
        #expect(rounds.count == 3)
        #expect((0..<3).map { rounds.batchCount(ofRound: $0) } == [1, 1, 1])
    }
}
