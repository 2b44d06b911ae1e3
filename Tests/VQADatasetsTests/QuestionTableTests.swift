import Foundation
import TestSupport
import Testing
@testable import TextFiles
@testable import VQADatasets
@testable import VQAFeatures

@Suite struct QuestionTableTests {
    private func readError(_ text: String) throws -> DatasetFileError? {
        try fileError(text) { _ = try QuestionTable(contentsOf: $0) }
    }

    @Test("a question file keeps its questions in order, with their images")
    func readsQuestions() throws {
        let questions = try TextFixtures.questions(.train)
        #expect(questions.count == 252)
        let first = Question(
            id: QuestionID(rawValue: 561_914_016), imageID: ImageID(rawValue: 561914),
            text: "Does this bench's photo look old/new?")
        #expect(questions[0] == first)
    }

    @Test("a question is found by its id, and an unknown id is not")
    func findsRows() throws {
        let questions = try TextFixtures.questions(.val)
        for row in questions.indices { #expect(questions.row(of: questions.ids[row]) == row) }
        #expect(questions.row(of: QuestionID(rawValue: -1)) == nil)
    }

    @Test("the questions may stand anywhere in the file's object, their members in any order")
    func ignoresWhatItDoesNotKnow() throws {
        let text = #"""
            {"info": {"a": ["}", {"\"": "]"}]}, "questions" : [
              {"question": "caf\u00e9 \"x\"?", "extra": [{"question_id": 9}], "image_id": -3, "question_id": 7} ],
             "license": null}
            """#
        let questions = try withFile(text) { try QuestionTable(contentsOf: $0) }
        #expect(
            Array(questions) == [
                Question(id: QuestionID(rawValue: 7), imageID: ImageID(rawValue: -3), text: "café \"x\"?")
            ])
    }

    @Test("an empty list of questions is a table without rows")
    func readsNoQuestions() throws {
        #expect(try withFile(#"{"questions": [ ]}"#) { try QuestionTable(contentsOf: $0) }.isEmpty)
    }

    @Test("questions that need more than one read of the file are all there")
    func readsAcrossWindows() throws {
        let long = String(repeating: #"ß\" {["#, count: 40_000)
        let records = (0..<20).map {
            #"{"question_id": \#($0), "image_id": 1, "question": "\#($0)\#(long)"}"#
        }
        let text = #"{"questions": [\#(records.joined(separator: ",\n"))]}"#
        let questions = try withFile(text) { try QuestionTable(contentsOf: $0) }
        #expect(questions.ids.map(\.rawValue) == Array(0..<20))
        #expect(questions[19].text == "19" + String(repeating: "ß\" {[", count: 40_000))
    }

    @Test("a missing file is an error that names it")
    func missingFile() throws {
        let file = URL(fileURLWithPath: "/nowhere/questions.json")
        #expect {
            try QuestionTable(contentsOf: file)
        } throws: { error in
            "\(error)" == "/nowhere/questions.json: cannot be opened: No such file or directory"
        }
    }

    @Test(
        "a file that is not a question file is an error that says what is wrong",
        arguments: [
            ("", "is empty, not JSON"),
            ("hello", "is not the JSON expected: '{' at the start of the file at byte 0, found 'h'"),
            ("[1]", "is not the JSON expected: '{' at the start of the file at byte 0, found '['"),
            (#"{"annotations": []}"#, #"has no "questions" array"#),
            (#"{"questions": 3}"#, "'[' after the key of the records at byte 14, found '3'"),
            (#"{"questions": [], "questions": []}"#, #"has "questions" twice"#),
            (#"{"questions": []} x"#, "the end of the file at byte 18, found 'x'"),
            (#"{"questions": []"#, "is cut off: it ends at byte 16"),
        ])
    func wrongFile(text: String, problem: String) throws {
        let error = try #require(try readError(text))
        #expect(error.location == .file)
        #expect(error.problem.contains(problem))
    }

    @Test(
        "a wrong record is an error that says which and why",
        arguments: [
            (
                #"{"question_id": null, "image_id": 1, "question": "q"}"#,
                "questions[1].question_id should be a number or a text, found null"
            ),
            (
                #"{"question_id": [7], "image_id": 1, "question": "q"}"#,
                "questions[1].question_id should be a number or a text, found an array"
            ),
            (
                #"{"question_id": "", "image_id": 1, "question": "q"}"#,
                "questions[1].question_id is an empty text"
            ),
            (
                #"{"question_id": 7, "image_id": -9223372036854775808, "question": "q"}"#,
                "questions[1].image_id should be a 64-bit integer, found a number of another kind"
            ),
            (
                #"{"question_id": 7, "image_id": 1e300, "question": "q"}"#,
                "questions[1].image_id should be a 64-bit integer, found a number of another kind"
            ),
            (
                #"{"question_id": 7, "image_id": 99999999999999999999, "question": "q"}"#,
                "questions[1].image_id should be a 64-bit integer, found a number of another kind"
            ),
            (
                #"{"question_id": 7.5, "image_id": 1, "question": "q"}"#,
                "questions[1].question_id should be a 64-bit integer, found a number of another kind"
            ),
            (
                #"{"question_id": 7, "image_id": 1, "question": null}"#,
                "questions[1].question should be a string, found null"
            ),
            (#"{"question_id": 7, "image_id": 1}"#, #"questions[1] has no "question""#),
            (
                #"{"question_id": 7, "question_id": 8, "image_id": 1, "question": "q"}"#,
                #"questions[1] has "question_id" twice"#
            ),
            ("3", "questions[1] should be an object"),
            (#"{"question_id": 7], "image_id": 1, "question": "q"}"#, "questions[1] is not valid JSON"),
            (#"{"question_id": 7 "image_id": 1, "question": "q"}"#, "questions[1] is not valid JSON"),
            (#"{"question_id": 7, "image_id": 1, "question": "\ud800"}"#, "questions[1] is not valid JSON"),
            (
                #"{"question_id": 5, "image_id": 1, "question": "q"}"#,
                "questions[0] and questions[1] have the same question_id 5"
            ),
            (
                #"{"question_id": "5", "image_id": 1, "question": "q"}"#,
                "questions[0] and questions[1] have the same question_id 5"
            ),
        ])
    func wrongRecord(record: String, problem: String) throws {
        let text = #"{"questions": [{"question_id": 5, "image_id": 1, "question": "q"}, \#(record)]}"#
        let error = try #require(try readError(text))
        #expect(error.location == .record(1))
        #expect(error.problem.contains(problem))
    }

    @Test("a file that is not UTF-8 is an error that names the record")
    func wrongEncoding() throws {
        try withTemporaryFolder { folder in
            let file = folder.appending(component: "questions.json")
            var bytes = Data(#"{"questions": [{"question_id": 5, "image_id": 1, "question": ""#.utf8)
            bytes.append(0xFF)
            bytes.append(contentsOf: #""}]}"#.utf8)
            try bytes.write(to: file)
            #expect {
                try QuestionTable(contentsOf: file)
            } throws: { error in
                (error as? DatasetFileError)?.location == .record(0)
            }
        }
    }

    @Test("a file cut off anywhere is an error, never a shorter table")
    func truncatedFile() throws {
        let text =
            #"{"questions": [{"question_id": 5, "image_id": 1, "question": "a\"b"}], "info": {"x": 1}}"#
        for length in 0..<text.utf8.count {
            #expect(try readError(String(text.prefix(length))) != nil, "cut to \(length) bytes")
        }
        #expect(try readError(text) == nil)
    }

    @Test("questions given twice are refused in tables made from values too")
    func refusesDuplicates() {
        let question = Question(id: QuestionID(rawValue: 4), imageID: ImageID(rawValue: 1), text: "q")
        #expect(throws: DuplicateQuestionError(id: question.id, rows: [0, 1])) {
            try QuestionTable([question, question])
        }
    }
}
