import Foundation
import Synchronization
import TestSupport
import Testing
@testable import TextFiles
@testable import VQADatasets
@testable import VQAFeatures

/// Questions and images that are numbers or texts.
@Suite struct IdentifierTests {
    @Test(
        "a text is the number that it is printed as, and another identifier where it is written otherwise",
        arguments: ["0", "7", "-7", "116329", "9223372036854775807", "-9223372032559808512"])
    func numbers(text: String) throws {
        let image = ImageID(text)
        #expect(!image.isText)
        #expect(image == ImageID(rawValue: try #require(Int64(text))))
        #expect(image.description == text)
    }

    @Test(
        "a text that is no canonical number stays the text that it is",
        arguments: [
            "n116329", "0042", "+7", "-0", "7.0", " 7", "", "-", "9223372036854775808",
            "99999999999999999999",
            "-9223372036854775808", "-9223372032559808513", "café", "\u{0661}",
        ])
    func texts(text: String) {
        let image = ImageID(text)
        #expect(image.isText)
        #expect(image.description == text)
        #expect(image == ImageID(text))
        #expect(image != ImageID(text + "x"))
        #expect(QuestionID(text).description == text)
    }

    @Test(
        "texts that differ only in how Unicode composes a letter are two identifiers, as they are for Python")
    func composition() {
        #expect(ImageID("caf\u{E9}") != ImageID("cafe\u{301}"))
    }

    @Test("a raw value that stands for no text is printed as a number, and nothing breaks")
    func unknownRawValue() {
        let image = ImageID(rawValue: IdentifierPool.firstNumber - 1)
        #expect(image.description == "\(IdentifierPool.firstNumber - 1)")
        #expect([image, ImageID("a")].sorted() == [ImageID("a"), image])
    }

    @Test("numbers come before texts, numbers by size and texts by their Unicode")
    func order() {
        let ordered = ["-3", "9", "10", "", "0042", "n10", "n9", "na", "é", "\u{10000}"]
        #expect(ordered.shuffled().map { ImageID($0) }.sorted().map(\.description) == ordered)
    }

