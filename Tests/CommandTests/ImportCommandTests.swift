import Foundation
import TestSupport
import Testing

/// `rwsan import`: a dataset out of a folder of pictures and a table.
@Suite struct ImportCommandTests {
    private let tool: CommandLineTool

    init() throws {
        tool = try CommandLineTool()
        for name in ["cat.png", "a/dog.png", "a/cow.png", "b/cow.png", "sheep.png", "x.png"] {
            try picture(name)
        }
    }

    private func picture(_ name: String) throws {
        let path = tool.folder.file("pictures/" + name)
        try FileManager.default.createDirectory(
            atPath: URL(fileURLWithPath: path).deletingLastPathComponent().path,
            withIntermediateDirectories: true)
        let grey = [UInt8](repeating: 128, count: 24)
        try PNGFile(width: 8, height: 2, rows: [grey, grey]).bytes.write(to: URL(fileURLWithPath: path))
    }

    private func run(_ table: String, name: String = "table.csv", _ more: String...) throws
        -> CommandLineTool.Outcome
    {
        _ = try tool.folder.write(name, table)
        return try tool.run(["import", name, "--pictures", "pictures", "--output", "data"] + more)
    }

    private func imported(_ table: String, name: String = "table.csv", _ more: [String] = []) throws
        -> [Substring]
    {
        _ = try tool.folder.write(name, table)
        let outcome = try tool.run(["import", name, "--pictures", "pictures", "--output", "data"] + more)
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        #expect(outcome.output == "data\n")
        return outcome.errorLines
    }

    private struct Records: Decodable {
        struct Question: Decodable, Equatable {
            let image_id: Int
            let question: String
            let question_id: Int
        }
        struct Annotation: Decodable {
            struct Answer: Decodable {
                let answer: String
            }
            let question_id: Int
            let answers: [Answer]
            let multiple_choice_answer: String
            let answer_type: String
        }
        let questions: [Question]?
        let annotations: [Annotation]?
    }

    private func records(_ name: String) throws -> Records {
        try JSONDecoder().decode(Records.self, from: Data(tool.folder.bytes(of: "data/vqa/\(name).json")))
    }

    private func links(_ set: String) throws -> [String: String] {
        let folder = tool.folder.file("data/images/\(set)")
        let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
        return try Dictionary(
            uniqueKeysWithValues: names.map {
                let target = try FileManager.default.destinationOfSymbolicLink(atPath: folder + "/" + $0)
                return ($0, String(target.dropFirst(tool.folder.file("pictures/").count)))
            })
    }

    private static let table = """
        image;question;answer;answer2;split
        cat.png;"Is it a ""cat""; or not?";The Cat;a cat!;train
        dog;how many?;two;;validation
        sheep.png;what?;sheep;;TEST
        cat.png;what?;cat;;train
        cow;what?;cow;;train
        a/cow;what?;Cow;ox;train
        none.png;what?;x;;train
        cat.png;?!;x;;train
        cat.png;what?;dog;;train
        cat.png;what?;cat;;train
        cat.png;why?;;;train
        cat.png;who?;the;;train
        cat.png;where?;here;;dev
        ;what?;x;;train

        """

    @Test("questions, answers and links lie in VQA-v2's places, and every row that is left out is named")
    func wholeTable() throws {
        let lines = try imported(Self.table)
        #expect(lines.contains("train: 3 questions about 2 pictures"))
        #expect(
            lines.contains("val: 1 question about 1 picture")
                && lines.contains("test: 1 question about 1 picture"))
        #expect(lines.contains("4 answers brought into the metric's normal form: 'The Cat' became 'cat'"))
        #expect(lines.contains("no question is about 2 more pictures of the folder"))
        #expect(lines.contains("  row 6: cow: several pictures of that name: a/cow.png, b/cow.png"))
        #expect(lines.contains("all of them: data/left-out.csv"))

