import Archives
import Foundation
import TestSupport
import Testing
import VQADatasets

@Suite struct VQAv2ArchiveTests {
    private let folder: TemporaryFolder
    private let layout: OfficialLayout

    init() throws {
        folder = try TemporaryFolder()
        layout = OfficialLayout(datasets: folder.url, questionsFolder: folder.url.appending(component: "vqa"))
        try FileManager.default.createDirectory(
            at: layout.questionsFolder, withIntermediateDirectories: true)
    }

    private static let names = [
        VQAv2Archive.trainingQuestions: ["v2_OpenEnded_mscoco_train2014_questions.json"],
        .validationQuestions: ["v2_OpenEnded_mscoco_val2014_questions.json"],
        .testQuestions: [
            "v2_OpenEnded_mscoco_test-dev2015_questions.json", "v2_OpenEnded_mscoco_test2015_questions.json",
        ],
        .trainingAnnotations: ["v2_mscoco_train2014_annotations.json"],
        .validationAnnotations: ["v2_mscoco_val2014_annotations.json"],
    ]

    private func mini(_ name: String) throws -> [UInt8] {
        try [UInt8](Data(contentsOf: MiniRun.datasets.appending(components: "vqa", name)))
    }

    private func zip(_ entries: KeyValuePairs<String, [UInt8]>) throws -> String {
        let path = folder.file("a.zip")
        let writer = try ZipWriter(path: path)
        for (name, contents) in entries { try writer.add(name: name, contents: contents) }
        try writer.finish(durably: false)
        return path
    }

    private func unpacked() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: layout.questionsFolder.path).sorted()
    }

    /// What unpacking is refused for; nothing may appear then.
    private func refusal(
        _ zip: String, of archive: VQAv2Archive = .validationQuestions, isOriginal: Bool = false,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> String {
        let error = try #require(
            #expect(throws: DamagedDatasetArchive.self, sourceLocation: sourceLocation) {
                _ = try archive.unpack(zip, into: layout, isOriginal: isOriginal)
            })
        #expect(try unpacked().isEmpty, sourceLocation: sourceLocation)
        return "\(error)"
    }

    @Test("each archive's files come out under the official names", arguments: VQAv2Archive.allCases)
    func unpacking(archive: VQAv2Archive) throws {
        let names = try #require(Self.names[archive])
        let writer = try ZipWriter(path: folder.file("a.zip"))
        for name in names { try writer.add(name: name, contents: mini(name)) }
        try writer.finish(durably: false)
        let counts = try #require(try archive.unpack(folder.file("a.zip"), into: layout, isOriginal: false))
        #expect(try unpacked() == names)
        for name in names {
            let content = try Data(contentsOf: layout.questionsFolder.appending(component: name))
            #expect(try [UInt8](content) == mini(name))
        }
        #expect(counts.count == names.count)
        for (file, count) in counts {
            let location = try #require(file.location(in: layout))
            #expect(try file.countRecords(in: location) == count && count > 0)
        }
    }

    @Test("only files that are wanted are written")
    func wanted() throws {
        let names = try #require(Self.names[.testQuestions])
        let zip = try zip([names[0]: mini(names[0]), names[1]: mini(names[1])])
        let file = VQAv2File(split: .testDev, records: .questions)
        let counts = try VQAv2Archive.testQuestions.unpack(zip, into: layout, only: [file], isOriginal: false)
        #expect(counts?.keys.map { $0 } == [file])
        #expect(try unpacked() == [names[0]])
    }

    private static let name = "v2_OpenEnded_mscoco_val2014_questions.json"

    @Test("entries of other names are never written, wherever they want to go")
    func otherNames() throws {
        let content = try mini(Self.name)
        let zip = try zip([
            "../" + Self.name: content, "/tmp/" + Self.name: content, "../../evil": [1], "README": [2],
            Self.name: content,
        ])
        _ = try VQAv2Archive.validationQuestions.unpack(zip, into: layout, isOriginal: false)
        #expect(try unpacked() == [Self.name])
        #expect(try folder.names() == ["a.zip", "vqa"])
        let outside = try self.zip(["../" + Self.name: content])
        try FileManager.default.removeItem(at: layout.questionsFolder.appending(component: Self.name))
        #expect(try refusal(outside).contains(Self.name))
    }

    @Test("a flipped bit anywhere is noticed, or changes nothing")
    func flippedBits() throws {
        let content = try mini(Self.name)
        let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: zip([Self.name: content]))))
        var refusals = 0
        for position in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 300)) {
            var flipped = bytes
            flipped[position] ^= 0x10
            let path = try folder.write("flipped.zip", flipped)
            do {
                _ = try VQAv2Archive.validationQuestions.unpack(path, into: layout, isOriginal: false)
                let file = layout.questionsFolder.appending(component: Self.name)
                #expect(try [UInt8](Data(contentsOf: file)) == content)
                try FileManager.default.removeItem(at: file)
            } catch is DamagedDatasetArchive {
                refusals += 1
                #expect(try unpacked().isEmpty)
            }
        }
        #expect(refusals > 250)
    }

    @Test("an archive cut short anywhere is refused")
    func cutShort() throws {
        let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: zip([Self.name: mini(Self.name)]))))
        for length in stride(from: 0, to: bytes.count, by: max(1, bytes.count / 50)) {
            _ = try refusal(folder.write("cut.zip", bytes.prefix(length)))
        }
    }

    @Test("a page, another archive, and another kind of file are refused with what was expected")
    func others() throws {
        let page = try folder.write("page.zip", "<html>Sign in to this network</html>")
        #expect(try refusal(page).contains(page))
        let other = try zip(["other.json": mini(Self.name)])
        #expect(try refusal(other).contains("expected \(Self.name)"))
        let annotations = try zip([Self.name: mini("v2_mscoco_val2014_annotations.json")])
        #expect(try refusal(annotations).contains(Self.name))
        let none = try zip([Self.name: []])
        #expect(try refusal(none).contains(Self.name))
    }

    @Test("in VQA-v2's own archive, another count of questions is refused")
    func otherCount() throws {
        let zip = try zip([Self.name: mini(Self.name)])
        let message = try refusal(zip, isOriginal: true)
        #expect(message.contains("expected 214354 questions"))
    }

    @Test("when one of two files is bad, the good one does not appear either")
    func oneOfTwo() throws {
        let names = try #require(Self.names[.testQuestions])
        let zip = try zip([names[0]: mini(names[0]), names[1]: Array("{".utf8)])
        #expect(try refusal(zip, of: .testQuestions).contains(names[1]))
    }

    @Test("stopped, it writes nothing")
    func stopped() throws {
        let zip = try zip([Self.name: mini(Self.name)])
        let counts = try VQAv2Archive.validationQuestions.unpack(
            zip, into: layout, isOriginal: false, shouldStop: { true })
        #expect(counts == nil)
        #expect(try unpacked().isEmpty)
    }
}
