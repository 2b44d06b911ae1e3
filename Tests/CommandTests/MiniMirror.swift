import Archives
import Foundation
import TestSupport
import Testing

/// A server with the five archives of VQA-v2, the mini dataset's files in them, and a folder to fetch them to.
final class MiniMirror {
    typealias Request = LoopbackServer.Request
    typealias Reply = LoopbackServer.Reply

    let tool: CommandLineTool
    let server: LoopbackServer
    /// The archives, as a good server gives them.
    let archives: [String: [UInt8]]

    /// What is in each archive.
    static let contents = [
        "v2_Questions_Train_mscoco.zip": ["v2_OpenEnded_mscoco_train2014_questions.json"],
        "v2_Questions_Val_mscoco.zip": ["v2_OpenEnded_mscoco_val2014_questions.json"],
        "v2_Questions_Test_mscoco.zip": [
            "v2_OpenEnded_mscoco_test2015_questions.json", "v2_OpenEnded_mscoco_test-dev2015_questions.json",
        ],
        "v2_Annotations_Train_mscoco.zip": ["v2_mscoco_train2014_annotations.json"],
        "v2_Annotations_Val_mscoco.zip": ["v2_mscoco_val2014_annotations.json"],
    ]
    static let files = contents.values.flatMap { $0 }

    /// - Parameter fault: Changes the good answer to the request of an archive, of which there were so many
    ///   before.
    init(fault: @escaping @Sendable (inout Reply, _ archive: String, _ earlier: Int) -> Void = { _, _, _ in })
        throws
    {
        let tool = try CommandLineTool()
        let archives = try Dictionary(
            uniqueKeysWithValues: Self.contents.map { ($0, try Self.zip($1, in: tool.folder)) })
        server = try LoopbackServer { request, earlier in
            let name = String(request.path.dropFirst("/vqa/".count))
            guard request.path.hasPrefix("/vqa/"), let bytes = archives[name] else {
                return Reply(status: 404)
            }
            var reply = Reply.file(bytes, tag: name, to: request)
            fault(&reply, name, earlier)
            return reply
        }
        (self.tool, self.archives) = (tool, archives)
    }

    private static func zip(_ files: [String], in folder: TemporaryFolder) throws -> [UInt8] {
        defer { unlink(folder.file("a.zip")) }
        // Stored, so that they are large enough to be cut.
        let writer = try ZipWriter(path: folder.file("a.zip"), compression: .store)
        for file in files {
            let content = try Data(contentsOf: MiniRun.datasets.appending(components: "vqa", file))
            try writer.add(name: file, contents: [UInt8](content))
        }
        try writer.finish(durably: false)
        return try folder.bytes(of: "a.zip")
    }

    /// `rwsan fetch vqa-v2` from this server.
    var command: [String] { ["fetch", "vqa-v2", "--mirror", server.address + "/vqa"] }

    func fetch(_ more: String...) throws -> CommandLineTool.Outcome { try tool.run(command + more) }

    /// The path of a file in the datasets folder.
    func file(_ name: String) -> String { tool.folder.file("datasets/" + name) }

    /// The names of what lies in a folder of the dataset.
    func names(in folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: file(folder)).sorted()
    }

    /// How many bytes of an archive were sent.
    func sentByteCount(of archive: String) -> Int {
        server.exchanges.filter { $0.request.path.hasSuffix(archive) }.reduce(0) { $0 + $1.sentByteCount }
    }

    /// Where the requests of an archive began.
    func offsets(of archive: String) -> [Int] {
        server.exchanges.filter { $0.request.path.hasSuffix(archive) }.map { $0.request.offset ?? 0 }
    }

    /// Holds that the command succeeded, and that the folder has all files, byte for byte, and nothing else.
    func expectDataset(
        _ outcome: CommandLineTool.Outcome, besides others: [String] = [],
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let text = Comment(rawValue: outcome.errorOutput)
        #expect(outcome.exitCode == 0, text, sourceLocation: sourceLocation)
        #expect(outcome.output == "datasets\n", text, sourceLocation: sourceLocation)
        #expect(try names(in: "vqa") == (Self.files + others).sorted(), sourceLocation: sourceLocation)
        for name in Self.files {
            #expect(
                FileManager.default.contentsEqual(
                    atPath: file("vqa/" + name), andPath: MiniRun.datasets.path + "/vqa/" + name),
                sourceLocation: sourceLocation)
        }
    }

    /// Puts features of the mini dataset into the folder as the official release hands them out.
    ///
    /// - Parameter last: The name of a file of the working folder that comes last in each archive.
    func addFeatureArchives(last: String? = nil) throws {
        try FileManager.default.createDirectory(
            atPath: file("coco_extract"), withIntermediateDirectories: true)
        for name in ["train2014", "val2014", "test2015"] {
            let tar = Process()
            tar.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            tar.arguments =
                [
                    "tar", "-czf", file("coco_extract/\(name).tar.gz"), "-C",
                    MiniRun.datasets.path + "/coco_extract", name,
                ] + (last.map { ["-C", tool.folder.path, $0] } ?? [])
            try tar.run()
            tar.waitUntilExit()
            try #require(tar.terminationStatus == 0)
        }
    }
}
