import Foundation
import Testing
@testable import VQADatasets

@Suite struct AccuracyMetricTests {
    private struct Expected: Decodable {
        struct Accuracy: Decodable {
            let overall: Double
            let perQuestionType: [String: Double]
            let perAnswerType: [String: Double]
        }
        let accuracy: Accuracy
        let evalQA: [String: Double]
    }

    private static let metricFile = TextFixtures.metric.appending(component: "annotations.json")

    /// One question with these answers, each of a record of its own.
    private func metric(_ answers: [String], ids: [Int32]? = nil) throws -> AccuracyMetric {
        AccuracyMetric(
            try AnnotationTable([
                Annotation(
                    questionID: .init(rawValue: 1), imageID: .init(rawValue: 1), questionType: "what",
                    answerType: "other", multipleChoiceAnswer: "x",
                    answers: answers.enumerated().map {
                        HumanAnswer(answer: $1, confidence: "yes", answerID: ids?[$0] ?? Int32($0))
                    })
            ]))
    }

    private func accuracy(_ answer: String, _ metric: AccuracyMetric) throws -> Double {
        try metric.evaluate([Prediction(questionID: .init(rawValue: 1), answer: answer)]).overall
    }

    @Test("600 awkward answers score exactly as with the official metric, overall, by type and one by one")
    func equalsOfficial() throws {
        let expected = try TextFixtures.decode(
            Expected.self, from: TextFixtures.metric.appending(component: "expected.json"))
        let metric = AccuracyMetric(try AnnotationTable(contentsOf: Self.metricFile))
        let predictions = try ResultFile.read(TextFixtures.metric.appending(component: "results.json"))
        for order in [predictions, predictions.reversed()] {
            let report = try metric.evaluate(order)
            #expect(report.overall == expected.accuracy.overall)
            #expect(report.perQuestionType == expected.accuracy.perQuestionType)
            #expect(report.perAnswerType == expected.accuracy.perAnswerType)
            let perQuestion = zip(report.questionIDs.map(\.description), report.perQuestion)
            #expect(Dictionary(uniqueKeysWithValues: perQuestion) == expected.evalQA)
        }
    }

    @Test("the official release's predictions on val score what its log says")
    func equalsEpoch() throws {
        struct Epoch: Decodable {
            let epoch: Int
            let overall: Double
            let perAnswerType: [String: Double]
        }
        let epochs = try TextFixtures.decode(
            [Epoch].self, from: TextFixtures.mini.appending(path: "expected/epochs.json"))
        let expected = try #require(epochs.first { $0.epoch == 2 })
        let predictions = try ResultFile.read(
            TextFixtures.mini.appending(path: "expected/val_result_epoch2.json"))
        let report = try AccuracyMetric(TextFixtures.annotations(.val)).evaluate(predictions)
        #expect(report.overall == expected.overall)
        #expect(report.perAnswerType == expected.perAnswerType)
    }

    @Test("an answer is compared with the other people's, equal records apart")
    func comparesWithOthers() throws {
        let answers = ["cat", "cat", "cat", "dog", "dog"]
        // Of the three who said cat two others agree; both who said dog see three.
        #expect(try accuracy("cat", metric(answers)) == 80)
        // All the same record: those who said cat see no other who did.
        #expect(try accuracy("cat", metric(answers, ids: [1, 1, 1, 2, 3])) == 40)
        #expect(try accuracy("bird", metric(answers)) == 0)
    }

    @Test("answers that all agree are compared as they were given, others without punctuation")
    func normalisesOnlyDisagreement() throws {
        #expect(try accuracy("x,y", metric(["x,y", "x,y", "x,y", "x,y"])) == 0)
        #expect(try accuracy("x,y", metric(["x,y", "x,y", "x,y", "x,y", "z"])) == 100)
        #expect(try accuracy("\n the X-y\t", metric(["x,y", "x,y", "x,y", "x,y", "z"])) == 100)
    }

