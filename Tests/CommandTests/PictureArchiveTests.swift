import Archives
import Foundation
import TestSupport
import Testing
import VQAFeatures

/// Pictures out of archives, seen by a small detector.
@Suite struct PictureArchiveTests {
    private let tool: CommandLineTool
    private static let pictures = ["a_landscape", "b_portrait", "c_wide", "d_grey"]

    init() throws {
        tool = try CommandLineTool()
        for folder in ["pictures/deep", "pictures/__MACOSX"] {
            try FileManager.default.createDirectory(
                atPath: tool.folder.file(folder), withIntermediateDirectories: true)
        }
        for (index, picture) in Self.pictures.enumerated() {
            let folder = index == 0 ? "pictures/deep/" : "pictures/"
            let bytes = try Data(contentsOf: Fixtures.url("detector/\(picture).png"))
            _ = try tool.folder.write(folder + "COCO_\(index + 1).png", bytes)
            _ = try tool.folder.write("pictures/__MACOSX/._COCO_\(index + 1).png", bytes.prefix(100))
        }
        _ = try tool.folder.write("pictures/notes.txt", "no picture")
        _ = try tool.folder.write(".hidden_9.png", "")
    }

    private func shell(_ command: String) throws {
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        shell.arguments = ["-c", "cd \"$1\" && \(command)", "sh", tool.folder.path]
        try shell.run()
        shell.waitUntilExit()
        try #require(shell.terminationStatus == 0)
    }

    /// A zip of all that is in the folder of pictures.
    private func zip(_ compression: ZipWriter.Compression = .deflate) throws {
        let writer = try ZipWriter(path: tool.folder.file("pictures.zip"), compression: compression)
        let names = FileManager.default.enumerator(atPath: tool.folder.file("pictures"))?.allObjects ?? []
        for case let name as String in names {
            var isFolder: ObjCBool = false
            let path = tool.folder.file("pictures/" + name)
            guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else { continue }
            let contents = isFolder.boolValue ? [] : try tool.folder.bytes(of: "pictures/" + name)
            try writer.add(name: "train/" + name + (isFolder.boolValue ? "/" : ""), contents: contents)
        }
        try writer.finish()
    }

    private func extract(_ places: String..., to output: String, _ more: [String] = []) -> [String] {
        ["extract", "--detector", Fixtures.url("detector/weights.caffemodel").path, "--pictures"] + places
            + ["--output", output] + more
    }

    private func contents(_ folder: String) throws -> [String: [UInt8]] {
        let names = try FileManager.default.contentsOfDirectory(atPath: tool.folder.file(folder))
        return try Dictionary(
            uniqueKeysWithValues: names.map { ($0, try tool.folder.bytes(of: "\(folder)/\($0)")) })
    }

    @Test("an archive of each kind gives what its folder gives, and nothing of it comes to the disk")
    func sameAsFolder() throws {
        #expect(try tool.run(extract("pictures", to: "expected")).exitCode == 0)
        let expected = try contents("expected")
        #expect(expected.count == 5)
        try zip()
        try shell("tar -cf pictures.tar pictures && gzip -k pictures.tar && mv pictures away")
        // Content says what an archive is.
        try shell("mv pictures.tar.gz pictures.bin")
        for archive in ["pictures.zip", "pictures.tar", "pictures.bin"] {
            let before = try tool.folder.names()
            let outcome = try tool.run(extract(archive, to: "features"))
            #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
            #expect(outcome.errorOutput.contains("4 pictures extracted, 0 there already, 0 left out"))
            #expect(try contents("features") == expected)
            #expect(Set(try tool.folder.names()) == Set(before + ["features"]))

            try FileManager.default.removeItem(atPath: tool.folder.file("features/COCO_3.png.npz"))
            let again = try tool.run(extract(archive, to: "features"))
            #expect(again.errorOutput.contains("1 pictures extracted, 3 there already, 0 left out"))
            #expect(try contents("features") == expected)
            try FileManager.default.removeItem(atPath: tool.folder.file("features"))
        }
    }

