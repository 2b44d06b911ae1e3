import Foundation
import TestSupport
import Testing

@testable import VisualQuestionAnswering

/// Calibration and bootstrap, held against numpy (`Fixtures/reports`), and what charts are made of.
@Suite struct ReportStatisticsTests {
    private struct Expected: Decodable {
        struct Bin: Decodable {
            let questions: Int
            let confidence, accuracy: Double
        }
        struct Figures: Decodable {
            let difference, low, high, p_value: Double
        }
        struct Bootstrap: Decodable {
            let differences: [Double]
            let resamples: Int
            let counted, numpy: Figures
        }
        let confidence, accuracy: [Double]
        let expected_calibration_error, mean_confidence: Double
        let bins: [Bin]
        let bootstraps: [Bootstrap]
    }

    private static func expected() throws -> Expected {
        try JSONDecoder().decode(
            Expected.self, from: Data(contentsOf: Fixtures.url("reports/statistics.json")))
    }

    @Test("the expected calibration error and its bins are numpy's")
    func calibration() throws {
        let expected = try Self.expected()
        let found = Calibration(confidences: expected.confidence, accuracies: expected.accuracy)
        #expect(abs(found.expectedError - expected.expected_calibration_error) < 1e-12)
        #expect(abs(found.meanConfidence - expected.mean_confidence) < 1e-12)
        #expect(found.bins.map(\.questions) == expected.bins.map(\.questions))
        for (bin, other) in zip(found.bins, expected.bins) {
            #expect(abs(bin.confidence - other.confidence) < 1e-12)
            #expect(abs(bin.accuracy - other.accuracy) < 1e-12)
        }
    }

    @Test("a bootstrap is numpy's with the same random numbers, and near to it with others", arguments: 0..<3)
    func bootstrap(number: Int) throws {
        let expected = try Self.expected().bootstraps[number]
        let found = PairedBootstrap(expected.differences, resamples: expected.resamples)
        let same = expected.counted
        #expect(abs(found.difference - same.difference) < 1e-9)
        #expect(abs(found.low - same.low) < 1e-9 && abs(found.high - same.high) < 1e-9)
        #expect(abs(found.pValue - same.p_value) < 1e-12)
        let (other, width) = (expected.numpy, same.high - same.low)
        #expect(abs(found.low - other.low) < 0.06 * width && abs(found.high - other.high) < 0.06 * width)
        #expect(abs(found.pValue - other.p_value) < 0.05)
    }

    @Test("answers that are alike differ by nothing, and those of one side that are all better really do")
    func plainCases() {
        let same = PairedBootstrap(Array(repeating: 0, count: 50))
        #expect(same.pValue == 1 && same.low == 0 && same.high == 0 && !same.isReal)
        let better = PairedBootstrap(Array(repeating: 100, count: 50))
        #expect(better.isReal && better.low == 100 && better.pValue < 0.001)
        #expect(PairedBootstrap([100], resamples: 100).difference == 100)
    }

    @Test(
        "an axis has a few round numbers around the values",
        arguments: [
            (0.0, 1.0), (0.9931, 0.9995), (3.45, 7.78), (2e-5, 4e-4), (5, 5), (0, 0), (-3, 250), (1e9, 3e9),
        ])
    func ticks(least: Double, most: Double) {
        let ticks = Ticks(from: least, to: most)
        #expect((2...9).contains(ticks.values.count))
        #expect(ticks.lowest <= least && ticks.highest >= most)
        #expect(zip(ticks.values, ticks.values.dropFirst()).allSatisfy { $0 < $1 })
    }

    @Test("text that looks like HTML stays text")
    func escaping() {
        #expect(HTMLText.escaped("<b a=\"1\">&\u{1}é") == "&lt;b a=&quot;1&quot;&gt;&amp;\u{FFFD}é")
    }

    @Test("of mistakes the surest come first, one an image")
    func surest() {
        func mistake(_ image: Int64, _ score: Double) -> AnsweredQuestion {
            AnsweredQuestion(
                id: QuestionID(rawValue: image * 10),
                question: ReadableQuestion(image: ImageID(rawValue: image), text: "?", answer: nil),
                answers: [ScoredAnswer(text: "yes", score: score, lead: nil)], accuracy: 0)
        }
        let found = EvaluationReport.surest(
            [mistake(1, 0.5), mistake(2, 0.9), mistake(2, 0.8), mistake(3, 0.7), mistake(4, 0.5)], 3)
        #expect(found.map(\.question.image.rawValue) == [2, 3, 1])
    }
}
