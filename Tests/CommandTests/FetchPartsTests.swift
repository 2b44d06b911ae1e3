import Foundation
import TestSupport
import Testing
import VQADatasets

/// `rwsan fetch vqa-v2 --with`: pictures, word vectors, features and Visual Genome.
@Suite struct FetchPartsTests {
    @Test("sizes are told before the first byte; cuts are gone on after; and what is whole is left alone")
    func whole() throws {
        let cut = [
            "train2014.zip", "glove.840B.300d.zip", "train2014.tar.gz", "v2_Annotations_Train_mscoco.zip",
        ]
        let sources = try PrimarySources { reply, name, earlier, isHead in
            if cut.contains(name), reply.status != 302, !isHead, earlier == 0 { reply.cutAfter = 4096 }
        }
        let parts = "images,features,glove,visual-genome"
        let outcome = try sources.fetch(parts)
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        #expect(outcome.output == "datasets\n")
        try sources.expectKept()
        for name in cut { #expect(sources.offsets[name] == [0, 4096]) }
        for set in PrimarySources.images.keys {
            #expect(sources.exists("coco_extract/\(set).packed/index.json"))
        }
        let sizes = try #require(outcome.errorLines.first { $0.contains("to fetch: ") })
        for name in sources.files.keys where name.hasSuffix(".zip") || name.hasSuffix(".gz") {
            #expect(sizes.contains(name), "\(name)")
        }
        #expect(!sizes.contains("unknown"))
        let lines = outcome.errorLines
        let place = try #require(lines.firstIndex(of: sizes))
        #expect(lines[..<place].allSatisfy { !$0.contains("fetching ") })
        #expect(
            outcome.errorOutput.contains("images/train2014.zip: whole, with 3 pictures; COCO's own has 82783")
        )
        #expect(outcome.lastErrorLine == "next: rwsan train --data datasets --name val")

        let before = sources.server.exchanges.count
        let again = try sources.fetch(parts)
        #expect(again.exitCode == 0, Comment(rawValue: again.errorOutput))
        #expect(sources.server.exchanges.count == before)
        #expect(again.errorOutput.contains("VG_annotations.json are there already"))
    }

