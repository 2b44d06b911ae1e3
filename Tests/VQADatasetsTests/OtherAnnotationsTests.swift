import Foundation
import Testing
@testable import VQADatasets

/// Annotations as OK-VQA and others hand them out.
@Suite struct OtherAnnotationsTests {
    private func table(_ records: String...) throws -> AnnotationTable {
        try withFile(#"{"annotations": [\#(records.joined(separator: ","))]}"#) {
            try AnnotationTable(contentsOf: $0)
        }
    }

    private func record(_ id: Int, answers: [String], more: String = "") -> String {
        let records = answers.map { #"{"answer": \#($0), "raw_answer": "raw"}"# }.joined(separator: ", ")
        return #"{"question_id": \#(id), "image_id": 1, "answers": [\#(records)]\#(more)}"#
    }

    @Test("without multiple_choice_answer the most frequent answer counts, the first of equals")
    func mostFrequentAnswer() throws {
        let annotations = try table(
            record(1, answers: [#""wave""#, #""surf""#, #""surf""#]),
            record(2, answers: [#""b""#, #""a""#, #""a""#, #""b""#]),
            record(3, answers: [#""race""#]),
            record(4, answers: [#""x""#, #""x""#], more: #", "multiple_choice_answer": "y""#))
        #expect(annotations.map(\.multipleChoiceAnswer) == ["surf", "b", "race", "y"])
        let list = AnswerList(annotations: [annotations], seenMoreThan: 0)
        #expect(list.answers == ["surf", "b", "race", "y"])
    }

    @Test("types, confidences and answer ids that are left out have neutral values")
    func neutralValues() throws {
        let annotation = try table(record(1, answers: [#""a""#, #""b""#, #""a""#]))[0]
        #expect(annotation.questionType == "none of the above")
        #expect(annotation.answerType == "other")
        #expect(annotation.answers.map(\.confidence) == ["", "", ""])
        #expect(annotation.answers.map(\.answerID) == [1, 2, 3])
    }

    @Test("answers without ids are those of different people, so that what all say scores 100")
    func answersWithoutIDs() throws {
        let annotations = try table(
            record(1, answers: Array(repeating: #""race""#, count: 10)),
            record(2, answers: Array(repeating: #""race""#, count: 12)))
        let report = try AccuracyMetric(annotations).evaluate(
            annotations.questionIDs.map { Prediction(questionID: $0, answer: "race") })
        #expect(report.perQuestion == [100, 100])
    }

    @Test("answers that are numbers are read as they are written")
    func numbers() throws {
        let annotation = try table(
            record(
                1, answers: ["2", "2.50 ", "-1e3", "99999999999999999999"],
                more: #", "multiple_choice_answer": 2"#))[0]
        #expect(annotation.answers.map(\.answer) == ["2", "2.50", "-1e3", "99999999999999999999"])
        #expect(annotation.multipleChoiceAnswer == "2")
    }
}
