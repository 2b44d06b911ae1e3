import Foundation
import Testing
@testable import TextFiles
@testable import VQADatasets
@testable import VQAFeatures

@Suite struct AnnotationTableTests {
    private func readError(_ text: String) throws -> DatasetFileError? {
        try fileError(text) { _ = try AnnotationTable(contentsOf: $0) }
    }

    private func record(_ changes: [String: String] = [:]) -> String {
        var members = [
            "question_id": "5", "image_id": "1", "question_type": #""is the""#, "answer_type": #""other""#,
            "multiple_choice_answer": #""yes""#,
            "answers": #"[{"answer": "yes", "answer_confidence": "maybe", "answer_id": 1}]"#,
        ]
        members.merge(changes) { $1 }
        return "{" + members.map { #""\#($0.key)": \#($0.value)"# }.joined(separator: ", ") + "}"
    }

    @Test("an annotation file keeps its annotations in order, with every answer record")
    func readsAnnotations() throws {
        let annotations = try TextFixtures.annotations(.train)
        #expect(annotations.count == 252)
        let first = annotations[0]
        #expect(first.questionID.rawValue == 339_564_000)
        #expect(first.imageID.rawValue == 339564)
        #expect(first.questionType == "where is the")
        #expect(first.answerType == "other")
        #expect(first.multipleChoiceAnswer == "park, left")
        #expect(first.answers.count == 10)
        #expect(first.answers[5] == HumanAnswer(answer: "park, left!", confidence: "maybe", answerID: 6))
    }

    @Test("annotations may have any number of answers, as in Visual Genome")
    func readsOtherCounts() throws {
        let annotations = try TextFixtures.annotations(.visualGenome)
        #expect(annotations.count == 20)
        #expect(annotations[0].answers.count == 4)
    }

    @Test("every annotation finds its question")
    func findsQuestions() throws {
        let questions = try TextFixtures.questions(.train)
        let annotations = try TextFixtures.annotations(.train)
        let rows = try annotations.questionRows(in: questions)
        #expect(rows.map { questions.ids[$0] } == annotations.questionIDs)
    }

    @Test("annotations without questions are an error that names some")
    func missingQuestions() throws {
        let annotations = try TextFixtures.annotations(.train)
        let questions = try QuestionTable(try TextFixtures.questions(.train).dropLast(7))
        #expect {
            try annotations.questionRows(in: questions)
        } throws: { error in
            "\(error)".hasPrefix("7 annotations have no question: question ids ")
                && "\(error)".hasSuffix(", ...")
        }
    }

    @Test("a table made from annotations holds the same as the file they came from")
    func roundTrips() throws {
        let annotations = try TextFixtures.annotations(.val)
        #expect(try Array(AnnotationTable(Array(annotations))) == Array(annotations))
    }

    @Test("an annotation without answers is refused in tables made from values too")
    func refusesUnanswered() {
        let annotation = Annotation(
            questionID: QuestionID(rawValue: 3), imageID: ImageID(rawValue: 1), questionType: "",
            answerType: "",
            multipleChoiceAnswer: "", answers: [])
        #expect(throws: UnansweredError(id: annotation.questionID)) { try AnnotationTable([annotation]) }
    }

    @Test(
        "a wrong annotation is an error that says which member and why",
        arguments: [
            (["answers": "[]"], "annotations[1].answers is empty"),
            (["answers": #""yes""#], "annotations[1].answers should be an array, found a string"),
            (["answers": #"["yes"]"#], "annotations[1].answers[0] should be an object"),
            (
                ["answers": #"[{"answer_confidence": "yes", "answer_id": 1}]"#],
                #"annotations[1].answers[0] has no "answer""#
            ),
            (
                ["answers": #"[{"answer": null, "answer_confidence": "", "answer_id": 1}]"#],
                "annotations[1].answers[0].answer should be a string, found null"
            ),
            (
                ["answers": #"[{"answer": 1x, "answer_confidence": "", "answer_id": 1}]"#],
                "annotations[1].answers[0].answer should be a string or a number, found"
            ),
            (
                ["answers": #"[{"answer": "", "answer_confidence": "", "answer_id": 3000000000}]"#],
                "annotations[1].answers[0].answer_id should be a 32-bit integer, found 3000000000"
            ),
            (["answer_type": "{}"], "annotations[1].answer_type should be a string, found an object"),
            (["question_id": "5"], "annotations[0] and annotations[1] have the same question_id 5"),
        ])
    func wrongAnnotation(changes: [String: String], problem: String) throws {
        let second = record(["question_id": "6"].merging(changes) { $1 })
        let error = try #require(try readError(#"{"annotations": [\#(record()), \#(second)]}"#))
        #expect(error.location == .record(1))
        #expect(error.problem.contains(problem))
    }

    @Test("a question file in place of an annotation file is an error that says so")
    func wrongKind() throws {
        #expect {
            try AnnotationTable(contentsOf: TextFixtures.layout.questions(of: .train))
        } throws: { error in
            "\(error)".hasSuffix(#"train2014_questions.json: has no "annotations" array"#)
        }
    }
}