    @Test(
        "of Visual Genome, what VQA-v2's pictures and answers have is written in VQA-v2's form, and counted")
    func visualGenome() throws {
        let sources = try PrimarySources()
        let outcome = try sources.fetch("visual-genome")
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        #expect(
            outcome.errorOutput.contains(
                "of 8 questions 6 are about pictures of VQA-v2's train and val, and of these 3 have an answer"
            ))
        let layout = OfficialLayout(datasets: URL(fileURLWithPath: sources.file("")))
        let questions = try QuestionTable(contentsOf: layout.questions(of: .visualGenome))
        #expect(questions.ids.map(\.rawValue) == [1_000_000_000_101, 1_000_000_000_103, 1_000_000_000_301])
        #expect(questions.imageIDs.map(\.rawValue) == [11, 11, 21])
        #expect(questions.map(\.text) == ["Is it red?", "What's \"his\" colour\u{e9}?", "How many cats?"])
        let annotations = try AnnotationTable(contentsOf: #require(layout.annotations(of: .visualGenome)))
        #expect(annotations.questionIDs == questions.ids && annotations.imageIDs == questions.imageIDs)
        #expect(annotations.map(\.multipleChoiceAnswer) == ["yes", "black", "3"])
        #expect(annotations.map(\.answerType) == ["yes/no", "other", "number"])
        #expect(annotations.map(\.questionType) == ["is it", "what s", "how many"])
        for annotation in annotations {
            #expect(annotation.answers.count == 10)
            #expect(annotation.answers.allSatisfy { $0.answer == annotation.multipleChoiceAnswer })
        }
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: sources.file("vqa")).sorted()
                == (MiniMirror.files + ["VG_annotations.json", "VG_questions.json"]).sorted())
    }

    @Test("without room for all, nothing is fetched")
    func noRoom() throws {
        let sources = try PrimarySources { reply, name, _, isHead in
            if isHead, name == "val2014.zip" { reply.headers["Content-Length"] = "9000000000000000" }
        }
        let outcome = try sources.fetch("images")
        #expect(outcome.exitCode == 1)
        #expect(outcome.lastErrorLine.contains("datasets: expected room for 90000000"))
        #expect(outcome.errorOutput.contains("val2014.zip 9000000.0 GB"))
        #expect(sources.offsets.isEmpty)
    }

    @Test(
        "the room that counts is that of the disk that a folder is linked to",
        .enabled(if: otherDisk != nil, "there is one disk here"))
    func otherRoom() throws {
        let sources = try PrimarySources { reply, name, _, isHead in
            if isHead, name == "val2014.zip" { reply.headers["Content-Length"] = "9000000000000000" }
        }
        let place = try #require(Self.otherDisk) + "/" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: place) }
        try FileManager.default.createDirectory(
            atPath: sources.file(""), withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: sources.file("images"), withDestinationPath: place)
        let outcome = try sources.fetch("glove,images")
        #expect(outcome.exitCode == 1)
        #expect(outcome.lastErrorLine.contains("datasets/images: expected room for 90000000"))
        #expect(outcome.errorOutput.contains("MB are to come to datasets, which has room for "))
    }

    /// A folder on another disk than that for temporary files.
    private static let otherDisk: String? = {
        var (memory, temporary) = (stat(), stat())
        guard stat("/dev/shm", &memory) == 0, access("/dev/shm", W_OK) == 0,
            stat(FileManager.default.temporaryDirectory.path, &temporary) == 0,
            memory.st_dev != temporary.st_dev
        else { return nil }
        return "/dev/shm"
    }()

    @Test("a file that a server does not have is told before the first byte of another")
    func missing() throws {
        let sources = try PrimarySources { reply, name, _, _ in
            if name == "test2015.zip" { reply = .init(status: 404) }
        }
        let outcome = try sources.fetch("images")
        #expect(outcome.exitCode == 1)
        #expect(
            outcome.lastErrorLine.hasSuffix(
                "/all/test2015.zip: expected a file, found status 404 (not found)"))
        #expect(sources.offsets.isEmpty)
    }

    @Test("an archive that came damaged is fetched once more, and not a third time")
    func damaged() throws {
        let sources = try PrimarySources { reply, name, earlier, isHead in
            guard !isHead else { return }
            if name == "train2014.zip", earlier == 0 { reply.body[3000] ^= 1 }
            if name == "val2014.zip" { reply.body = Array("<html>Not here</html>".utf8) }
        }
        let outcome = try sources.fetch("images")
        #expect(outcome.exitCode == 1)
        #expect(outcome.errorOutput.contains("train2014.zip.unchecked: the archive is damaged or incomplete"))
        #expect(
            outcome.lastErrorLine.contains(
                "/all/val2014.zip: expected an archive of .jpg pictures, twice found"))
        #expect(sources.offsets["train2014.zip"] == [0, 0] && sources.offsets["val2014.zip"] == [0, 0])
        try sources.expectKept(["images/train2014.zip"])
        #expect(!sources.exists("images/val2014.zip") && !sources.exists("images/val2014.zip.unchecked"))
    }

    @Test("an archive that was cut short after it had come is fetched again, and the others are not")
    func cutShort() throws {
        let sources = try PrimarySources()
        #expect(try sources.fetch("images,glove").exitCode == 0)
        let bytes = try #require(sources.files["val2014.zip"])
        _ = try sources.tool.folder.write("datasets/images/val2014.zip", bytes.dropLast(500))
        let outcome = try sources.fetch("images,glove")
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        try sources.expectKept()
        #expect(sources.offsets["val2014.zip"] == [0, 0] && sources.offsets["train2014.zip"] == [0])
    }

    @Test("an archive that a killed run had fetched is looked at, and not fetched again unless it is damaged")
    func unchecked() throws {
        let sources = try PrimarySources()
        try FileManager.default.createDirectory(
            atPath: sources.file("images"), withIntermediateDirectories: true)
        for name in ["train2014.zip", "val2014.zip"] {
            var bytes = try #require(sources.files[name])
            if name == "val2014.zip" { bytes[2000] ^= 1 }
            _ = try sources.tool.folder.write("datasets/images/\(name).unchecked", bytes)
        }
        let outcome = try sources.fetch("images")
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        try sources.expectKept(["images/train2014.zip", "images/val2014.zip", "images/test2015.zip"])
        #expect(sources.offsets["train2014.zip"] == nil && sources.offsets["val2014.zip"] == [0])
    }

    @Test("a folder is a source of everything, and what it lacks is told in one line")
    func localSource() throws {
        let sources = try PrimarySources()
        for (name, bytes) in sources.files { _ = try sources.tool.folder.write(name, bytes) }
        let command = [
            "fetch", "vqa-v2", "--with", "images,features,glove,visual-genome", "--mirror",
            "file://\(sources.tool.folder.path)/",
        ]
        unlink(sources.tool.folder.file("test2015.tar.gz"))
        try sources.tool.expectRefusal(command, naming: "test2015.tar.gz")
        let bytes = try #require(sources.files["test2015.tar.gz"])
        _ = try sources.tool.folder.write("test2015.tar.gz", bytes)
        let outcome = try sources.tool.run(command)
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        #expect(
            outcome.errorOutput.contains(
                "test2015.tar.gz \(String(format: "%.1f", Double(bytes.count) / 1e6)) MB"))
        try sources.expectKept()
        #expect(
            sources.exists("vqa/VG_questions.json")
                && sources.exists("coco_extract/val2014.packed/index.json"))
        #expect(sources.server.exchanges.isEmpty)
    }

    @Test("a server that does not answer to HEAD is asked for the files all the same")
    func withoutHead() throws {
        let sources = try PrimarySources { reply, _, _, isHead in
            if isHead { reply = .init(status: 403) }
        }
        let outcome = try sources.fetch("glove")
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        #expect(outcome.errorOutput.contains("glove.840B.300d.zip of unknown size"))
        try sources.expectKept(["glove.840B.300d.zip"])
    }

    @Test("Ctrl-C keeps what has come, and says how to go on with the same parts")
    func interrupted() throws {
        let sources = try PrimarySources { reply, name, earlier, isHead in
            if name == "val2014.zip", !isHead, earlier == 0 { reply.stallAfter = 8192 }
        }
        let run = try sources.tool.start(sources.command("images"))
        let partial = sources.file("images/val2014.zip.unchecked.partial")
        try run.wait { (try? Data(contentsOf: URL(fileURLWithPath: partial)).count) == 8192 }
        run.send(SIGINT)
        let outcome = try run.outcome(seconds: 10)
        #expect(outcome.exitCode == 130)
        #expect(
            outcome.lastErrorLine.contains(
                "to go on: rwsan fetch vqa-v2 --output datasets --with images --mirror"))
        #expect(try sources.fetch("images").exitCode == 0)
        try sources.expectKept(["images/train2014.zip", "images/val2014.zip", "images/test2015.zip"])
        #expect(sources.offsets["val2014.zip"] == [0, 8192] && sources.offsets["train2014.zip"] == [0])
    }

    @Test(
        "names that are none, and features that no program can fetch, are refused before anything is asked for"
    )
    func refused() throws {
        let tool = try CommandLineTool()
        for list in ["pictures", "images,", "", "images, glove", "all"] {
            try tool.expectRefusal(
                ["fetch", "vqa-v2", "--with", list], naming: "--with",
                "images, features, glove or visual-genome")
        }
        try tool.expectRefusal(
            ["fetch", "vqa-v2", "--with", "images,features"], naming: "--with features",
            "datasets/coco_extract/train2014.tar.gz", "no program can fetch", "--mirror", "extract --store")
    }

    @Test("features that were put there by hand need no mirror")
    func ownFeatures() throws {
        let sources = try PrimarySources()
        #expect(try sources.fetch("glove").exitCode == 0)
        try FileManager.default.createDirectory(
            atPath: sources.file("coco_extract"), withIntermediateDirectories: true)
        for name in PrimarySources.features {
            _ = try sources.tool.folder.write("datasets/coco_extract/" + name, #require(sources.files[name]))
        }
        let outcome = try sources.tool.run("fetch", "vqa-v2", "--with", "features,glove")
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        #expect(sources.exists("coco_extract/test2015.packed/index.json"))
        #expect(PrimarySources.features.allSatisfy { sources.offsets[$0] == nil })
    }

    @Test(
        "files of Visual Genome that have another form are told in one line, with the archive and the record",
        arguments: [
            ("question_answers.json", #"{"qas": []}"#, "expected: '[' at the start"),
            ("question_answers.json", #"[{"id": 1}]"#, #"[0] has no "qas""#),
            (
                "question_answers.json", #"[{"qas": [{"qa_id": 1, "image_id": 1, "question": "Is it?"}]}]"#,
                #"[0].qas[0] has no "answer""#
            ),
            (
                "question_answers.json",
                #"[{"qas": [{"qa_id": -5, "image_id": 1, "question": "Is it?", "answer": "Yes"}]}]"#,
                "expected qa_id from 0"
            ),
            ("question_answers.json", #"[{"qas": []}"#, "is cut off"),
            (
                "question_answers.json", "[]",
                "expected questions with answers that VQA-v2 has, found none of 0"
            ),
            (
                "image_data.json", #"[{"image_id": "one", "coco_id": 11}]"#,
                "[0].image_id should be a 64-bit integer"
            ),
            ("image_data.json", #"[{"image_id": 1, "coco_id": 77}]"#, "found none of 1"),
            ("other.json", "[]", "expected image_data.json in it, found no such file"),
        ])
    func otherForm(name: String, text: String, problem: String) throws {
        let archive = name == "question_answers.json" ? name + ".zip" : "image_data.json.zip"
        let bytes = try PrimarySources.zip([(name, Array(text.utf8))], in: TemporaryFolder())
        let sources = try PrimarySources(changes: [archive: bytes])
        let outcome = try sources.fetch("visual-genome")
        #expect(outcome.exitCode == 1)
        #expect(outcome.lastErrorLine.hasPrefix("rwsan: error: \(sources.server.address)/all/\(archive): "))
        #expect(outcome.lastErrorLine.contains("an archive of Visual Genome, twice found something else"))
        #expect(outcome.lastErrorLine.contains(problem), "\(outcome.lastErrorLine)")
        #expect(!sources.exists("vqa/VG_questions.json") && !sources.exists("vqa/VG_annotations.json"))
        #expect(!sources.exists("vqa/downloads"))
    }
}
