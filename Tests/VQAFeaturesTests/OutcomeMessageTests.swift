import Testing
@testable import VQAFeatures

/// What processes that pack tell the one that stores.
@Suite struct OutcomeMessageTests {
    private func item(_ index: Int, _ outcome: FeatureFeedItem.Outcome) -> FeatureFeedItem {
        FeatureFeedItem(name: "\(index).npz", outcome: outcome, index: index, position: 0)
    }

    private func image(_ precision: FeaturePrecision, labelled: Bool) throws -> StorableImage {
        let regions = try RegionFeatures(
            width: 3, features: [0.5, 1, 2, 3, 4, 65_504], boxes: [0, 1, 2, 3, 4, 5, 6, 7.25],
            imageHeight: 10,
            imageWidth: 20)
        let guesses = try #require(RegionLabels.Guesses(ids: [7, 0], confidences: [0.1, 1]))
        let labels = labelled ? RegionLabels(objects: guesses, attributes: guesses) : nil
        return try StorableImage(regions, labels: labels, of: ImageID("n1"), as: precision, name: "n1")
    }

    @Test(
        "images and what is wrong with others arrive as they are, in both precisions",
        arguments: [FeaturePrecision.float16, .float32], [true, false])
    func arrives(precision: FeaturePrecision, labelled: Bool) throws {
        let sent = try image(precision, labelled: labelled)
        let message = OutcomeMessage(
            [
                item(3, .storable(sent)), item(4, .skipped("4.npz: no zip")), item(5, .kept(ImageID("n2"))),
                item(40, .storable(sent)), item(41, .elsewhere(ImageID("n3"))), item(42, .ended),
            ], precision)
        let found = try #require(OutcomeMessage.outcomes(in: message.bytes, precision))
        #expect(found.keys.sorted() == [3, 4, 40])
        for index in [3, 40] {
            guard case .storable(let stored)? = found[index] else {
                Issue.record("\(index) is no image")
                continue
            }
            let image = StorableImage(stored, of: ImageID("n9"))
            #expect(image.image == ImageID("n9"))
            #expect((image.count, image.width) == (2, 3) && (image.imageHeight, image.imageWidth) == (10, 20))
            #expect(image.boxes == sent.boxes && image.halves == sent.halves && image.floats == sent.floats)
            #expect(image.labels == sent.labels)
        }
        guard case .skipped("4.npz: no zip")? = found[4] else {
            Issue.record("4 was not left out")
            return
        }
    }

    @Test("a message that is cut off anywhere, or goes on, is none")
    func damaged() throws {
        let bytes = try OutcomeMessage([item(0, .storable(image(.float16, labelled: true)))], .float16).bytes
        for count in 0..<bytes.count {
            #expect(OutcomeMessage.outcomes(in: Array(bytes.prefix(count)), .float16) == nil, "\(count)")
        }
        #expect(OutcomeMessage.outcomes(in: bytes + [0], .float16) == nil)
        #expect(OutcomeMessage.outcomes(in: bytes, .float32) == nil)
    }

    @Test("each image is interpreted by one process, blocks by one after the other")
    func division() {
        for count in 1...3 {
            let all = (0..<count).map { FeedDivision(processCount: count, rank: $0) }
            for index in 0..<200 { #expect(all.count { $0.isOwn(index) } == 1) }
            #expect((0..<all[0].roundLength).count { all[0].isOwn($0) } == all[0].roundLength / count)
        }
    }
}
