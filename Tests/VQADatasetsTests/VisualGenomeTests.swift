import Archives
import Foundation
import TestSupport
import Testing
import TextFiles
@testable import VQADatasets

/// Visual Genome's own files, made into VQA-v2's form beside the mini dataset's questions.
@Suite struct VisualGenomeTests {
    private let folder: TemporaryFolder
    private let layout: OfficialLayout

    init() throws {
        folder = try TemporaryFolder()
        layout = OfficialLayout(datasets: folder.url)
        try FileManager.default.createDirectory(at: layout.questionsFolder, withIntermediateDirectories: true)
        for split in OfficialLayout.answerSplits {
            for file in [layout.questions(of: split), layout.annotations(of: split)].compactMap({ $0 }) {
                try FileManager.default.copyItem(
                    at: MiniRun.datasets.appending(components: "vqa", file.lastPathComponent), to: file)
            }
        }
    }

    private func zip(_ name: String, _ text: String) throws -> String {
        let path = folder.file(name + ".zip")
        let writer = try ZipWriter(path: path)
        try writer.add(name: name, contents: Array(text.utf8))
        try writer.finish(durably: false)
        return path
    }

    /// Questions with ids from 0 on, all about one picture that the mini dataset has.
    private func questions(_ answers: [String]) throws -> String {
        let records = answers.enumerated().map {
            #"{"qa_id": \#($0), "image_id": 7, "question": "Question \#($0)?", "answer": "\#($1)"}"#
        }
        return try zip("question_answers.json", "[{\"qas\": [\(records.joined(separator: ", "))]}]")
    }

    private func conversion() throws -> VisualGenomeConversion {
        let conversion = try VisualGenomeConversion(layout, scratch: folder.url)
        let images = try zip("image_data.json", #"[{"image_id": 7, "coco_id": 39318}, {"image_id": 8}]"#)
        #expect(try conversion.readImages(images) == 1)
        return conversion
    }

    @Test("an answer counts in its normal form, where the official list has it")
    func answers() throws {
        let list = try AnswerList(contentsOf: MiniRun.answers)
        let raw = ["Yes.", "the street", "Three", "purple", "top-right", "Dont know", "3.5", "YES", ""]
        let expected = raw.map(AnswerNormalizer.normalize).filter { list.index(of: $0) != nil }
        #expect(expected == ["yes", "street", "3", "top right", "don't know", "yes"])
        let counts = try #require(try conversion().convert(questions(raw)))
        #expect(counts.all == 9 && counts.ofKnownImages == 9 && counts.written == 6)
        let table = try AnnotationTable(contentsOf: #require(layout.annotations(of: .visualGenome)))
        #expect(table.map(\.multipleChoiceAnswer) == expected)
        #expect(table.allSatisfy { $0.imageID.rawValue == 39318 })
    }

    @Test("training reads what is written as official questions whose target is 1")
    func training() throws {
        _ = try conversion().convert(questions(["Yes.", "No."]))
        let dataset = try OfficialDataset(folder.url)
        let vocabulary = try dataset.vocabulary()
        let list = try dataset.answers()
        let examples = try dataset.trainingExamples(
            [.visualGenome], vocabulary: vocabulary, answers: list, maximumWords: 16)
        #expect(examples.count == 2)
        #expect(vocabulary.number(of: "question") != nil)
    }

    @Test("many questions are written as they come, each once")
    func many() throws {
        let answers = (0..<20_000).map { $0 % 3 == 0 ? "yes" : "no" }
        let counts = try #require(try conversion().convert(questions(answers)))
        #expect(counts.written == 20_000)
        let table = try QuestionTable(contentsOf: layout.questions(of: .visualGenome))
        #expect(table.count == 20_000 && table[19_999].text == "Question 19999?")
        #expect(table[19_999].id.rawValue == 1_000_000_019_999)
        #expect(try folder.names() == ["image_data.json.zip", "question_answers.json.zip", "vqa"])
    }

    @Test("stopped, it writes nothing and leaves nothing")
    func stopped() throws {
        let conversion = try conversion()
        let archive = try questions((0..<20_000).map { _ in "yes" })
        for most in [0, 3, 6] {
            var asked = 0
            let counts = try conversion.convert(archive) {
                asked += 1
                return asked > most
            }
            #expect(counts == nil)
            #expect(try folder.names() == ["image_data.json.zip", "question_answers.json.zip", "vqa"])
            #expect(
                try FileManager.default.contentsOfDirectory(atPath: layout.questionsFolder.path).count == 4)
        }
    }

    @Test("without VQA-v2's question or annotation files, the error names the one that is missing")
    func missing() throws {
        for file in [layout.questions(of: .val), try #require(layout.annotations(of: .train))] {
            let away = folder.url.appending(component: "away")
            try FileManager.default.moveItem(at: file, to: away)
            let error = #expect(throws: DatasetFileError.self) {
                try VisualGenomeConversion(layout, scratch: folder.url)
            }
            #expect(try #require(error).path == file.path)
            try FileManager.default.moveItem(at: away, to: file)
        }
    }

    @Test("a number of COCO's that is null, negative or not there is none")
    func images() throws {
        let file = URL(
            fileURLWithPath: try folder.write(
                "image_data.json",
                #"""
                [{"coco_id": null, "image_id": 1}, {"image_id": 2, "coco_id": -1}, {"image_id": 3, "url": "x"},
                {"image_id": 4, "coco_id": 9, "flickr_id": null}]
                """#))
        let images = try VisualGenomeFile.images(of: file)
        #expect(images.map(\.image) == [4] && images.map(\.coco) == [9])
    }
}
