import TestSupport
import Testing
import Torch
@testable import VQABatches
@testable import VQADatasets
@testable import VQAFeatures

/// Questions, features and targets put together to packed batches.
@Suite struct BatchBuilderTests {
    @Test("rows of all pictures lie one below the other, boxes as fractions of the picture")
    func packed() throws {
        let builder = try givenBuilder(
            [[[1, 2], [3, 4]], [[5, 6]]], questions: ["What is this?", "is?", "What"], images: [0, 1, 0])
        let batch = try builder.batch(rows: [0, 1, 2])
        #expect(batch.questionIDs.map(\.rawValue) == [100, 101, 102])
        #expect(try batch.regions.array(of: Float.self) == [1, 2, 3, 4, 5, 6, 1, 2, 3, 4])
        #expect(batch.regionSegments.lengths == [2, 1, 2])
        let second: [Float] = [1.0 / 40, 10.0 / 50, 21.0 / 40, 30.0 / 50]
        #expect(try batch.boxes[1].array(of: Float.self) == second)
        #expect(try batch.words.array(of: Int64.self) == [2, 3, 4, 3, 2])
        #expect(batch.wordSegments.lengths == [3, 1, 1])
        #expect(batch.wordSegments.masked == nil)
        #expect(batch.targets == nil)
    }

    @Test("any rows can be asked for, in any order")
    func chosenRows() throws {
        let builder = try givenBuilder([[[1, 1]], [[2, 2]]], questions: ["what", "is"], images: [0, 1])
        let batch = try builder.batch(rows: [1, 0, 1])
        #expect(batch.questionIDs.map(\.rawValue) == [101, 100, 101])
        #expect(try batch.regions.array(of: Float.self) == [2, 2, 1, 1, 2, 2])
        #expect(try batch.words.array(of: Int64.self) == [3, 2, 3])
    }

    @Test("a region of nothing but zeros is padding and left out, with its box")
    func zeroRows() throws {
        let builder = try givenBuilder(
            [[[0, 0], [0, 7], [0, 0], [-1, 0]]], questions: ["what"], images: [0])
        let batch = try builder.batch(rows: [0])
        #expect(try batch.regions.array(of: Float.self) == [0, 7, -1, 0])
        #expect(abs(try batch.boxes[0, 0].item() * 40 - 1) < 1e-5)
        #expect(abs(try batch.boxes[1, 0].item() * 40 - 3) < 1e-5)
    }

    @Test("the first regions are kept where there are too many")
    func tooManyRegions() throws {
        let builder = try givenBuilder(
            [[[0, 0], [1, 1], [2, 2]]], questions: ["what"], images: [0], maximumRegions: 2)
        #expect(try builder.batch(rows: [0]).regions.array(of: Float.self) == [1, 1])
    }

    @Test("a picture without a region takes one row of zeros", arguments: [[], [[0, 0], [0, 0]]])
    func withoutRegions(regions: [[Float]]) throws {
        let builder = try givenBuilder([regions, [[5, 6]]], questions: ["what", "is"], images: [0, 1])
        let batch = try builder.batch(rows: [0, 1])
        #expect(batch.regionSegments.lengths == [1, 1])
        #expect(try batch.regions.array(of: Float.self) == [0, 0, 5, 6])
        #expect(try batch.boxes[0].array(of: Float.self) == [0, 0, 0, 0])
    }

    @Test("a question without a word takes max_token rows of padding, all masked")
    func withoutWords() throws {
        let builder = try givenBuilder([[[1, 2]]], questions: ["?!", "what is"], images: [0, 0])
        let batch = try builder.batch(rows: [0, 1])
        #expect(try batch.words.array(of: Int64.self) == [0, 0, 0, 2, 3])
        #expect(batch.wordSegments.lengths == [3, 2])
        #expect(try #require(batch.wordSegments.masked).array(of: Bool.self) == [true, false])
    }

    @Test("words that are not known are UNK, and those over max_token are dropped")
    func unknownWords() throws {
        let builder = try givenBuilder([[[1, 2]]], questions: ["what zebra is this"], images: [0])
        #expect(try builder.batch(rows: [0]).words.array(of: Int64.self) == [2, 1, 3])
    }

    @Test("features of another width are an error with the picture and both widths")
    func otherWidth() throws {
        let builder = try givenBuilder([[[1, 2]]], questions: ["what"], images: [0], width: 3)
        let error = #expect(throws: FeatureWidthError.self) { try builder.batch(rows: [0]) }
        #expect(try #require(error).expected == 3)
        #expect(try #require(error).found == 2)
        #expect(try #require(error).image.rawValue == 0)
    }

    @Test("pictures without features are found before any batch is made, and the place is named")
    func missing() throws {
        let error = #expect(throws: MissingFeaturesError.self) {
            try givenBuilder([[[1, 2]]], questions: ["a", "b", "c", "d"], images: [0, 8, 3, 8])
        }
        #expect(try #require(error).images.map(\.rawValue) == [3, 8])
        #expect(try #require(error).description == "memory: 2 of 3 images have no features: 3, 8")
    }

    @Test("targets hold the soft score of each answer in the list, and zeros")
    func targets() throws {
        let dataset = try OfficialDataset(MiniRun.datasets)
        let (vocabulary, answers) = (try dataset.vocabulary(), try dataset.answers())
        let examples = try dataset.trainingExamples(
            [.train], vocabulary: vocabulary, answers: answers, maximumWords: 16)
        let builder = try BatchBuilder(
            examples: examples, features: dataset.features([.train], maximumRegions: 40),
            answerCount: answers.count, featureWidth: 24, maximumRegions: 40, maximumWords: 16)
        let batch = try builder.batch(rows: 0..<8)
        let targets = try #require(batch.targets)
        #expect(targets.shape == [8, answers.count])
        let annotations = try dataset.annotations(.train)
        for row in 0..<8 {
            var counts: [String: Int] = [:]
            for answer in annotations[row].answers {
                counts[AnswerNormalizer.normalize(answer.answer), default: 0] += 1
            }
            let expected = answers.answers.map { [0, 0.3, 0.6, 0.9, 1][min(counts[$0] ?? 0, 4)] as Float }
            #expect(try targets[.position(row)].array(of: Float.self) == expected)
        }
    }
}
