import Foundation
import TestSupport
import Testing
import VQAFeatures
@testable import TextFiles
@testable import VQADatasets

/// Tables of questions of somebody's own.
@Suite struct ImportTableTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func rows(_ text: String, _ format: TableFormat = .csv, _ columns: TableColumns = TableColumns())
        throws
        -> [QuestionRow]
    {
        let rows = try format.rows(of: URL(fileURLWithPath: folder.write("table", text)), columns)
        var all: [QuestionRow] = []
        while let row = try rows.next() { all.append(row) }
        return all
    }

    private func row(
        _ number: Int, _ picture: String, _ question: String, _ answers: [String], split: String? = nil,
        id: String? = nil, type: String? = nil
    ) -> QuestionRow {
        var row = QuestionRow(number: number)
        (row.picture, row.question, row.answers) = (picture, question, answers)
        (row.split, row.questionID, row.answerType) = (split, id, type)
        return row
    }

    @Test("columns count in any order and in capital letters or not; others are passed over")
    func columns() throws {
        let text =
            "Note, Answer ,IMAGE,Question,Split,question_id,Answer_Type\nx,red,a.png, what? ,val,7,other\n"
        #expect(
            try rows(text) == [row(2, "a.png", "what?", ["red"], split: "val", id: "7", type: "other")])
    }

    @Test("several answers come from several columns, and empty ones are none")
    func severalAnswers() throws {
        #expect(
            try rows("image;question;answer;answer2;answer10\na;b;red;;blue\na;c;;;\n") == [
                row(2, "a", "b", ["red", "blue"]), row(3, "a", "c", []),
            ])
        var columns = TableColumns()
        columns.answers = ["x", "Y"]
        #expect(
            try rows("image,question,answer,y,x\na,b,no,1,2\n", .csv, columns) == [
                row(2, "a", "b", ["1", "2"])
            ])
    }

    @Test("other names are those that are given")
    func otherNames() throws {
        var columns = TableColumns()
        (columns.image, columns.question, columns.split) = ("Photo", "text", "part")
        columns.answers = ["label"]
        #expect(
            try rows("photo,text,label,part,split\na,b,c,test,train\n", .csv, columns) == [
                row(2, "a", "b", ["c"], split: "test")
            ])
    }

    @Test("objects have texts and numbers, one a key, and answers lists too")
    func objects() throws {
        let text = """
            {"image": "a.png", "question": "how many?", "answer": 2}

            {"question": "what?", "image": 7, "answers": ["red", "dark red", null, ""], "more": {"x": [1]}}
            {"image": "b", "question": "é?", "answer": 2.5, "answers": "x", "split": "test", "question_id": "q1"}
            {"image": null, "question": "", "answer": null}
            """
        #expect(
            try rows(text, .jsonl) == [
                row(1, "a.png", "how many?", ["2"]), row(3, "7", "what?", ["red", "dark red"]),
                row(4, "b", "é?", ["2.5", "x"], split: "test", id: "q1"), row(5, "", "", []),
            ])
    }

    private static let refusedTables: [(text: String, format: TableFormat, problem: String)] = [
        (
            "a.png,what?,red\n", .csv,
            "line 1: expected a column 'image', found 'a.png', 'what?', 'red': --image-column"
        ),
        (
            "image,question\na,b\n", .csv,
            "expected a column 'answer', found 'image', 'question': --answer-column"
        ),
        ("image,Image,question,answer\na,b,c,d\n", .csv, "expected one column 'Image', found two"),
        ("image,question,answer\na,b,c,d\n", .csv, "line 2: expected 3 fields, as the header has, found 4"),
        ("", .csv, "found an empty file"), ("", .jsonl, "found an empty file"),
        ("PK\u{3}\u{4}", .csv, "found a zip archive, as .xlsx"),
        ("{\"image\": 1}\n[1]\n", .jsonl, "line 2: expected a JSON object, found other text"),
        ("{\"image\": 1}\n{\"image\": \n", .jsonl, "line 2: expected a JSON object, found text that is none"),
        (
            "{\"image\": true, \"question\": \"x\"}\n", .jsonl,
            "line 1: expected a text or a number in 'image', found"
        ),
        (
            "{\"answer\": {\"a\": 1}}\n", .jsonl,
            "line 1: expected a text or a number in 'answer', or a list of them"
        ),
        ("{\"answers\": [[1]]}\n", .jsonl, "in 'answers', or a list of them"),
        ("{\"image\": [\"a\", \"b\"]}\n", .jsonl, "line 1: expected a text or a number in 'image'"),
        ("{\"image\": 1, \"Image\": 2}\n", .jsonl, "line 1: expected one 'image', found two"),
        ("{\"image\": 1, \"answer\": 2}\n", .jsonl, "expected a column 'question', found 'answer', 'image'"),
        (String(repeating: "[", count: 100_000), .jsonl, "line 1: expected a JSON object"),
        (
            "{\"image\": " + String(repeating: "[", count: 10_000) + "\n", .jsonl,
            "line 1: expected a JSON object"
        ),
    ]

    @Test("what is no table of questions is told with its line and what to do", arguments: refusedTables)
    func refused(text: String, format: TableFormat, problem: String) throws {
        let error = #expect(throws: DatasetFileError.self) { try rows(text, format) }
        let found = try #require(error).description
        #expect(
            found.hasPrefix(folder.file("table")) && found.contains(problem) && !found.contains("\n"),
            "\(found)")
    }

    @Test("bytes that are no UTF-8 are refused in objects too, and folders and missing files as tables")
    func unreadable() throws {
        let bytes = Array("{\"image\": \"caf".utf8) + [0xE9] + Array("\"}\n".utf8)
        let file = URL(fileURLWithPath: try folder.write("table", bytes))
        var error = #expect(throws: DatasetFileError.self) {
            try TableFormat.jsonl.rows(of: file, TableColumns()).next()
        }
        #expect(try #require(error).description.contains("line 1: expected UTF-8"))
        for format in TableFormat.allCases {
            error = #expect(throws: DatasetFileError.self) { try format.rows(of: folder.url, TableColumns()) }
            #expect(try #require(error).description.contains("found a folder"))
            error = #expect(throws: DatasetFileError.self) {
                try format.rows(of: URL(fileURLWithPath: folder.file("none.csv")), TableColumns())
            }
            #expect(try #require(error).description.contains("No such file"))
        }
    }

    @Test("a column that is named has to be there")
    func namedColumns() throws {
        var columns = TableColumns()
        columns.split = "part"
        let error = #expect(throws: DatasetFileError.self) {
            try rows("image,question,answer\n", .csv, columns)
        }
        #expect(try #require(error).description.contains("expected a column 'part'"))
    }

    @Test("the form is told by the end of the name, or not at all")
    func formats() {
        #expect(TableFormat(fileName: "a.CSV") == .csv && TableFormat(fileName: "a.tsv") == .csv)
        #expect(TableFormat(fileName: "b.jsonl") == .jsonl && TableFormat(fileName: "b.ndjson") == .jsonl)
        #expect(TableFormat(fileName: "a.txt") == nil && TableFormat(fileName: "a.json") == nil)
    }
}