    @Test(
        "what cannot be read, and a second picture of an image, in whichever place, is named with its entry")
    func leftOut() throws {
        let cut = try tool.folder.bytes(of: "pictures/COCO_2.png").prefix(2000)
        _ = try tool.folder.write("pictures/COCO_5.png", cut)
        _ = try tool.folder.write("pictures/deep/x_000003.png", tool.folder.bytes(of: "pictures/COCO_3.png"))
        _ = try tool.folder.write("pictures/n6.png", tool.folder.bytes(of: "pictures/COCO_3.png"))
        try zip(.store)
        try FileManager.default.createDirectory(
            atPath: tool.folder.file("more"), withIntermediateDirectories: true)
        for (name, source) in [("x_4", 4), ("x_7", 3)] {
            _ = try tool.folder.write(
                "more/\(name).png", tool.folder.bytes(of: "pictures/COCO_\(source).png"))
        }
        let outcome = try tool.run(extract("pictures.zip", "more", to: "features"))
        #expect(outcome.exitCode == 0)
        #expect(
            outcome.errorOutput.contains("left out: pictures.zip!/train/COCO_5.png: the PNG is truncated"))
        #expect(
            outcome.errorOutput.contains(
                "left out: pictures.zip!/train/deep/x_000003.png: expected one picture of each image, found "
                    + "pictures.zip!/train/COCO_3.png too"))
        #expect(
            outcome.errorOutput.contains(
                "left out: more/x_4.png: expected one picture of each image, found "
                    + "pictures.zip!/train/COCO_4.png too"))
        #expect(
            outcome.errorOutput.contains("left out: pictures.zip!/train/n6.png: expected an image's number"))
        #expect(outcome.errorOutput.contains("5 pictures extracted, 0 there already, 4 left out"))
    }

    @Test("no entry's path leads out of the folder for the features")
    func paths() throws {
        let bytes = try tool.folder.bytes(of: "pictures/COCO_4.png")
        let writer = try ZipWriter(path: tool.folder.file("tricks.zip"))
        let long = String(repeating: "x", count: 300) + "_8.png"
        for name in [
            "../../out_1.png", "/tmp/rwsan/out_2.png", "a/../../_3.png", "..", "a\\..\\out_4.png", long,
        ] {
            try writer.add(name: name, contents: bytes)
        }
        try writer.finish()
        let outcome = try tool.run(extract("tricks.zip", to: "inner/features"))
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        #expect(
            try contents("inner/features").keys.sorted()
                == [
                    "_3.png.npz", "a\\..\\out_4.png.npz", "extraction.json", "out_1.png.npz", "out_2.png.npz",
                ])
        #expect(try tool.folder.names().filter { $0.contains("out") }.isEmpty)
        #expect(
            try FileManager.default.contentsOfDirectory(atPath: tool.folder.file("inner")) == ["features"])
        #expect(outcome.errorOutput.contains("expected a name of at most 243 bytes, found one of 306"))

        // A name of another encoding than UTF-8, as tar keeps it.
        try shell(
            "mkdir latin && cp pictures/COCO_4.png \"latin/$(printf 'caf\\351')_9.png\" && tar -cf latin.tar latin"
        )
        let latin = try tool.run(extract("latin.tar", "pictures", to: "inner/latin"))
        #expect(
            latin.errorOutput.contains(
                "left out: latin.tar!/latin/caf\u{FFFD}_9.png: expected a name in UTF-8"))
        #expect(latin.errorOutput.contains("4 pictures extracted, 0 there already, 1 left out"))
    }

    @Test("archives that are cut short or encrypted, and what is no archive, are refused in one line")
    func refused() throws {
        try zip()
        try shell("tar -cf pictures.tar pictures && gzip -k pictures.tar")
        for archive in ["pictures.zip", "pictures.tar", "pictures.tar.gz"] {
            let bytes = try tool.folder.bytes(of: archive)
            _ = try tool.folder.write("cut-" + archive, bytes.prefix(bytes.count * 2 / 3))
            try tool.expectRefusal(
                extract("cut-" + archive, to: "features"), naming: "cut-" + archive, "damaged or incomplete")
        }
        var bytes = try tool.folder.bytes(of: "pictures.zip")
        for place in bytes.indices.dropLast(4) where Array(bytes[place..<place + 4]) == [80, 75, 1, 2] {
            bytes[place + 8] |= 1
        }
        _ = try tool.folder.write("secret.zip", bytes)
        try tool.expectRefusal(extract("secret.zip", to: "features"), naming: "secret.zip", "encrypted")
        _ = try tool.folder.write("empty.zip", Array("PK\u{5}\u{6}".utf8) + [UInt8](repeating: 0, count: 18))
        try tool.expectRefusal(extract("empty.zip", to: "features"), naming: "empty.zip", "found none")
        try tool.expectRefusal(
            extract("pictures/COCO_2.png", to: "features"), naming: "COCO_2.png", "zip, tar or tar.gz",
            "a PNG picture")
        try tool.expectRefusal(extract("nowhere.zip", to: "features"), naming: "nowhere.zip")
        #expect(try !tool.folder.names().contains("features"))
    }

    @Test("links in a tar, and pictures whose names begin with an accent, are named or taken")
    func links() throws {
        try shell(
            "cd pictures && ln COCO_2.png copy_22.png && ln -s COCO_3.png link_33.png && tar cf ../links.tar *.png"
        )
        let outcome = try tool.run(extract("links.tar", to: "features"))
        #expect(outcome.exitCode == 0, Comment(rawValue: outcome.errorOutput))
        for name in ["link_33.png", "found a link"] { #expect(outcome.errorOutput.contains(name)) }
        // tar keeps one of two names of a file; the other is a link to it.
        #expect(outcome.errorOutput.contains("copy_22.png: ") || outcome.errorOutput.contains("COCO_2.png: "))

        try shell("mkdir accents && cp pictures/COCO_2.png \"accents/$(printf '\\314\\201')x_7.png\"")
        let accents = try tool.run(extract("accents", to: "others"))
        #expect(accents.exitCode == 0, Comment(rawValue: accents.errorOutput))
        #expect(try contents("others").keys.contains("\u{301}x_7.png.npz"))
    }

    @Test("an extraction of nothing fails, and a link that leads nowhere is called one")
    func nothing() throws {
        try shell("mkdir dangling && ln -s ../gone.png dangling/COCO_1.png")
        let outcome = try tool.run(extract("dangling", to: "features"))
        #expect(outcome.exitCode == 1)
        #expect(outcome.errorOutput.contains("a link to ../gone.png"))
        #expect(outcome.lastErrorLine.contains("dangling: expected pictures"))
    }
}
