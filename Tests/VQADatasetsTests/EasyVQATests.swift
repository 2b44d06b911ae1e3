import Archives
import Foundation
import TestSupport
import Testing
@testable import VQADatasets

/// A wheel of three pictures; their bytes stand in for PNG files, which the import does not look into.
private let trainingQuestions =
    #"[["what is the blue shape?", "circle", 0], ["is there a circle?", "yes", 3], ["how many?", "2", 3]]"#
private let wheelEntries: [String: String] = [
    "easy_vqa/__init__.py": "raise SystemExit",
    "easy_vqa/data/answers.txt": "circle\nyes\nno",
    "easy_vqa/data/train/questions.json": trainingQuestions,
    "easy_vqa/data/train/images/0.png": "picture 0",
    "easy_vqa/data/train/images/3.png": "picture 3",
    "easy_vqa/data/test/questions.json": #"[["does the image contain a circle?", "no", 0]]"#,
    "easy_vqa/data/test/images/0.png": "test picture 0",
]

private func writeWheel(_ entries: [String: String], in folder: TemporaryFolder) throws -> String {
    let path = folder.file("easy_vqa-1.0-py3-none-any.whl")
    let writer = try ZipWriter(path: path)
    for (name, contents) in entries { try writer.add(name: name, contents: Array(contents.utf8)) }
    try writer.finish()
    return path
}

private struct QuestionFile: Decodable {
    struct Question: Decodable, Equatable {
        let image_id: Int64
        let question: String
        let question_id: Int64
    }
    let data_subtype: String
    let questions: [Question]
}

private struct AnnotationFile: Decodable {
    struct Answer: Decodable, Equatable {
        let answer: String
        let answer_confidence: String
        let answer_id: Int
    }
    struct Annotation: Decodable {
        let question_type: String
        let multiple_choice_answer: String
        let answers: [Answer]
        let image_id: Int64
        let answer_type: String
        let question_id: Int64
    }
    let annotations: [Annotation]
}

