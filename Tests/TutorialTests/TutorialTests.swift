import Foundation
import TestSupport
import Testing
import VisualQuestionAnswering

/// The code of the tutorials is that of this target's other files, and of `Examples/OwnModel`, which compile. Here it runs.
@Suite struct TutorialTests {
    private static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    /// The blocks of Swift of an article, one behind the other, with an empty line between them.
    private static func code(of article: String) throws -> String {
        let path = "Sources/Pipeline/VisualQuestionAnswering/VisualQuestionAnswering.docc/\(article).md"
        let blocks = try text(path).components(separatedBy: "```swift\n").dropFirst()
        return blocks.compactMap { $0.components(separatedBy: "```").first }.joined(separator: "\n")
    }

    @Test(
        "the code of a tutorial is that of files which compile",
        arguments: [
            ("TrainOnYourOwnData", ["Tests/TutorialTests/TrainOnYourOwnData.swift"]),
            ("ServeAModel", ["Tests/TutorialTests/Serve.swift"]),
            (
                "AModelOfYourOwn",
                [
                    "Examples/OwnModel/Sources/own-model/MeanModel.swift",
                    "Examples/OwnModel/Sources/own-model/main.swift",
                ]
            ),
        ])
    func codeCompiles(article: String, files: [String]) throws {
        #expect(try Self.code(of: article) == files.map(Self.text).joined(separator: "\n"))
    }

    @Test("what the tutorials train is evaluated, asked, and served until the task is cancelled")
    func run() async throws {
        let folder = try TemporaryFolder()
        let settings = Dictionary(
            uniqueKeysWithValues: MiniRun.settings.map { ($0.key, SettingValue(parsing: $0.value)) })
        let datasets = MiniRun.datasets.path
        let checkpoint = try #require(
            try train(
                on: datasets, in: folder.url,
                settings.merging(["use_glove": false, "max_epoch": 1]) { $1 }))
        #expect((0...100).contains(try evaluate(checkpoint, on: datasets)))
        let features = try #require(
            try FileManager.default.contentsOfDirectory(
                at: MiniRun.datasets.appending(components: "coco_extract", "val2014"),
                includingPropertiesForKeys: nil
            ).first { $0.pathExtension == "npz" })
        #expect(try ask("what is this?", aboutFeaturesIn: features.path, checkpoint) != nil)

        let (ports, told) = AsyncStream<Int>.makeStream()
        let serving = Task { try await serve(checkpoint, port: 0, onListening: { told.yield($0) }) }
        let port = try #require(await ports.first { _ in true })
        let connection = try HTTPConnection(port: port)
        connection.send("GET /v1/model HTTP/1.1\r\nHost: localhost\r\n\r\n")
        #expect(await connection.response()?.status == 200)
        connection.leave()
        serving.cancel()
        _ = await serving.result
    }
}
