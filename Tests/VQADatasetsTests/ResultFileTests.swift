import Foundation
import TestSupport
import Testing
@testable import TextFiles
@testable import VQADatasets

@Suite struct ResultFileTests {
    private let predictions = [
        Prediction(questionID: .init(rawValue: 262_148_000), answer: "don't know"),
        Prediction(questionID: .init(rawValue: 1), answer: "\tcafé \"x\"\n🐶"),
    ]

    @Test("a result file is read in order")
    func reads() throws {
        let results = try ResultFile.read(TextFixtures.metric.appending(component: "results.json"))
        #expect(results.count == 600)
        #expect(results[0] == Prediction(questionID: .init(rawValue: 1226), answer: "\tsunflowers"))
        #expect(results[1] == Prediction(questionID: .init(rawValue: 1026), answer: "drink\n"))
    }

    @Test("a result file of the official release, read and written, is the same byte for byte")
    func roundTripsOfficialFile() throws {
        let official = TextFixtures.mini.appending(path: "expected/val_result_epoch2.json")
        try withTemporaryFolder { folder in
            let file = folder.appending(component: "result.json")
            try ResultFile.write(ResultFile.read(official), to: file)
            #expect(try Data(contentsOf: file) == Data(contentsOf: official))
        }
    }

    @Test("a result file is written as Python's json.dump writes it")
    func writes() throws {
        try withTemporaryFolder { folder in
            let file = folder.appending(component: "result.json")
            try ResultFile.write(predictions, to: file)
            let expected =
                #"[{"answer": "don't know", "question_id": 262148000}, "#
                + #"{"answer": "\tcaf\u00e9 \"x\"\n\ud83d\udc36", "question_id": 1}]"#
            #expect(try String(contentsOf: file, encoding: .utf8) == expected)
            #expect(try ResultFile.read(file) == predictions)
            try ResultFile.write([], to: file)
            #expect(try ResultFile.read(file).isEmpty)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["result.json"])
        }
    }

    @Test("a file that cannot be written is an error that names it and says why")
    func cannotWrite() throws {
        let file = URL(fileURLWithPath: "/nowhere/result.json")
        #expect {
            try ResultFile.write(predictions, to: file)
        } throws: { error in
            "\(error)" == "/nowhere/result.json: cannot be written: No such file or directory"
        }
    }

    @Test("a write that fails leaves what was there as it was, and nothing beside it")
    func keepsOldFile() throws {
        try withTemporaryFolder { folder in
            let occupied = folder.appending(component: "result.json")
            try FileManager.default.createDirectory(at: occupied, withIntermediateDirectories: false)
            #expect(throws: DatasetFileError.self) { try ResultFile.write(predictions, to: occupied) }
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["result.json"])
        }
    }

    @Test(
        "a file that is not a result file is an error that says what is wrong",
        arguments: [
            (#"{"questions": []}"#, "'[' at the start of the file at byte 0, found '{'"),
            (#"[{"answer": "x"}]"#, #"[0] has no "question_id""#),
            (#"[{"answer": 3, "question_id": 1}]"#, "[0].answer should be a string, found a number"),
            (#"[{"answer": "x", "question_id": 1}"#, "is cut off"),
            (#"[{"answer": "x", "question_id": 1},]"#, "a value at byte 35, found ']'"),
        ])
    func wrongFile(text: String, problem: String) throws {
        let error = try #require(try fileError(text) { _ = try ResultFile.read($0) })
        #expect(error.problem.contains(problem))
    }
}