/// Which picture a name is of, what its number is, and which split it is in.
@Suite struct ImportedImageTests {
    private let names = PictureNames(["a/cat.jpg", "a/cat.png", "b/dog.jpg", "cat.jpg", "x.y.png"])

    @Test(
        "pictures are found by path, name or stem, what says more first, and not where several have the name")
    func pictureNames() {
        let expected: [(String, PictureNames.Finding)] = [
            ("b/dog.jpg", .picture(2)), ("./b/dog.jpg", .picture(2)), ("b/dog", .picture(2)),
            ("dog.jpg", .picture(2)),
            ("dog", .picture(2)), ("cat.jpg", .picture(3)), ("cat", .picture(3)), ("a/cat.png", .picture(1)),
            ("cat.png", .picture(1)), ("a/cat", .several("a/cat.jpg", "a/cat.png")), ("x.y", .picture(4)),
            ("Dog", .none), ("dog.png", .none), ("", .none), ("a", .none),
        ]
        for (name, finding) in expected { #expect(names.find(name) == finding, "\(name)") }
    }

    @Test("the number in a name is taken only where all have one and no two the same")
    func numbers() {
        func numbers(_ pictures: [String], _ earlier: [String: Int64] = [:]) -> [Int64] {
            ImageNumbers.numbers(of: pictures, earlier: earlier.mapValues(ImageID.init)).map(\.rawValue)
        }
        #expect(numbers(["a_7.png", "b_0012.png"]) == [7, 12])
        #expect(numbers(["a_7.png", "b/a_7.png"]) == [1, 2])
        #expect(numbers(["a_7.png", "cat.png"]) == [1, 2])
        #expect(numbers(["9999999999999.png"]) == [1])
        // A later import keeps the numbers, and gives none again.
        #expect(numbers(["a_7.png", "b_9.png"], ["a_7.png": 7]) == [7, 9])
        #expect(numbers(["a_7.png", "cat.png"], ["a_7.png": 7]) == [7, 8])
        #expect(numbers(["b.png", "c.png"], ["a.png": 5, "b.png": 1]) == [1, 6])
        #expect(numbers(["b_5.png"], ["a_5.png": 5]) == [6])
    }

    private func draw(
        _ count: Int, seed: UInt64 = 0, _ validation: Double, _ test: Double = 0,
        _ earlier: [String: ImportSplit] = [:]
    ) -> [ImportSplit]? {
        SplitDraw.splits(
            of: (0..<count).map { "picture \($0).jpg" }, seed: seed, validation: validation, test: test,
            earlier: earlier)
    }

    @Test("splits have their shares of the pictures, the same for the same seed and others for another")
    func draws() throws {
        let first = try #require(draw(100, 0.1, 0.2))
        #expect(first.count { $0 == .val } == 10 && first.count { $0 == .test } == 20)
        #expect(first == draw(100, 0.1, 0.2) && first != draw(100, seed: 1, 0.1, 0.2))
        #expect(draw(3, 0.1)?.count { $0 == .val } == 1)
        #expect(draw(3, 0)?.allSatisfy { $0 == .train } == true)
        #expect(draw(1, 0.1) == nil && draw(2, 0.5, 0.4) == nil)
        // Not the first ones, nor every tenth.
        let places = first.indices.filter { first[$0] == .val }
        #expect(Set(zip(places, places.dropFirst()).map { $1 - $0 }).count > 3)
    }

    @Test("pictures that are added leave the splits of the others as they were")
    func addedPictures() throws {
        let first = try #require(draw(50, 0.2))
        let earlier = Dictionary(uniqueKeysWithValues: first.enumerated().map { ("picture \($0).jpg", $1) })
        let second = try #require(draw(80, 0.2, 0, earlier))
        #expect(second.prefix(50).elementsEqual(first))
        #expect(second.count { $0 == .val } == 16)
    }

    @Test("fewer answers than ten stand for ten people or more, each for as many", arguments: 1...12)
    func people(count: Int) {
        let answers = (1...count).map(String.init)
        let annotation = OfficialAnnotation(
            question: "How many? Say it!", answers: answers, imageID: ImageID(rawValue: 1),
            questionID: QuestionID(rawValue: 1))
        let counts = Dictionary(grouping: annotation.answers, by: \.self).mapValues(\.count)
        #expect(Set(counts.values) == [count >= 10 ? 1 : (9 + count) / count])
        #expect(annotation.answers.count >= 10 && annotation.answers.count < 10 + max(count, 9))
        #expect(annotation.multipleChoiceAnswer == "1" && annotation.answerType == "number")
        #expect(annotation.questionType == "how many")
    }

    /// Answers, and what "red" and "blue" score, as the table in docs/formats.md has it.
    private static let scoredAnswers: [(answers: [String], accuracies: [Double], targets: [Float])] = [
        (["red"], [100, 0], [1, 0]), (["red", "red"], [100, 0], [1, 0]),
        (["red", "red", "red"], [100, 0], [1, 0]),
        (["red", "blue"], [100, 100], [1, 1]), (["red", "blue", "green"], [100, 100], [1, 1]),
        (["red", "red", "blue"], [100, 100], [1, 1]),
        (["red", "red", "red", "red", "blue"], [100, 60], [1, 0.6]),
        (["red"] + (1...9).map { "\($0)" }, [30, 0], [0.3, 0]),
    ]

    @Test(
        "what few people say counts by their share, to the metric and as a target", arguments: scoredAnswers)
    func scores(answers: [String], accuracies: [Double], expectedTargets: [Float]) throws {
        let folder = try TemporaryFolder()
        let writer = try OfficialFileWriter(
            .annotations, path: folder.file("a.json"),
            head: OfficialFileHead(description: "\"é\"", dataSubtype: "train2014", license: nil))
        let id = QuestionID("q1")
        try writer.write(
            OfficialAnnotation(
                question: "what?", answers: answers, imageID: ImageID(rawValue: 1), questionID: id))
        try writer.commit()
        let table = try AnnotationTable(contentsOf: URL(fileURLWithPath: folder.file("a.json")))
        let targets = SoftTargets(annotations: table, answers: try AnswerList(answers: ["red", "blue"]))
        let found = Dictionary(uniqueKeysWithValues: targets[0].map { (Int($0.rawValue), $1) })
        #expect([found[0] ?? 0, found[1] ?? 0] == expectedTargets)
        for version in MetricVersion.allCases {
            let metric = AccuracyMetric(table, version: version)
            for (answer, accuracy) in zip(["red", "blue"], accuracies) {
                let overall = try metric.evaluate([Prediction(questionID: id, answer: answer)]).overall
                #expect(abs(overall - accuracy) < 1e-9)
            }
        }
    }
}
