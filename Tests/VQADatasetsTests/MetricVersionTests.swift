import Foundation
import TestSupport
import Testing
@testable import VQADatasets

/// The two forms of the official accuracy.
@Suite struct MetricVersionTests {
    private struct Expected: Decodable {
        let overall: Double
        let evalQA: [String: Double]
    }

    /// Questions 1, 2, ... with these answers.
    private func annotations(_ answers: [[String]]) throws -> AnnotationTable {
        try AnnotationTable(
            answers.enumerated().map { row, answers in
                Annotation(
                    questionID: .init(rawValue: Int64(row + 1)), imageID: .init(rawValue: 1),
                    questionType: "what is", answerType: "other", multipleChoiceAnswer: answers[0],
                    answers: answers.enumerated().map {
                        HumanAnswer(answer: $1, confidence: "yes", answerID: Int32($0 + 1))
                    })
            })
    }

    private func report(
        _ answers: [[String]], _ predictions: [String], _ version: MetricVersion
    ) throws -> AccuracyReport {
        try AccuracyMetric(annotations(answers), version: version).evaluate(
            predictions.enumerated().map {
                Prediction(questionID: .init(rawValue: Int64($0 + 1)), answer: $1)
            })
    }

    private func of(_ first: String, _ count: Int, _ second: String) -> [String] {
        Array(repeating: first, count: count) + Array(repeating: second, count: 10 - count)
    }

    @Test(
        "what people said, word for word, scores 100 by the metric since 2021, and not always by the release's"
    )
    func wordForWord() throws {
        let answers = [
            of("on the left", 6, "left"), of("The Old Bridge", 10, ""), of("two", 5, "2"), of("yes", 10, ""),
        ]
        let predictions = ["on the left", "The Old Bridge", "two", "yes"]
        let today = try report(answers, predictions, .vqa2021)
        #expect(today.perQuestion == [100, 100, 100, 100])
        #expect(today.metric == "vqa-2021")
        let release = try report(answers, predictions, .release)
        #expect(release.perQuestion == [0, 0, 100, 100])
        #expect(release.metric == "release")
    }

    @Test("600 awkward answers score as with the official metric since 2021, one by one")
    func equalsOfficial() throws {
        let expected = try TextFixtures.decode(
            Expected.self, from: TextFixtures.metric.appending(component: "expected_vqa_2021.json"))
        let metric = AccuracyMetric(
            try AnnotationTable(contentsOf: TextFixtures.metric.appending(component: "annotations.json")),
            version: .vqa2021)
        let report = try metric.evaluate(
            ResultFile.read(TextFixtures.metric.appending(component: "results.json")))
        #expect(report.overall == expected.overall)
        let perQuestion = zip(report.questionIDs.map(\.description), report.perQuestion)
        #expect(Dictionary(uniqueKeysWithValues: perQuestion) == expected.evalQA)
    }

    @Test(
        "since 2021, answers that all agree are compared as they were given, but for the white space around them"
    )
    func unanimousAnswers() throws {
        let answers = [of("The x,y", 5, "\tThe x,y\n"), of("The x,y", 10, ""), of("The x,y", 9, "z")]
        let found = try report(answers, [" The x,y ", "x y", "x y"], .vqa2021)
        #expect(found.perQuestion == [100, 0, 100])
    }

    @Test(
        "a metric kept in the cache scores as one made anew, and each has an entry of its own",
        arguments: MetricVersion.allCases)
    func cached(version: MetricVersion) throws {
        let folder = try TemporaryFolder()
        try FileManager.default.copyItem(
            at: MiniRun.datasets.appending(component: "vqa"), to: folder.url.appending(component: "vqa"))
        usleep(60_000)
        let dataset = try OfficialDataset(folder.url)
        let cache = PreparedCache(folder: folder.file("prepared"), smallestSource: 0)
        let predictions = try ResultFile.read(MiniRun.expected("val_result_epoch2.json"))
        let expected = try AccuracyMetric(dataset.annotations(.val), version: version).evaluate(predictions)
        for version in MetricVersion.allCases + [version, version] {
            let request = TrainingData.Request(
                splits: [.train], evaluatesVal: true, metric: version, maximumWords: 4)
            let data = try dataset.trainingData(request, cache: cache, onNotice: { Issue.record("\($0)") })
            let metric = try #require(data.validation).metric
            #expect(metric.name == version.rawValue)
            #expect(try metric.evaluate(predictions) == expected || version.rawValue != expected.metric)
        }
        #expect(try FileManager.default.contentsOfDirectory(atPath: cache.folder).count == 2)
    }
}