        // In the order of the paths: a/cow, a/dog, cat, sheep.
        #expect(
            try links("train2014") == [
                "COCO_train2014_000000000001.png": "a/cow.png", "COCO_train2014_000000000003.png": "cat.png",
            ])
        #expect(try links("val2014") == ["COCO_val2014_000000000002.png": "a/dog.png"])
        #expect(try links("test2015") == ["COCO_test2015_000000000004.png": "sheep.png"])
        #expect(
            try records("v2_OpenEnded_mscoco_train2014_questions").questions == [
                .init(image_id: 3, question: "Is it a \"cat\"; or not?", question_id: 2),
                .init(image_id: 3, question: "what?", question_id: 5),
                .init(image_id: 1, question: "what?", question_id: 7),
            ])
        let annotations = try #require(try records("v2_mscoco_train2014_annotations").annotations)
        #expect(annotations.map(\.question_id) == [2, 5, 7])
        #expect(annotations[0].answers.map(\.answer) == Array(repeating: "cat", count: 10))
        #expect(
            annotations[2].answers.map(\.answer)
                == Array(repeating: "cow", count: 5) + Array(repeating: "ox", count: 5))
        let number = try #require(try records("v2_mscoco_val2014_annotations").annotations?.first)
        #expect(number.multiple_choice_answer == "2" && number.answer_type == "number")
        #expect(try records("v2_mscoco_test2015_annotations").annotations?.count == 1)

        let leftOut = String(decoding: try tool.folder.bytes(of: "data/left-out.csv"), as: UTF8.self)
        #expect(
            leftOut.split(separator: "\r\n").map { $0.prefix { $0 != "," } } == ["row"]
                + (0..<9).map { "\([6, 8, 9, 10, 11, 12, 13, 14, 15][$0])" })
        for text in ["another answer: several answers go into one row", "the same as row 5", "found 'dev'"] {
            #expect(leftOut.contains(text), "\(leftOut)")
        }
    }

    @Test("a picture that cannot be read is left out with all its questions")
    func unreadablePictures() throws {
        let bytes = try tool.folder.bytes(of: "pictures/cat.png")
        _ = try tool.folder.write("pictures/cut.png", bytes.dropLast(30))
        _ = try tool.folder.write("pictures/text.png", "no picture")
        let lines = try imported(
            "image,question,answer\ncut,what?,x\ntext,what?,x\ncat,what?,x\nsheep,what?,x\n", ["--val", "0%"])
        #expect(lines.contains("left out: 2 rows: unreadable picture"))
        #expect(lines.contains("train: 2 questions about 2 pictures"))
        #expect(
            try records("v2_OpenEnded_mscoco_train2014_questions").questions?.map(\.question_id) == [4, 5])
    }

    @Test("importing again keeps numbers and splits, adds what is new, and removes what is gone")
    func again() throws {
        for number in 0..<20 { try picture("more/p\(number).png") }
        func table(_ numbers: some Sequence<Int>) -> String {
            "image,question,answer\n" + numbers.map { "p\($0),what?,x\n" }.joined()
        }
        _ = try imported(table(5..<15), ["--val", "20%", "--seed", "4"])
        let (train, val) = (try links("train2014"), try links("val2014"))
        #expect(val.count == 2)
        let lines = try imported(table(0..<20))
        #expect(!lines.contains { $0.contains("changed the split") })
        let (moreTrain, moreVal) = (try links("train2014"), try links("val2014"))
        #expect(moreTrain.count == 16 && moreVal.count == 4)
        #expect(
            train.allSatisfy { moreTrain[$0.key] == $0.value }
                && val.allSatisfy { moreVal[$0.key] == $0.value })

        let other = try imported(table(0..<5), ["--val", "0%"])
        #expect(
            other.contains { $0.contains("changed the split: remove data/coco_extract") }
                == moreVal.values.contains {
                    ["more/p0.png", "more/p1.png", "more/p2.png", "more/p3.png", "more/p4.png"].contains($0)
                })
        #expect(try links("train2014").count == 5 && links("val2014").isEmpty)
        #expect(try !tool.folder.names().isEmpty)
        #expect(
            !FileManager.default.fileExists(
                atPath: tool.folder.file("data/vqa/v2_mscoco_val2014_annotations.json")))
        // A number is not given again, for there may be features of its picture.
        try picture("more/new.png")
        _ = try imported("image,question,answer\nnew,what?,x\n", ["--val", "0%"])
        #expect(try links("train2014") == ["COCO_train2014_000000000021.png": "more/new.png"])
    }

    @Test("pictures that lie elsewhere than before, in the folder or in another one, are told")
    func displaced() throws {
        let table = "image,question,answer\ncat.png,is it a cat?,yes\nx.png,is it red?,no\n"
        #expect(try !imported(table).contains { $0.contains("before") })
        let folder = tool.folder.file("pictures")
        try FileManager.default.moveItem(atPath: folder + "/cat.png", toPath: folder + "/a/cat.png")
        #expect(
            try imported(table).contains {
                $0.contains("1 picture lie elsewhere") || $0.contains("lie elsewhere")
            })
        _ = try tool.folder.write("table.csv", table)
        try FileManager.default.copyItem(atPath: folder, toPath: tool.folder.file("others"))
        let other = try tool.run("import", "table.csv", "--pictures", "others", "--output", "data")
        #expect(other.errorOutput.contains("the pictures were in \(folder) before"))
    }

    @Test("a pipe that nobody writes to is no table, and is not waited for")
    func pipe() throws {
        #expect(mkfifo(tool.folder.file("pipe.csv"), 0o600) == 0)
        let run = try tool.start(["import", "pipe.csv", "--pictures", "pictures", "--output", "data"])
        #expect(try run.outcome(seconds: 20).exitCode == 1)
    }

    @Test("objects a line come to the same, and --json tells a program")
    func objects() throws {
        let table = #"{"image": "cat", "question": "what?", "answers": ["a", "cat"]}"# + "\n"
        let outcome = try run(table, name: "t.jsonl", "--val", "0%", "--json")
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        let json = try outcome.output.json()
        #expect(json["splits"] as? NSDictionary == ["train": ["pictures": 1, "questions": 1]])
        #expect(
            (json["next"] as? [String])?.last?.contains("train --data data --name mine --answers") == true)
        #expect(try records("v2_mscoco_train2014_annotations").annotations?.first?.answers.count == 10)
    }

    private static let refusedTables: [(table: String, more: [String], names: [String])] = [
        ("", [], ["table.csv", "found an empty file"]),
        ("a,b\n1,2\n", [], ["table.csv, line 1", "--image-column"]),
        ("image,question,answer\ncat,what?\n", [], ["table.csv, line 2", "found 2"]),
        ("image,question,answer\n", [], ["table.csv", "expected rows with questions"]),
        (
            "image,question,answer\nnone,what?,x\n", [],
            ["expected questions that can be taken", "row 2: none"]
        ),
        ("image,question,answer\ncat,what?,x\n", ["--image-column", "pic"], ["'pic'", "--image-column"]),
        ("image,question,answer\ncat,what?,x\n", [], ["expected pictures left to learn from", "--val"]),
        (
            "image,question,answer,question_id\ncat,what?,x,7\nsheep,what?,x,7\n", [],
            ["line 3", "'7', which row 2 has too"]
        ),
        ("image,question,answer,question_id\ncat,what?,x,\n", [], ["line 2", "expected a question id"]),
        (
            "image,question,answer,split\ncat,what?,x,train\ncat,who?,x,val\n", [],
            ["cat.png is in train in row 2 and in val in row 3"]
        ),
        ("image,question,answer,split\ncat,what?,x,val\n", [], ["expected pictures of the split train"]),
        ("image,question,answer,split\ncat,what?,x,train\n", ["--seed", "1"], ["expected no --seed"]),
        ("image,question,answer\ncat,what?,x\n", ["--val", "10"], ["--val", "'10'", "rwsan import --help"]),
        ("image,question,answer\ncat,what?,x\n", ["--val", "nan%"], ["--val", "'nan%'"]),
        ("image,question,answer\ncat,what?,x\n", ["--format", "xlsx"], ["--format", "xlsx"]),
        ("image,question,answer\ncat,what?,x\n", ["--output", "pictures/x.png"], ["x.png", "found a file"]),
        (
            "image,question,answer\ncat,what?,x\n", ["--output", "pictures/a"],
            ["pictures/a", "with 'cow.png' in it"]
        ),
        ("image,question,answer\ncat,what?,x\n", ["--pictures", "nowhere"], ["nowhere", "No such file"]),
        ("image,question,answer\ncat,what?,x\n", ["--pictures", ".cache"], [".cache"]),
    ]

    @Test("what cannot be imported is refused in one line, and nothing is written", arguments: refusedTables)
    func refused(table: String, more: [String], names: [String]) throws {
        _ = try tool.folder.write("table.csv", table)
        var arguments = ["--pictures": "pictures", "--output": "data"]
        for (option, value) in zip(more, more.dropFirst()) where option.hasPrefix("--") {
            arguments[option] = value
        }
        let outcome = try tool.run(["import", "table.csv"] + arguments.flatMap { [$0, $1] })
        tool.expectOneErrorLine(outcome, naming: names)
        #expect(outcome.output.isEmpty && !FileManager.default.fileExists(atPath: tool.folder.file("data")))
    }

    @Test("a note of an earlier import that is none is refused")
    func damagedNote() throws {
        _ = try imported("image,question,answer\ncat,what?,x\n", ["--val", "0%"])
        for text in [
            "", "{}",
            #"{"format":"rwsan import 1","rule":{"column":{}},"pictures":"p","images":[{"image_id":-1,"picture":"a","split":"train"}],"former":[]}"#,
        ] {
            _ = try tool.folder.write("data/import.json", text)
            let outcome = try run("image,question,answer\ncat,what?,x\n")
            tool.expectOneErrorLine(
                outcome, naming: ["data/import.json", "expected the note of an earlier import"])
        }
    }
}
