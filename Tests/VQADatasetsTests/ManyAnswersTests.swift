import Foundation
import Testing
@testable import VQADatasets

/// Files whose work would grow with the square of their length.
@Suite struct ManyAnswersTests {
    private func table(_ answers: [HumanAnswer]) throws -> AnnotationTable {
        try AnnotationTable([
            Annotation(
                questionID: .init(rawValue: 1), imageID: .init(rawValue: 1), questionType: "what",
                answerType: "other", multipleChoiceAnswer: "x", answers: answers)
        ])
    }

    /// What the official metric gives, one answer after the other.
    private func expected(_ answer: String, _ answers: [HumanAnswer]) -> Double {
        let scores = answers.map { own in
            let others = answers.filter { $0 != own && $0.answer == answer }
            return min(1, Double(others.count) / 3)
        }
        return roundedToTwoDecimals(100 * scores.reduce(0, +) / Double(scores.count))
    }

    @Test(
        "many answers to a question score as few do", arguments: [60, 65, 300], MetricVersion.allCases)
    func sameScores(count: Int, version: MetricVersion) throws {
        var state: UInt64 = 7
        func next(_ limit: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % limit
        }
        let answers = (0..<count).map { _ in
            HumanAnswer(
                answer: "w\(next(count / 2))", confidence: ["yes", "no"][next(2)], answerID: Int32(next(4)))
        }
        let metric = AccuracyMetric(try table(answers), version: version)
        for word in 0..<count / 2 {
            let predicted = [Prediction(questionID: .init(rawValue: 1), answer: "w\(word)")]
            #expect(try metric.evaluate(predicted).overall == expected("w\(word)", answers))
        }
    }

    @Test("a question with 100,000 different answers is scored, and learned from", .timeLimit(.minutes(1)))
    func hundredThousand() throws {
        let answers = (0..<100_000).map { HumanAnswer(answer: "a\($0)", confidence: "yes", answerID: 1) }
        let table = try table(answers)
        for version in MetricVersion.allCases {
            let metric = AccuracyMetric(table, version: version)
            #expect(
                try metric.evaluate([.init(questionID: .init(rawValue: 1), answer: "a7")]).overall == 33.33)
        }
        let targets = SoftTargets(annotations: table, answers: try AnswerList(answers: answers.map(\.answer)))
        #expect(targets[0].count { $1 == 0.3 } == 100_000)
    }

    @Test("a row's targets are the same for few answers and for many")
    func targets() throws {
        let words = (0..<200).map { "w\($0 % 70)" }
        let list = try AnswerList(answers: (0..<70).map { "w\($0)" })
        let many = SoftTargets(
            annotations: try table(words.map { HumanAnswer(answer: $0, confidence: "", answerID: 1) }),
            answers: list)
        #expect(many[0].map(\.0.rawValue) == Array(0..<70))
        #expect(many[0].map(\.1) == (0..<70).map { $0 < 60 ? 0.9 : 0.6 })
    }

    @Test("strings made to have one hash without a seed are told apart in no time", .timeLimit(.minutes(1)))
    func collidingStrings() {
        // The second word is the state that the first one leaves, which makes the product 0.
        let factor: UInt64 = 0x9E37_79B9_7F4A_7C15
        var index = StringIndex()
        var areDifferent = true
        for first in 0..<UInt64(200_000) {
            let product = (16 ^ 0xA076_1D64_78BD_642F ^ first).multipliedFullWidth(by: factor)
            let second = product.high ^ product.low &+ factor
            let bytes = withUnsafeBytes(of: (first, second)) { Array($0) }
            areDifferent = areDifferent && index.intern(bytes[...]) == first
        }
        #expect(areDifferent)
    }

    @Test("ids made to belong to one place without a seed are found in no time", .timeLimit(.minutes(1)))
    func collidingIDs() throws {
        // The inverse of the factor, by Newton's method: products that are small have nothing in their upper halves.
        let factor: UInt64 = 0x9E37_79B9_7F4A_7C15
        var inverse = factor
        for _ in 0..<6 { inverse = inverse &* (2 &- factor &* inverse) }
        let ids = (0..<200_000 as Range<UInt64>).map {
            QuestionID(rawValue: Int64(bitPattern: $0 &* inverse))
        }
        let rows = try RowIndex(of: ids)
        #expect(ids.indices.allSatisfy { rows[ids[$0]] == $0 })
    }

    @Test("an answer list that has no end is refused")
    func endlessList() {
        let error = #expect(throws: (any Error).self) {
            try AnswerList(contentsOf: URL(fileURLWithPath: "/dev/zero"))
        }
        #expect(error.map { "\($0)" }?.contains("at most 67108864 bytes") == true)
    }
}
