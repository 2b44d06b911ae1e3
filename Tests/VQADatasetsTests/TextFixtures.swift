import Foundation
import TestSupport
import Testing
@testable import TextFiles
@testable import VQADatasets

/// The files that the tests of questions, answers and words go by.
enum TextFixtures {
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().appending(component: "Fixtures")

    static let mini = folder.appending(component: "mini")
    static let metric = folder.appending(component: "metric")
    static let layout = OfficialLayout(datasets: mini.appending(component: "datasets"))

    static func questions(_ split: DatasetSplit) throws -> QuestionTable {
        try QuestionTable(contentsOf: layout.questions(of: split))
    }

    static func annotations(_ split: DatasetSplit) throws -> AnnotationTable {
        try AnnotationTable(contentsOf: #require(layout.annotations(of: split)))
    }

    static func decode<Value: Decodable>(_ type: Value.Type, from file: URL) throws -> Value {
        try JSONDecoder().decode(type, from: Data(contentsOf: file))
    }
}

/// A folder that is there while the body runs.
func withTemporaryFolder<Result>(_ body: (URL) throws -> Result) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appending(component: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    return try body(folder)
}

/// A file of given text that is there while the body runs.
func withFile<Result>(_ text: String, _ body: (URL) throws -> Result) throws -> Result {
    try withTemporaryFolder { folder in
        let file = folder.appending(component: "file.txt")
        try Data(text.utf8).write(to: file)
        return try body(file)
    }
}

/// The error of reading a file of given text, where there is one.
func fileError(_ text: String, reading read: (URL) throws -> Void) throws -> DatasetFileError? {
    try withFile(text) { file in
        do {
            try read(file)
            return nil
        } catch let error as DatasetFileError {
            #expect(error.path == file.path)
            #expect(!error.description.contains("\n"))
            return error
        }
    }
}