    @Test("questions that are left out need no prediction, and the accuracies are those of the others")
    func leavesOut() throws {
        let metric = AccuracyMetric(try AnnotationTable(contentsOf: Self.metricFile))
        let all = try ResultFile.read(TextFixtures.metric.appending(component: "results.json"))
        let whole = try metric.evaluate(all)
        let leftOut = Set(whole.questionIDs.prefix(40))
        let report = try metric.evaluate(
            all.filter { !leftOut.contains($0.questionID) }, leavingOut: leftOut)
        #expect(report.leftOutCount == 40)
        #expect(report.questionIDs == Array(whole.questionIDs.dropFirst(40)))
        #expect(report.perQuestion == Array(whole.perQuestion.dropFirst(40)))
        let mean = report.perQuestion.reduce(0, +) / Double(report.perQuestion.count)
        #expect(abs(report.overall - mean) < 0.02)
        #expect(whole.leftOutCount == 0)
        // Others may not be missing.
        #expect(throws: EvaluationError.self) {
            try metric.evaluate(
                all.filter { !leftOut.contains($0.questionID) }, leavingOut: Set(leftOut.dropFirst()))
        }
        #expect(throws: EvaluationError.allLeftOut(600)) {
            try metric.evaluate([], leavingOut: Set(whole.questionIDs))
        }
    }

    @Test("predictions that do not cover the annotated questions exactly are an error that names some")
    func checksCoverage() throws {
        let metric = AccuracyMetric(try AnnotationTable(contentsOf: Self.metricFile))
        let all = try ResultFile.read(TextFixtures.metric.appending(component: "results.json"))
            .sorted { $0.questionID < $1.questionID }
        var predictions = Array(all.dropFirst(7))
        predictions.append(predictions[0])
        predictions.append(Prediction(questionID: .init(rawValue: 5), answer: "x"))
        #expect {
            try metric.evaluate(predictions)
        } throws: { error in
            "\(error)" == """
                predictions must cover the annotated questions exactly: \
                7 not predicted (1000, 1001, 1002, 1003, 1004, ...); 1 not annotated (5); \
                1 predicted more than once (1007)
                """
        }
    }

    @Test("types that differ only in how their accents are written are reported as one")
    func mergesEqualTypes() throws {
        let annotations = ["caf\u{E9}", "cafe\u{301}"].enumerated().map { number, type in
            Annotation(
                questionID: .init(rawValue: Int64(number)), imageID: .init(rawValue: 1), questionType: type,
                answerType: type, multipleChoiceAnswer: "x",
                answers: (0..<4).map { HumanAnswer(answer: "x", confidence: "yes", answerID: $0) })
        }
        let report = try AccuracyMetric(AnnotationTable(annotations)).evaluate([
            Prediction(questionID: .init(rawValue: 0), answer: "x"),
            Prediction(questionID: .init(rawValue: 1), answer: "y"),
        ])
        #expect(report.perQuestionType == ["caf\u{E9}": 50])
        #expect(report.perAnswerType.count == 1)
    }

    @Test("without annotations there is nothing to evaluate")
    func refusesEmptyAnnotations() throws {
        let metric = AccuracyMetric(try AnnotationTable([]))
        #expect(throws: EvaluationError.noAnnotations) { try metric.evaluate([]) }
    }

    @Test(
        "numbers are rounded as Python's round(x, 2) does, by their exact value",
        arguments: [
            (0.125, 0.12), (0.375, 0.38), (2.675, 2.67), (1.005, 1.0), (1.115, 1.11), (33.335, 33.34),
            (66.665, 66.67), (0.285, 0.28), (14.285, 14.29), (100, 100), (0, 0), (59.99999, 60),
            (100.0 / 3, 33.33),
        ] as [(Double, Double)])
    func rounds(value: Double, expected: Double) {
        #expect(roundedToTwoDecimals(value) == expected)
    }
}