    @Test("JSON has numbers as numbers and texts as texts, and either is read")
    func codable() throws {
        let ids = ["5", "0042", "n5"].map { QuestionID($0) }
        let text = try JSONEncoder().encode(ids)
        #expect(String(decoding: text, as: UTF8.self) == #"[5,"0042","n5"]"#)
        #expect(try JSONDecoder().decode([QuestionID].self, from: text) == ids)
        #expect(
            try JSONDecoder().decode([QuestionID].self, from: Data(#"["5"]"#.utf8)) == [
                QuestionID(rawValue: 5)
            ])
        for wrong in ["[null]", "[5.5]", "[-9223372036854775808]"] {
            #expect(throws: DecodingError.self) {
                try JSONDecoder().decode([QuestionID].self, from: Data(wrong.utf8))
            }
        }
    }

    @Test("threads that ask for the same texts at once get the same identifiers")
    func threads() {
        let found = Mutex<[[ImageID]]>([])
        DispatchQueue.concurrentPerform(iterations: 8) { _ in
            let images = (0..<2000).map { ImageID("thread \($0)") }
            found.withLock { $0.append(images) }
        }
        let all = found.withLock { $0 }
        #expect(all.allSatisfy { $0 == all[0] })
        #expect(Set(all[0]).count == 2000)
        #expect(all[0].enumerated().allSatisfy { $1.description == "thread \($0)" })
    }

    private static let questions = #"""
        {"questions": [
          {"question_id": "02930152", "image_id": "n161313", "question": "a"},
          {"question_id": 5.0, "image_id": 39318.0, "question": "b"},
          {"question_id": "n161313", "image_id": "161313", "question": "c"},
          {"question_id": -4, "image_id": 2e3, "question": "d"}]}
        """#

    @Test("a question file may have ids that are texts, and whole numbers written with a point")
    func questionFile() throws {
        let table = try withFile(Self.questions) { try QuestionTable(contentsOf: $0) }
        #expect(table.ids.map(\.description) == ["02930152", "5", "n161313", "-4"])
        #expect(table.imageIDs.map(\.description) == ["n161313", "39318", "161313", "2000"])
        #expect(table.ids.map(\.isText) == [true, false, true, false])
        #expect(table.imageIDs[2] == ImageID(rawValue: 161_313))
        #expect(table.row(of: QuestionID("02930152")) == 0)
        #expect(table.row(of: QuestionID("2930152")) == nil)
    }

    @Test("the least number that a file may have as an id is the least that is no text here")
    func leastNumber() throws {
        func read(_ number: Int64) throws -> QuestionTable {
            try withFile(#"{"questions": [{"question_id": \#(number), "image_id": 1, "question": "q"}]}"#) {
                try QuestionTable(contentsOf: $0)
            }
        }
        #expect(try read(IdentifierPool.firstNumber).ids[0].rawValue == IdentifierPool.firstNumber)
        #expect(throws: DatasetFileError.self) { try read(IdentifierPool.firstNumber - 1) }
    }

    @Test("annotations and results find the question that has a text as its id")
    func annotationsAndResults() throws {
        let annotations = try withFile(
            #"""
            {"annotations": [{"question_id": "02930152", "image_id": "n1", "question_type": "is the",
              "answer_type": "other", "multiple_choice_answer": "x", "answers": [
              {"answer": "x", "answer_confidence": "yes", "answer_id": 1},
              {"answer": "x", "answer_confidence": "yes", "answer_id": 2}]}]}
            """#
        ) { try AnnotationTable(contentsOf: $0) }
        #expect(annotations.imageIDs == [ImageID("n1")])
        let questions = try withFile(Self.questions) { try QuestionTable(contentsOf: $0) }
        #expect(try annotations.questionRows(in: questions) == [0])
        let results = try withFile(#"[{"question_id": "02930152", "answer": "x"}]"#) {
            try ResultFile.read($0)
        }
        let report = try AccuracyMetric(annotations).evaluate(results)
        #expect(report.overall == 33.33)
        #expect(report.questionIDs == [QuestionID("02930152")])
    }

    @Test("a result file has ids that are texts as texts, numbers as numbers")
    func writesResults() throws {
        let predictions = ["02930152", "7", "a\"é"].map {
            Prediction(questionID: QuestionID($0), answer: "x")
        }
        try withTemporaryFolder { folder in
            let file = folder.appending(component: "r.json")
            try ResultFile.write(predictions, to: file)
            let expected = #"""
                [{"answer": "x", "question_id": "02930152"}, {"answer": "x", "question_id": 7}, \#
                {"answer": "x", "question_id": "a\"\u00e9"}]
                """#
            #expect(try String(contentsOf: file, encoding: .utf8) == expected)
            #expect(try ResultFile.read(file) == predictions)
        }
    }

    @Test("a byte order mark before questions, annotations, results, answers or word vectors is passed over")
    func byteOrderMark() throws {
        let mark = "\u{FEFF}"
        let questions = try withFile(mark + Self.questions) { try QuestionTable(contentsOf: $0) }
        #expect(questions.count == 4)
        let annotations = try withFile(
            mark + #"{"annotations": [{"question_id": 1, "image_id": 1, "answers": [{"answer": "x"}]}]}"#
        ) { try AnnotationTable(contentsOf: $0) }
        #expect(annotations.count == 1)
        #expect(
            try withFile(mark + #"[{"question_id": 1, "answer": "x"}]"#) { try ResultFile.read($0) }.count
                == 1)
        let answers = try withFile(mark + #"[{"x": 0}, {"0": "x"}]"#) { try AnswerList(contentsOf: $0) }
        #expect(answers.answers == ["x"])
        let vocabulary = try Vocabulary(words: ["PAD", "UNK", "cat"])
        let vectors = try withFile(mark + "cat 1 2\ndog 3 4\n") {
            try WordVectors(glove: $0, vocabulary: vocabulary, dimension: 2)
        }
        #expect(Array(vectors[2]) == [1, 2])
        for cut in [1, 2] {
            #expect(
                try fileError("") { file in
                    try Data([0xEF, 0xBB].prefix(cut)).write(to: file)
                    _ = try QuestionTable(contentsOf: file)
                } != nil)
        }
    }
}
