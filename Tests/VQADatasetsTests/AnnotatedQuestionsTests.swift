import Foundation
import TestSupport
import Testing
@testable import VQADatasets

/// val questions of which some are not annotated.
@Suite struct AnnotatedQuestionsTests {
    private let folder: TemporaryFolder
    private let dataset: OfficialDataset

    init() throws {
        folder = try TemporaryFolder()
        try FileManager.default.copyItem(
            at: MiniRun.datasets.appending(component: "vqa"), to: folder.url.appending(component: "vqa"))
        dataset = try OfficialDataset(folder.url)
    }

    /// Keeps only the records at some places of a file of val.
    private func keep(_ name: String, in file: URL?, where isKept: (Int) -> Bool) throws {
        let file = try #require(file)
        var content = try #require(
            try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
        let records = try #require(content[name] as? [Any])
        content[name] = records.enumerated().filter { isKept($0.offset) }.map(\.element)
        try JSONSerialization.data(withJSONObject: content).write(to: file)
    }

    private static let request = TrainingData.Request(splits: [.train], evaluatesVal: true, maximumWords: 16)

    @Test(
        "val holds the annotated questions alone, in their order, and tells which are left out, also out of the cache"
    )
    func leftOut() throws {
        let whole = try dataset.examples(.val, vocabulary: dataset.vocabulary(), maximumWords: 16)
        try keep("annotations", in: dataset.layout.annotations(of: .val)) { $0 % 9 != 4 }
        usleep(60_000)
        let changed = try OfficialDataset(folder.url)
        let cache = PreparedCache(folder: folder.file("prepared"), smallestSource: 0)
        let annotated = Set(try changed.annotations(.val).questionIDs)
        #expect(annotated.count == 64)
        for _ in 0..<2 {
            let data = try changed.trainingData(
                Self.request, cache: cache, onNotice: { Issue.record("\($0)") })
            let val = try #require(data.validation)
            #expect(val.examples.questionIDs == whole.questionIDs.filter { annotated.contains($0) })
            #expect(val.leftOut == whole.questionIDs.filter { !annotated.contains($0) })
            for (row, question) in val.examples.questionIDs.enumerated() {
                let old = try #require(whole.questionIDs.firstIndex(of: question))
                #expect(val.examples.words(of: row) == whole.words(of: old))
                #expect(val.examples.imageIDs[row] == whole.imageIDs[old])
            }
            let predictions = val.examples.questionIDs.map { Prediction(questionID: $0, answer: "yes") }
            #expect(try val.metric.evaluate(predictions).questionIDs.count == 64)
            #expect(
                val.notice?.hasPrefix("8 of 72 questions have no annotation, and are not evaluated: ") == true
            )
        }
    }

    @Test("where all questions are annotated nothing is left out, and nothing told")
    func complete() throws {
        let val = try dataset.annotatedQuestions(.val, vocabulary: dataset.vocabulary(), maximumWords: 16)
        #expect(val.examples.count == 72 && val.leftOut.isEmpty && val.notice == nil)
    }

    @Test(
        "an annotated val question that is not there is refused before any training, with the file and the question"
    )
    func missingQuestion() throws {
        let first = try dataset.questions(.val).ids[0]
        let file = dataset.layout.questions(of: .val)
        try keep("questions", in: file) { $0 != 0 }
        let changed = try OfficialDataset(folder.url)
        let expected = "\(file.path): 1 annotations have no question: question ids \(first)"
        #expect {
            try changed.trainingData(Self.request)
        } throws: {
            "\($0)" == expected
        }
        #expect {
            try changed.annotatedQuestions(.val, vocabulary: Vocabulary(questions: []), maximumWords: 16)
        } throws: {
            "\($0)" == expected
        }
    }

    @Test("annotations of nothing are refused before any training, with the file")
    func noAnnotations() throws {
        let file = try #require(dataset.layout.annotations(of: .val))
        try keep("annotations", in: file) { _ in false }
        #expect {
            try OfficialDataset(folder.url).trainingData(Self.request)
        } throws: {
            "\($0)" == "\(file.path): \(EvaluationError.noAnnotations)"
        }
    }
}