@Suite struct EasyVQATests {
    @Test("the data set is put in the official layout, its test part as val2014")
    func layout() throws {
        let temporary = try TemporaryFolder()
        let summary = try EasyVQA.importWheel(
            at: writeWheel(wheelEntries, in: temporary), into: temporary.file("data/easy_vqa"))
        #expect(summary.training == EasyVQA.Counts(pictures: 2, questions: 3))
        #expect(summary.test == EasyVQA.Counts(pictures: 1, questions: 1))

        let files = try #require(
            FileManager.default.subpaths(atPath: temporary.file("data/easy_vqa"))?
                .filter { $0.contains(".") }.sorted())
        #expect(
            files == [
                "images/train2014/COCO_train2014_000000000000.png",
                "images/train2014/COCO_train2014_000000000003.png",
                "images/val2014/COCO_val2014_000001000000.png",
                "vqa/v2_OpenEnded_mscoco_train2014_questions.json",
                "vqa/v2_OpenEnded_mscoco_val2014_questions.json",
                "vqa/v2_mscoco_train2014_annotations.json",
                "vqa/v2_mscoco_val2014_annotations.json",
            ])
        let picture = try temporary.bytes(of: "data/easy_vqa/" + files[2])
        #expect(String(decoding: picture, as: UTF8.self) == "test picture 0")
    }

    @Test("questions and annotations say what the wheel says, in the official form")
    func records() throws {
        let temporary = try TemporaryFolder()
        _ = try EasyVQA.importWheel(at: writeWheel(wheelEntries, in: temporary), into: temporary.path)
        func decoded<File: Decodable>(_ name: String) throws -> File {
            try JSONDecoder().decode(File.self, from: Data(temporary.bytes(of: "vqa/" + name)))
        }
        let training: QuestionFile = try decoded("v2_OpenEnded_mscoco_train2014_questions.json")
        #expect(training.data_subtype == "train2014")
        #expect(
            training.questions == [
                .init(image_id: 0, question: "what is the blue shape?", question_id: 0),
                .init(image_id: 3, question: "is there a circle?", question_id: 3_000),
                .init(image_id: 3, question: "how many?", question_id: 3_001),
            ])
        let test: QuestionFile = try decoded("v2_OpenEnded_mscoco_val2014_questions.json")
        #expect(
            test.questions == [
                .init(
                    image_id: 1_000_000, question: "does the image contain a circle?",
                    question_id: 1_000_000_000)
            ])

        let annotations: AnnotationFile = try decoded("v2_mscoco_train2014_annotations.json")
        #expect(annotations.annotations.map(\.question_id) == [0, 3_000, 3_001])
        #expect(annotations.annotations.map(\.image_id) == [0, 3, 3])
        #expect(annotations.annotations.map(\.answer_type) == ["other", "yes/no", "number"])
        #expect(annotations.annotations.map(\.question_type) == ["what is", "is there", "how many"])
        #expect(annotations.annotations.map(\.multiple_choice_answer) == ["circle", "yes", "2"])
        let answers = (1...10).map {
            AnnotationFile.Answer(answer: "circle", answer_confidence: "yes", answer_id: $0)
        }
        #expect(annotations.annotations[0].answers == answers)
    }

    @Test("importing again repairs what is missing or spoilt and leaves the rest as it is")
    func importAgain() throws {
        let temporary = try TemporaryFolder()
        let wheel = try writeWheel(wheelEntries, in: temporary)
        let folder = temporary.file("data")
        let summary = try EasyVQA.importWheel(at: wheel, into: folder)
        let kept = folder + "/images/train2014/COCO_train2014_000000000000.png"
        let spoilt = folder + "/images/train2014/COCO_train2014_000000000003.png"
        let missing = folder + "/vqa/v2_mscoco_val2014_annotations.json"
        let annotations = try Data(contentsOf: URL(fileURLWithPath: missing))
        try Data().write(to: URL(fileURLWithPath: spoilt))
        try FileManager.default.removeItem(atPath: missing)
        func fileNumber() throws -> UInt64? {
            try FileManager.default.attributesOfItem(atPath: kept)[.systemFileNumber] as? UInt64
        }
        let fileNumberBefore = try #require(try fileNumber())

        #expect(try EasyVQA.importWheel(at: wheel, into: folder) == summary)
        #expect(try Data(contentsOf: URL(fileURLWithPath: spoilt)) == Data("picture 3".utf8))
        #expect(try Data(contentsOf: URL(fileURLWithPath: missing)) == annotations)
        #expect(try fileNumber() == fileNumberBefore)
    }

    /// A change to the wheel, and what the error must say.
    static let brokenWheels: [(entry: String, contents: String?, message: String)] = [
        ("easy_vqa/data/train/questions.json", nil, "easy_vqa/data/train/questions.json"),
        ("easy_vqa/data/test/questions.json", "[[", "easy_vqa/data/test/questions.json"),
        ("easy_vqa/data/test/questions.json", #"[["what?", 1, 0]]"#, "[question, answer, picture's number]"),
        ("easy_vqa/data/test/images/0.png", nil, "easy_vqa/data/test/images/0.png"),
        ("easy_vqa/data/train/images/x.png", "", "'images/x.png'"),
        ("easy_vqa/data/train/images/../../../x.png", "", "'images/../../../x.png'"),
        ("easy_vqa/data/train/images/1000000.png", "", "'images/1000000.png'"),
        (
            "easy_vqa/data/test/questions.json",
            "[" + [String](repeating: #"["what?", "no", 0]"#, count: 1_001).joined(separator: ",") + "]",
            "1001 about picture 0"
        ),
    ]

    @Test("a wheel that is not easy-VQA's is an error naming what is wrong", arguments: brokenWheels)
    func brokenWheel(entry: String, contents: String?, message: String) throws {
        let temporary = try TemporaryFolder()
        var entries = wheelEntries
        entries[entry] = contents
        let wheel = try writeWheel(entries, in: temporary)
        let error = #expect(throws: EasyVQAError.self) {
            try EasyVQA.importWheel(at: wheel, into: temporary.file("data"))
        }
        let description = try #require(error).description
        #expect(description.hasPrefix(wheel + ": expected "))
        #expect(description.contains(message))
        #expect(!description.contains("\n"))
        #expect(try FileManager.default.contentsOfDirectory(atPath: temporary.file("data/vqa")).isEmpty)
    }

    @Test("a wheel cut short is an error")
    func truncatedWheel() throws {
        let temporary = try TemporaryFolder()
        _ = try writeWheel(wheelEntries, in: temporary)
        let bytes = try temporary.bytes(of: "easy_vqa-1.0-py3-none-any.whl")
        let wheel = try temporary.write("cut.whl", bytes.dropLast(30))
        #expect(throws: ArchiveError.self) {
            try EasyVQA.importWheel(at: wheel, into: temporary.file("data"))
        }
    }

    @Test("a folder that cannot be made is an error naming it")
    func unusableFolder() throws {
        let temporary = try TemporaryFolder()
        let wheel = try writeWheel(wheelEntries, in: temporary)
        let folder = try temporary.write("data", "a file".utf8)
        let error = #expect(throws: EasyVQAError.self) { try EasyVQA.importWheel(at: wheel, into: folder) }
        #expect(try #require(error).description.hasPrefix(folder))
    }
}
