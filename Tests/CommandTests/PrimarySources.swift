import Archives
import Foundation
import TestSupport
import Testing

/// A server with everything that VQA-v2 comes from, about seven pictures: questions, annotations, pictures, word vectors,
/// features and Visual Genome; and a folder to work in.
final class PrimarySources {
    typealias Reply = LoopbackServer.Reply

    /// The pictures of each of COCO's sets. Visual Genome has those of train and val.
    static let images = ["train2014": [11, 12, 13], "val2014": [21, 22], "test2015": [31, 32]]
    /// What is kept as it comes.
    static let kept = [
        "images/train2014.zip", "images/val2014.zip", "images/test2015.zip", "glove.840B.300d.zip",
    ]
    static let features = ["train2014.tar.gz", "val2014.tar.gz", "test2015.tar.gz"]
    static let genome = ["image_data.json.zip", "question_answers.json.zip"]

    let tool: CommandLineTool
    let server: LoopbackServer
    /// All files, as a good server gives them.
    let files: [String: [UInt8]]

    /// - Parameters:
    ///   - changes: Other contents of files.
    ///   - fault: Changes the good answer to the request of a file, of which there were so many before; told whether only
    ///     the head was asked for.
    init(
        changes: [String: [UInt8]] = [:],
        fault: @escaping @Sendable (inout Reply, _ name: String, _ earlier: Int, _ isHead: Bool) -> Void = {
            _, _, _, _ in
        }
    ) throws {
        let tool = try CommandLineTool()
        let files = try Self.questions(in: tool.folder).merging(Self.pictures(in: tool.folder)) { $1 }
            .merging(Self.features(in: tool.folder)) { $1 }
            .merging(Self.others(in: tool.folder)) { $1 }.merging(changes) { $1 }
        server = try LoopbackServer { request, earlier in
            let name = String(request.path.split(separator: "/").last ?? "")
            guard let bytes = files[name] else { return Reply(status: 404) }
            var reply = Reply.file(bytes, tag: name, to: request)
            // As GloVe's publisher does.
            if request.path == "/all/glove.840B.300d.zip" {
                reply = Reply(status: 302, headers: ["Location": "/moved/glove.840B.300d.zip"])
            }
            fault(&reply, name, earlier, request.method == "HEAD")
            return reply
        }
        (self.tool, self.files) = (tool, files)
    }

    /// `rwsan fetch vqa-v2` from this server.
    func command(_ parts: String?) -> [String] {
        ["fetch", "vqa-v2"] + (parts.map { ["--with", $0] } ?? []) + ["--mirror", server.address + "/all"]
    }

    func fetch(_ parts: String?, _ more: String...) throws -> CommandLineTool.Outcome {
        try tool.run(command(parts) + more)
    }

    /// The path of a file in the datasets folder.
    func file(_ name: String) -> String { tool.folder.file("datasets/" + name) }

    func exists(_ name: String) -> Bool { FileManager.default.fileExists(atPath: file(name)) }

    /// Where the requests of files began, by the files' names; those for the head left out, and those led elsewhere.
    var offsets: [String: [Int]] {
        let gets = server.exchanges.map(\.request).filter {
            $0.method == "GET" && $0.path != "/all/glove.840B.300d.zip"
        }
        return Dictionary(grouping: gets) { String($0.path.split(separator: "/").last ?? "") }
            .mapValues { $0.map { $0.offset ?? 0 } }
    }

    /// Holds that what is kept is there, byte for byte, with nothing left beside it.
    func expectKept(_ names: [String] = kept, sourceLocation: SourceLocation = #_sourceLocation) throws {
        for name in names {
            let bytes = try tool.folder.bytes(of: "datasets/" + name)
            let key = String(name.split(separator: "/").last ?? "")
            #expect(bytes == files[key], sourceLocation: sourceLocation)
            for ending in [".unchecked", ".partial", ".unchecked.partial"] {
                #expect(!exists(name + ending), sourceLocation: sourceLocation)
            }
        }
    }

    // MARK: - What the server has

    /// The picture that is asked about in place of one of the mini dataset.
    private static func image(_ id: Int, _ set: String) -> Int {
        let known = images[set] ?? [0]
        return known[id % known.count]
    }

    /// VQA-v2's archives: the mini dataset's questions, about these pictures.
    private static func questions(in folder: TemporaryFolder) throws -> [String: [UInt8]] {
        try MiniMirror.contents.mapValues { names in
            try zip(
                names.map { name in
                    let set =
                        name.contains("train2014")
                        ? "train2014" : name.contains("val2014") ? "val2014" : "test2015"
                    let key = name.hasSuffix("annotations.json") ? "annotations" : "questions"
                    var file = try #require(
                        try MiniRun.datasets.appending(components: "vqa", name).json() as? [String: Any])
                    var records = try #require(file[key] as? [[String: Any]])
                    for index in records.indices {
                        records[index]["image_id"] = image(
                            try #require(records[index]["image_id"] as? Int), set)
                    }
                    file[key] = records
                    return (name, [UInt8](try JSONSerialization.data(withJSONObject: file)))
                }, in: folder)
        }
    }

