import TestSupport
import Testing
import Torch
@testable import VQABatches
@testable import VQADatasets

/// Batches filled up to a few shapes.
@Suite struct BatchShapesTests {
    /// Questions of 0 to 3 words about pictures of 0 to 9 regions, differently many in each batch of eight.
    private func builder(_ shapes: BatchShapes?, pictures: Int = 24) throws -> BatchBuilder {
        let rows = (0..<pictures).map { picture in
            (0..<(picture * 7 + picture / 8) % 10).map { [Float(picture + 1), Float($0)] }
        }
        let texts = (0..<pictures).map { ["what is this", "is this", "?!", "what"][($0 + $0 / 8) % 4] }
        var builder = try givenBuilder(
            rows, questions: texts, images: (0..<pictures).map(Int64.init), maximumRegions: 9)
        builder.shapes = shapes
        return builder
    }

    private func shapes(questions: Int = 8) throws -> BatchShapes {
        try BatchShapes(
            questions: questions, regionStep: 8, wordStep: 6, maximumRegions: 9, maximumWords: 3)
    }

    @Test("as few fillers as can take any remainder, each with 1 to the maximum of rows")
    func fillerCount() throws {
        // 255 more than the least, 99 more than one row a filler; 63 more than the least, 15 more.
        let official = try BatchShapes(questions: 64, maximumRegions: 100, maximumWords: 16)
        #expect(official.fillerCount == 5)
        #expect(official.sequenceCount == 69)
        for (step, maximum) in [(1, 1), (2, 2), (7, 3), (16, 100), (256, 100), (100, 2), (101, 100)] {
            let shapes = try BatchShapes(
                questions: 4, regionStep: step, wordStep: 1, maximumRegions: maximum, maximumWords: 5)
            let fillers = shapes.fillerCount
            for rows in 4...4 + 2 * step {
                let lengths = try shapes.regionFilling(questions: 4).lengths(behind: rows)
                #expect(lengths.count == fillers)
                #expect(lengths.allSatisfy { (1...maximum).contains($0) })
                #expect((rows + lengths.reduce(0, +)).isMultiple(of: step))
            }
            // One filler less could not take every remainder.
            #expect(fillers == 0 || fillers - 1 + step - 1 > (fillers - 1) * maximum)
        }
    }