    /// COCO's archives, with the detector's small pictures.
    private static func pictures(in folder: TemporaryFolder) throws -> [String: [UInt8]] {
        let pictures = try ["a_landscape", "b_portrait", "d_grey"].map {
            [UInt8](try Data(contentsOf: Fixtures.url("detector/\($0).png")))
        }
        return try Dictionary(
            uniqueKeysWithValues: images.map { set, ids in
                let entries = ids.enumerated().map { place, id in
                    (String(format: "\(set)/COCO_\(set)_%012d.jpg", id), pictures[place])
                }
                return (set + ".zip", try zip(entries, in: folder))
            })
    }

    /// The official release's archives, with features of the mini dataset.
    private static func features(in folder: TemporaryFolder) throws -> [String: [UInt8]] {
        try Dictionary(
            uniqueKeysWithValues: images.map { set, ids in
                let source = MiniRun.datasets.appending(components: "coco_extract", set)
                let found = try FileManager.default.contentsOfDirectory(atPath: source.path).sorted()
                let place = folder.url.appending(components: "features", set)
                try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
                for (id, name) in Swift.zip(ids, found) {
                    try FileManager.default.copyItem(
                        at: source.appending(component: name),
                        to: place.appending(component: String(format: "COCO_\(set)_%012d.jpg.npz", id)))
                }
                let tar = Process()
                tar.executableURL = URL(fileURLWithPath: "/usr/bin/env")
                tar.arguments = ["tar", "-czf", folder.file("a.tar.gz"), "-C", folder.file("features"), set]
                try tar.run()
                tar.waitUntilExit()
                try #require(tar.terminationStatus == 0)
                return (set + ".tar.gz", try folder.bytes(of: "a.tar.gz"))
            })
    }

    private static func others(in folder: TemporaryFolder) throws -> [String: [UInt8]] {
        let weights = try [UInt8](Data(contentsOf: Fixtures.url("detector/weights.caffemodel")))
        return [
            "glove.840B.300d.zip": try zip(
                [("glove.840B.300d.txt", [UInt8](try Data(contentsOf: MiniRun.glove)))], in: folder),
            "image_data.json.zip": try zip([("image_data.json", Array(imageData.utf8))], in: folder),
            "question_answers.json.zip": try zip(
                [("question_answers.json", Array(questionAnswers.utf8))], in: folder),
            DetectorMirror.weightsName: weights,
            "objects_vocab.txt": Array((0..<40).map { "thing\($0)\n" }.joined().utf8),
            "attributes_vocab.txt": Array((0..<16).map { "quality\($0)\n" }.joined().utf8),
        ]
    }

    static func zip(_ entries: [(String, [UInt8])], in folder: TemporaryFolder) throws -> [UInt8] {
        defer { unlink(folder.file("a.zip")) }
        // Stored, so that they are large enough to be cut.
        let writer = try ZipWriter(path: folder.file("a.zip"), compression: .store)
        for (name, contents) in entries { try writer.add(name: name, contents: contents) }
        try writer.finish(durably: false)
        return try folder.bytes(of: "a.zip")
    }

    /// Visual Genome's pictures: 1 and 3 are COCO's, 2 and 4 are none, and 5 is one that VQA-v2 does not ask about.
    private static let imageData = """
        [{"width": 160, "url": "https://example.org/1.jpg", "height": 120, "image_id": 1, "coco_id": 11, "flickr_id": null},
         {"image_id": 2, "coco_id": null}, {"image_id": 3, "coco_id": 21}, {"image_id": 4, "coco_id": -1},
         {"image_id": 5, "coco_id": 31}]
        """

    /// Of these eight, six are about 1 and 3, and 101, 103 and 301 have an answer of the list.
    private static let questionAnswers = """
        [{"id": 1, "qas": [
            {"a_objects": [], "question": "Is it red?", "image_id": 1, "qa_id": 101, "answer": "Yes.", "q_objects": []},
            {"question": "What is it?", "image_id": 1, "qa_id": 102, "answer": "An aardvark."},
            {"question": "What's \\"his\\" colour\\u00e9?", "image_id": 1, "qa_id": 103, "answer": "Black."},
            {"question": "The same again?", "image_id": 1, "qa_id": 101, "answer": "No."}]},
         {"id": 2, "qas": [{"question": "Is it?", "image_id": 2, "qa_id": 201, "answer": "Yes."}]},
         {"id": 3, "qas": [{"question": "How many cats?", "image_id": 3, "qa_id": 301, "answer": "Three."},
            {"question": "Why?", "image_id": 3, "qa_id": 302, "answer": "To eat."}]},
         {"id": 5, "qas": [{"question": "Is it?", "image_id": 5, "qa_id": 501, "answer": "Yes."}]}, {"id": 6, "qas": []}]
        """
}