    @Test("batches that are to be alike have the shapes of the largest of them, whatever the others have")
    func alike() throws {
        let shapes = try BatchShapes(
            questions: 4, regionStep: 8, wordStep: 6, maximumRegions: 9, maximumWords: 3, areAlike: true)
        // The last part has a question without a word.
        let texts = ["what", "what is this", "?!"]
        // None, for which one of zeros stands, the most, and something between; the last part has a question less.
        let counts = Array(repeating: 0, count: 4) + Array(repeating: 9, count: 4) + [1, 2, 3]
        var builder = try givenBuilder(
            counts.map { count in (0..<count).map { [1, Float($0)] } },
            questions: counts.indices.map { texts[$0 / 4] }, images: counts.indices.map { Int64($0) },
            maximumRegions: 9)
        builder.shapes = shapes
        let regions = try #require(
            try ResidentRegions.Plan([builder]).load(on: .cpu, computingType: .float32))
        builder = try builder.using(regions)
        let parts = [0..<4, 4..<8, 8..<11].map(Array.init)
        let batches = try parts.map { try builder.batch(rows: $0, alike: parts).moved(to: .cpu) }
        let largest = try builder.batch(rows: parts[1]).moved(to: .cpu)
        for (batch, rows) in zip(batches, parts) {
            #expect(batch.count == rows.count && batch.count + batch.fillerCount == shapes.sequenceCount)
            #expect(try batch.regions.shape == largest.regions.shape)
            #expect(batch.words.shape == largest.words.shape)
            #expect(batch.wordSegments.masked?.shape == [shapes.sequenceCount])
            #expect(batch.form.dropFirst(2) == batches[0].form.dropFirst(2))
            #expect(batch.regionSegments.offsets.shape == largest.regionSegments.offsets.shape)
            #expect(
                batch.regionSegments.lengths.prefix(rows.count).elementsEqual(rows.map { max(1, counts[$0]) })
            )
            #expect(batch.regionSegments.lengths.max() ?? 0 <= 9)
            // Of the questions, those alone have a mask that have no word.
            let masks = try #require(batch.wordSegments.masked).converted(to: .float32).array(of: Float.self)
            #expect(masks.prefix(rows.count).elementsEqual(rows.map { texts[$0 / 4] == "?!" ? 1 : 0 }))
        }
    }

    @Test("batches with the same numbers of rows have the same shapes throughout")
    func sameShapes() throws {
        let builder = try builder(shapes())
        var found: [[Int]: Set<[[Int]]>] = [:]
        var lengths: Set<[Int]> = []
        for start in 0...16 {
            let batch = try builder.batch(rows: start..<start + 8)
            let tensors = [
                try batch.regions, try batch.boxes, batch.words, batch.regionSegments.offsets,
                batch.regionSegments.paddedPlaces, batch.regionSegments.paddingMask,
                batch.wordSegments.offsets, batch.wordSegments.paddedPlaces, batch.wordSegments.paddingMask,
                try batch.paddedRegions(), try batch.paddedWords(),
            ]
            #expect(try batch.regions.size(0).isMultiple(of: 8))
            #expect(batch.words.size(0).isMultiple(of: 6))
            let bucket = [batch.regionSegments.rowCount, batch.wordSegments.rowCount]
            found[bucket, default: []].insert(tensors.map(\.shape))
            lengths.insert(batch.regionSegments.lengths)
        }
        #expect(lengths.count > found.count)
        #expect(found.count > 1)
        #expect(found.values.allSatisfy { $0.count == 1 })
    }

    @Test("fillers are rows of zeros and padding behind the questions, and nothing else is changed")
    func contents() throws {
        let (plain, filled) = (try builder(nil), try builder(shapes()))
        for start in [0, 8, 16] {
            let (few, many) = (
                try plain.batch(rows: start..<start + 8), try filled.batch(rows: start..<start + 8)
            )
            let fillers = try shapes().fillerCount
            #expect(few.fillerCount == 0)
            #expect(many.fillerCount == fillers)
            #expect(many.count == 8)
            #expect(many.questionIDs == few.questionIDs)
            #expect(many.regionSegments.count == 8 + fillers)
            #expect(Array(many.regionSegments.lengths.prefix(8)) == few.regionSegments.lengths)
            #expect(Array(many.wordSegments.lengths.prefix(8)) == few.wordSegments.lengths)
            #expect(many.regionSegments.maximumLength == 9)
            #expect(many.wordSegments.maximumLength == 3)
            for (less, more) in [(try few.regions, try many.regions), (try few.boxes, try many.boxes)] {
                let (less, more) = (try less.array(of: Float.self), try more.array(of: Float.self))
                #expect(Array(more.prefix(less.count)) == less)
                #expect(more.dropFirst(less.count).allSatisfy { $0 == 0 })
            }
            let (less, more) = (
                try few.words.array(of: Int64.self), try many.words.array(of: Int64.self)
            )
            #expect(Array(more.prefix(less.count)) == less)
            #expect(more.dropFirst(less.count).allSatisfy { $0 == 0 })
            let masked = try #require(many.wordSegments.masked).array(of: Bool.self)
            #expect(try Array(masked.prefix(8)) == #require(few.wordSegments.masked).array(of: Bool.self))
            #expect(!masked.dropFirst(8).contains(true))
        }
    }

    @Test("a batch of fewer questions has a filler more for each that it lacks")
    func fewerQuestions() throws {
        let builder = try builder(shapes())
        let batch = try builder.batch(rows: 0..<3)
        #expect(batch.count == 3)
        #expect(batch.fillerCount == (try shapes().fillerCount) + 5)
        #expect(batch.regionSegments.count == (try shapes().sequenceCount))
        #expect(batch.regionSegments.lengths.allSatisfy { (1...9).contains($0) })
    }

    @Test("targets have a row a question and none for fillers")
    func targets() throws {
        let dataset = try OfficialDataset(MiniRun.datasets)
        let (vocabulary, answers) = (try dataset.vocabulary(), try dataset.answers())
        var builder = try BatchBuilder(
            examples: dataset.trainingExamples(
                [.train], vocabulary: vocabulary, answers: answers, maximumWords: 16),
            features: dataset.features([.train], maximumRegions: 40), answerCount: answers.count,
            featureWidth: 24, maximumRegions: 40, maximumWords: 16)
        builder.shapes = try BatchShapes(questions: 8, maximumRegions: 40, maximumWords: 16)
        #expect(try builder.batch(rows: 0..<8).targets?.shape == [8, answers.count])
    }

    @Test("more questions than the shapes have, and more regions or words in one, are errors")
    func tooMany() throws {
        let builder = try builder(shapes(questions: 3))
        #expect(throws: BatchShapesError.self) { try builder.batch(rows: 0..<4) }
        var narrow = builder
        narrow.shapes = try BatchShapes(
            questions: 8, regionStep: 4, wordStep: 4, maximumRegions: 4, maximumWords: 3)
        #expect(throws: TorchError.self) { try narrow.batch(rows: 0..<8) }
        narrow.shapes = try BatchShapes(
            questions: 8, regionStep: 4, wordStep: 4, maximumRegions: 9, maximumWords: 2)
        #expect(throws: TorchError.self) { try narrow.batch(rows: 0..<8) }
    }

    @Test(
        "steps and maxima that no fillers can fit are errors", arguments: [(0, 9), (16, 0), (16, 1), (-1, 9)])
    func impossible(step: Int, maximum: Int) {
        #expect(throws: BatchShapesError.self) {
            try BatchShapes(questions: 8, regionStep: step, maximumRegions: maximum, maximumWords: 3)
        }
        #expect(throws: BatchShapesError.self) {
            try BatchShapes(questions: 0, regionStep: 4, maximumRegions: 9, maximumWords: 3)
        }
    }

    @Test("a pinned batch needs a CUDA device", .enabled(if: Device.best == .cpu, "there is a GPU here"))
    func pinnedWithoutGPU() throws {
        var builder = try builder(nil)
        builder.isPinned = true
        #expect(throws: TorchError.self) { try builder.batch(rows: 0..<8) }
    }

    @Test(
        "all tensors of a pinned batch lie in page-locked memory, and it is the same batch",
        .enabled(if: GPU.isThere, GPU.isMissing))
    func pinned() throws {
        let plain = try builder(shapes())
        var pinned = plain
        pinned.isPinned = true
        let (expected, batch) = (try plain.batch(rows: 0..<8), try pinned.batch(rows: 0..<8))
        let segments = [batch.regionSegments, batch.wordSegments]
        let tensors =
            [try batch.regions, try batch.boxes, batch.words] + segments.map(\.paddedPlaces)
            + segments.map(\.paddingMask) + segments.compactMap(\.masked)
        for tensor in tensors { #expect(try tensor.isPinned) }
        for moved in [batch, try batch.moved(to: .best)] {
            #expect(
                try moved.regions.array(of: Float.self) == expected.regions.array(of: Float.self))
            #expect(try moved.words.array(of: Int64.self) == expected.words.array(of: Int64.self))
        }
    }
}
